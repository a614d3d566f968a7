"""The organisational domain of a domain (RFC 7489 §3.2): the one below a public suffix, such as example.co.uk."""

from functools import cache, lru_cache

from publicsuffixlist import PublicSuffixList

REMEMBERED = 10_000


@cache
def _suffixes() -> PublicSuffixList:
    """The list in the package. Reading it takes a sixth of a second, so it is read when it is first needed."""
    return PublicSuffixList()


@lru_cache(REMEMBERED)
def organisational(domain: str) -> str:
    """Of a domain in A-labels; a public suffix stands for itself."""
    return _suffixes().privatesuffix(domain) or domain
