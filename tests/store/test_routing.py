"""The rules of how mail leaves, as a worker holds them."""

from mailservices.config import Config
from mailservices.store.pool import Pool
from mailservices.store.routing import KEPT_SECONDS, Rules
from tests.conftest import orm
from webadmin.audit.record import OPERATOR
from webadmin.queue import routes


async def test_rules_are_held_for_seconds_unless_mail_is_bound_to_a_newer_one(
    pool: Pool, config: Config, committed: None
) -> None:
    now = 0.0
    rules = Rules(pool, config.sealing_key, lambda: now)
    known = await rules.current()
    made = await orm(lambda: routes.create_route(OPERATOR, recipient="held.test", host="relay.test"))
    try:
        assert await rules.current() == known
        assert made.pk in [rule.rule_id for rule in await rules.current(bound=made.pk)]
        await orm(lambda: routes.change_route(OPERATOR, made, active=False))
        assert made.pk in [rule.rule_id for rule in await rules.current(bound=made.pk)]
        now = KEPT_SECONDS
        assert await rules.current(bound=made.pk) == known
    finally:
        await orm(made.delete)
