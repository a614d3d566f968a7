"""Keys for private mail in tests: made here, and used for all that they can be."""

from webadmin.audit.record import OPERATOR
from webadmin.privacy import actions
from webadmin.privacy.models import Key
from webadmin.privacy.owners import Owner


def in_use(owner: Owner, address: str, years: int = 3) -> Key:
    """As if its owner had taken it into her programs, and shown it to others."""
    return actions.use(OPERATOR, actions.generate(OPERATOR, owner, address, years), encrypts=True, published=True)
