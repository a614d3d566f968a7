"""Networks from which a token or an app password is good."""

import ipaddress
from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

#: Of one token or app password.
MOST = 20


def checked(texts: Iterable[str]) -> list[str]:
    """In normal form. Raises ValidationError."""
    found = []
    for text in texts:
        try:
            found.append(str(ipaddress.ip_network(text.strip(), strict=False)))
        except ValueError as error:
            words = gettext("{strip}: such as 192.0.2.0/24 or 2001:db8::/32.").format(strip=text.strip())
            raise ValidationError({"networks": words}) from error
    if len(found) > MOST:
        raise ValidationError({"networks": gettext("At most {most} networks.").format(most=MOST)})
    return found


def within(host: str | None, allowed: Iterable[str]) -> bool:
    """Whether an address is in one of them; none: anywhere is."""
    networks = [ipaddress.ip_network(text) for text in allowed]
    if not networks:
        return True
    address = ipaddress.ip_address(host) if host else None
    return address is not None and any(address in network for network in networks)
