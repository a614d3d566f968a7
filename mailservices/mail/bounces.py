"""What a refusal is about, by a table of patterns: the first row that fits has the say. Its words are kept."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class About(StrEnum):
    """What somebody who looks at a failure wants to know first."""

    #: Nobody of that name; the only kind that suppresses an address.
    MAILBOX = "mailbox"
    FULL = "full"
    #: No such domain, or it takes no mail.
    DOMAIN = "domain"
    SPAM = "spam"
    #: Our address, or name, has a bad one.
    REPUTATION = "reputation"
    #: SPF, DKIM, DMARC.
    AUTHENTICATION = "authentication"
    RATE = "rate"
    GREYLIST = "greylist"
    POLICY = "policy"
    SIZE = "size"
    CONTENT = "content"
    TLS = "tls"
    NETWORK = "network"
    SYSTEM = "system"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Pattern:
    """What must fit of a try: stage, enhanced status, words; empty fits all."""

    about: About
    status: str = ""
    words: str = ""
    stage: str = ""


#: Words say more than numbers, which hosts choose freely; so they come first.
PATTERNS: Final = (
    Pattern(About.TLS, stage="starttls"),
    Pattern(About.TLS, status=r"4\.7\.5|5\.7\.10|5\.7\.30"),
    Pattern(About.DOMAIN, status=r"5\.1\.2|5\.1\.10|5\.4\.4|5\.4\.6", stage="dns"),
    Pattern(About.NETWORK, stage="dns|connect"),
    Pattern(About.GREYLIST, words=r"gr[ea]y-?list"),
    Pattern(About.FULL, words=r"(?:over|exceed\w*) (?:the |its |his |storage |disk )*quota"),
    Pattern(About.FULL, words=r"mailbox (?:is )?full|quota exceeded|insufficient (?:mailbox|disk) space"),
    Pattern(About.AUTHENTICATION, words=r"\b(?:spf|dkim|dmarc)\b|not authenticated|unauthenticated"),
    Pattern(About.REPUTATION, words=r"block ?list|black ?list|spamhaus|barracuda|\brbl\b|dnsbl|reputation"),
    Pattern(About.REPUTATION, words=r"\bptr\b|reverse dns|rdns"),
    Pattern(About.SPAM, words=r"\bspam|unsolicited|\bbulk\b|junk mail"),
    Pattern(About.RATE, words=r"too many (?:connections|messages|emails|recipients|requests)|rate.?limit"),
    Pattern(About.RATE, words=r"throttl|unusual rate"),
    Pattern(
        About.MAILBOX,
        status=r"5\..*",
        words=r"(?:user|mailbox|recipient|address|account)\b.{0,40}"
        r"(?:unknown|not found|does(?:n't| not) exist|invalid|disabled|inactive|not available|no longer)",
    ),
    Pattern(
        About.MAILBOX,
        status=r"5\..*",
        words=r"(?:unknown|no such|invalid|nonexistent|non-existent|nobody of) .{0,20}"
        r"(?:user|mailbox|recipient|address|account|name)",
    ),
    Pattern(About.SIZE, words=r"(?:message|mail).{0,20} too (?:large|big)|exceeds .{0,30}size"),
    Pattern(About.CONTENT, words=r"virus|malware|attachment|phish|prohibited content"),
    Pattern(About.MAILBOX, status=r"5\.1\.1|5\.1\.3|5\.1\.6|5\.2\.1"),
    Pattern(About.DOMAIN, status=r"5\.1\.2|5\.1\.10"),
    Pattern(About.FULL, status=r"[45]\.2\.2"),
    Pattern(About.SIZE, status=r"[45]\.(?:2\.3|3\.4)"),
    Pattern(About.CONTENT, status=r"[45]\.6\.\d+"),
    Pattern(About.AUTHENTICATION, status=r"[45]\.7\.(?:2[0-79]|9)"),
    Pattern(About.RATE, status=r"4\.7\.(?:28|0)|4\.5\.3"),
    Pattern(About.POLICY, status=r"[45]\.7\.\d+"),
    Pattern(About.SYSTEM, status=r"[45]\.3\.\d+"),
    Pattern(About.NETWORK, status=r"[45]\.4\.\d+"),
)

_COMPILED: Final = [
    (
        one.about,
        re.compile(one.status or r".*", re.ASCII),
        re.compile(one.words, re.IGNORECASE | re.ASCII),
        re.compile(one.stage or r".*", re.ASCII),
    )
    for one in PATTERNS
]
#: Characters of a reply that are looked at.
LOOKED_AT: Final = 500


def about(stage: str, status: str, words: str) -> About:
    """What a try that failed is about.

    Args:
        stage: as workers/outbound names them.
        status: enhanced (RFC 3463), or empty.
    """
    for found, fits_status, fits_words, fits_stage in _COMPILED:
        if fits_status.fullmatch(status) and fits_stage.fullmatch(stage) and fits_words.search(words[:LOOKED_AT]):
            return found
    return About.OTHER
