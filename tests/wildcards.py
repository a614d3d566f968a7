"""Wildcards of transcripts and golden files: `*` is anything, `$name` is what was seen before, or new."""

import re
from collections.abc import Mapping, MutableMapping

_WORDS = re.compile(r"\*|\$([a-z][a-z0-9_]*)")


def matches(pattern: str, line: str, variables: MutableMapping[str, str] | None = None) -> bool:
    """Whether the line is what the pattern says; names that it brings are kept in `variables`."""
    known = {} if variables is None else variables
    expression, position, new = "", 0, set()
    for word in _WORDS.finditer(pattern):
        expression += re.escape(pattern[position : word.start()])
        position = word.end()
        name = word[1]
        if name is None:
            expression += ".*"
        elif name in known:
            expression += re.escape(known[name])
        elif name in new:
            expression += f"(?P={name})"
        else:
            expression += f'(?P<{name}>[^ "()<>\\[\\]]+)'
            new.add(name)
    found = re.fullmatch(expression + re.escape(pattern[position:]), line, re.DOTALL)
    if found:
        known.update(found.groupdict())
    return bool(found)


def filled(text: str, variables: Mapping[str, str]) -> str:
    """The text with what its names stand for."""
    return _WORDS.sub(lambda word: variables[word[1]] if word[1] else word[0], text)
