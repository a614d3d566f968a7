"""What is announced, in which state, each with its RFC."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

_ALWAYS = (
    "IMAP4rev2",  # RFC 9051
    "IMAP4rev1",  # RFC 3501
    "LITERAL+",  # RFC 7888 §5: LITERAL- may not stand beside it, which has all of that
    "SASL-IR",  # RFC 4959
    "ID",  # RFC 2971
    "ENABLE",  # RFC 5161
    "IDLE",  # RFC 2177
)
_SIGNED_IN = (
    "NAMESPACE",  # RFC 2342
    "CHILDREN",  # RFC 3348
    "UNSELECT",  # RFC 3691
    "UIDPLUS",  # RFC 4315
    "MOVE",  # RFC 6851
    "SPECIAL-USE",  # RFC 6154
    "CREATE-SPECIAL-USE",  # RFC 6154
    "STATUS=SIZE",  # RFC 8438
    "LIST-EXTENDED",  # RFC 5258
    "LIST-STATUS",  # RFC 5819
    "MULTIAPPEND",  # RFC 3502
    "UTF8=ACCEPT",  # RFC 6855
    "BINARY",  # RFC 3516
    "ESEARCH",  # RFC 4731
    "SEARCHRES",  # RFC 5182
    "SEARCH=FUZZY",  # RFC 6203
    "CONDSTORE",  # RFC 7162 §3.1
    "QRESYNC",  # RFC 7162 §3.2
    "WITHIN",  # RFC 5032
    "OBJECTID",  # RFC 8474
    "SAVEDATE",  # RFC 8514
    "SORT",  # RFC 5256
    "SORT=DISPLAY",  # RFC 5957
    "ESORT",  # RFC 5267 §3
    "THREAD=ORDEREDSUBJECT",  # RFC 5256
    "THREAD=REFERENCES",  # RFC 5256
    "THREAD=REFS",
    "PARTIAL",  # RFC 9394
    "CONTEXT=SEARCH",  # RFC 5267 §4
    "CONTEXT=SORT",  # RFC 5267 §4
    "MULTISEARCH",  # RFC 7377
    "PREVIEW",  # RFC 8970
    "CATENATE",  # RFC 4469
    "URL-PARTIAL",  # RFC 5550 §2.9
    "REPLACE",  # RFC 8508
    "UNAUTHENTICATE",  # RFC 8437
    "UIDONLY",  # RFC 9586
    "UIDBATCHES",  # RFC 9957
    "INPROGRESS",  # RFC 9585
    "ACL",  # RFC 4314
    "RIGHTS=kxte",  # RFC 4314 §1
    "LIST-MYRIGHTS",  # RFC 8440
    "NOTIFY",  # RFC 5465
    "METADATA",  # RFC 5464
    "LIST-METADATA",  # RFC 9590
    "QUOTA",  # RFC 9208
    "QUOTA=RES-STORAGE",
    "QUOTA=RES-MESSAGE",
    "QUOTA=RES-MAILBOX",
    "I18NLEVEL=1",  # RFC 5255 §4
)


def words(
    *, signed_in: bool, starttls: bool, compressed: bool, may_sign_in: bool, mechanisms: Sequence[str],
    append_limit: int, message_limit: int = 0, withheld: AbstractSet[str] = frozenset(),
) -> list[str]:  # fmt: skip
    """The capabilities of a session in this state, but for those that are withheld from it.

    APPENDLIMIT is RFC 7889's, COMPRESS RFC 4978's, MESSAGELIMIT RFC 9738's.
    """
    found = _words(signed_in, starttls, compressed, may_sign_in, mechanisms, append_limit)
    if signed_in and message_limit:
        found.append(f"MESSAGELIMIT={message_limit}")
    return [word for word in found if offered(word, withheld)] if withheld else found


def offered(word: str, withheld: AbstractSet[str]) -> bool:
    """Whether a capability is not among these, nor its name without its value."""
    word = word.upper()
    return word not in withheld and word.partition("=")[0] not in withheld


def _words(
    signed_in: bool, starttls: bool, compressed: bool, may_sign_in: bool, mechanisms: Sequence[str],
    append_limit: int,
) -> list[str]:  # fmt: skip
    found = list(_ALWAYS)
    if signed_in:
        found += [*_SIGNED_IN, *(() if compressed else ("COMPRESS=DEFLATE",))]
        return [*found, f"APPENDLIMIT={append_limit}"]
    if starttls:
        found.append("STARTTLS")
    if not may_sign_in:
        return [*found, "LOGINDISABLED"]
    return found + [f"AUTH={mechanism}" for mechanism in mechanisms]
