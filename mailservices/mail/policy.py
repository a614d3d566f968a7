"""What a domain wishes to be done with mail from the world: one action for each check, and the defaults.

The database, the engine, the pages and the API all take the words and the defaults from here.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class Action(StrEnum):
    """What becomes of a message that a check objects to."""

    #: Nothing is asked at all.
    OFF = "off"
    #: It is told in the header and the trace, no more.
    NOTE = "note"
    #: It goes into the Junk folder.
    JUNK = "junk"
    #: The client is told that it is not taken.
    REFUSE = "refuse"
    #: DMARC alone: what the domain in From wishes.
    APPLY = "apply"


class ListEffect(StrEnum):
    """What it means that a client stands in a DNS list (RFC 5782)."""

    NOTE = "note"
    JUNK = "junk"
    REFUSE = "refuse"
    #: The client is known to be good: no blocklist and no greylisting hold it up.
    ALLOW = "allow"


#: What may be chosen for SPF, DKIM, reverse DNS and the client's greeting; and for DMARC.
PLAIN_ACTIONS = (Action.OFF, Action.NOTE, Action.JUNK, Action.REFUSE)
DMARC_ACTIONS = (Action.OFF, Action.NOTE, Action.JUNK, Action.APPLY)


@dataclass(frozen=True, slots=True)
class Inbound:
    """The policy of one domain, or of all that have none of their own."""

    spf: Action = Action.NOTE
    dkim: Action = Action.NOTE
    dmarc: Action = Action.APPLY
    iprev: Action = Action.NOTE
    helo: Action = Action.NOTE
    #: Whether the appliance's DNS lists are asked.
    dnslists: bool = True
    greylist: bool = False
    #: Whether domains that ask for it are told what was seen of them. Nothing of a message hangs on it.
    reports: bool = field(default=True, compare=False)


#: Nothing is looked at: for whoever signed in, and for trusted networks.
NO_CHECKS = Inbound(
    Action.OFF, Action.OFF, Action.OFF, Action.OFF, Action.OFF, dnslists=False, greylist=False, reports=False
)

#: Connections, and messages, that one address (of IPv6, one /64) may begin in a minute.
CONNECTIONS_PER_MINUTE = 300
MESSAGES_PER_MINUTE = 1200
