"""What is announced, in which state, each with its RFC."""

from collections.abc import Sequence

#: RFC 7888, RFC 4959, RFC 2971, RFC 5161, RFC 2177.
_ALWAYS = ("IMAP4rev1", "LITERAL+", "SASL-IR", "ID", "ENABLE", "IDLE")
#: RFC 2342, RFC 3348, RFC 3691, RFC 4315, RFC 6851, RFC 6154 (twice), RFC 8438, RFC 7889.
_SIGNED_IN = (
    "NAMESPACE", "CHILDREN", "UNSELECT", "UIDPLUS", "MOVE", "SPECIAL-USE", "CREATE-SPECIAL-USE", "STATUS=SIZE",
)  # fmt: skip


def words(
    *, signed_in: bool, starttls: bool, may_sign_in: bool, mechanisms: Sequence[str], append_limit: int
) -> list[str]:
    """The capabilities of a session in this state."""
    found = list(_ALWAYS)
    if signed_in:
        return [*found, *_SIGNED_IN, f"APPENDLIMIT={append_limit}"]
    if starttls:
        found.append("STARTTLS")
    if not may_sign_in:
        return [*found, "LOGINDISABLED"]
    return found + [f"AUTH={mechanism}" for mechanism in mechanisms]
