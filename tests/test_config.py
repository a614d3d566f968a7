"""What the environment says: a wrong word ends the start with a sentence."""

import pytest

from mailservices.config import PORTS, ConfigError, read

VARIABLES = {
    "FACTEUR_DATABASE_URL": "postgresql://u@localhost/x",
    "FACTEUR_DATABASE_PASSWORD": "p",
    "FACTEUR_REDIS_URL": "redis://localhost/0",
    "FACTEUR_SECRET_KEY": "k",
}


def test_pop2_has_a_port_only_where_it_is_wanted() -> None:
    config = read(VARIABLES)
    assert (config.pop2, config.ports.keys()) == ("off", PORTS.keys() - {"pop2"})
    config = read({**VARIABLES, "FACTEUR_POP2": "TLS", "FACTEUR_POP2_PORT": "109"})
    assert (config.pop2, config.ports["pop2"]) == ("tls", 109)
    with pytest.raises(ConfigError, match="off, tls or loopback"):
        read({**VARIABLES, "FACTEUR_POP2": "yes"})


def test_webhooks_reach_private_addresses_only_where_it_is_said() -> None:
    assert not read(VARIABLES).webhooks_private
    assert read({**VARIABLES, "FACTEUR_WEBHOOKS_PRIVATE": "yes"}).webhooks_private
    with pytest.raises(ConfigError, match="yes or no"):
        read({**VARIABLES, "FACTEUR_WEBHOOKS_PRIVATE": "maybe"})
