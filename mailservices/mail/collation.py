"""i;unicode-casemap (RFC 5051): how SEARCH, SORT and THREAD compare text (RFC 5255 §4.4)."""

import unicodedata


class _Mapped(dict[int, str]):
    """Code point -> what stands for it, found out when it is met for the first time."""

    def __missing__(self, code: int) -> str:
        self[code] = mapped = _mapped(chr(code))
        return mapped


def _mapped(character: str) -> str:
    """RFC 5051 §2: its title case, then decomposed as far as it goes."""
    titled = character.title()
    # Only simple mappings count: those to one character.
    return unicodedata.normalize("NFKD", titled if len(titled) == 1 else character)


_TABLE = _Mapped()


def casemap(text: str) -> str:
    """What two texts have in common that are equal but for case and composition."""
    return text.upper() if text.isascii() else text.translate(_TABLE)
