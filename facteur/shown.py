"""How answers are shown: tables for people, JSON for scripts."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

console = Console()
#: What of an answer is told to people in another colour.
COLOURS = {"create": "green", "change": "yellow", "delete": "red"}
SIGNS = {"create": "+", "change": "~", "delete": "-"}


def tell(words: str) -> None:
    console.print(Text(words))


def as_json(answer: Any) -> None:
    console.print(json.dumps(answer, indent=2, ensure_ascii=False), markup=False, highlight=False, soft_wrap=True)


def table(rows: Iterable[dict[str, Any]], columns: Sequence[str], *, plain: bool) -> None:
    """Rows under these columns; `plain`: as JSON, with all that they have."""
    if plain:
        as_json(list(rows))
        return
    drawn = Table(*[column.replace("_", " ") for column in columns], box=None, header_style="bold", pad_edge=False)
    for row in rows:
        drawn.add_row(*[Text(_word(row.get(column))) for column in columns])
    console.print(drawn)


def one(row: dict[str, Any], *, plain: bool) -> None:
    """One thing, a field on each line."""
    if plain:
        as_json(row)
        return
    drawn = Table(box=None, show_header=False, pad_edge=False)
    for name, value in row.items():
        drawn.add_row(Text(name, style="dim"), Text(_word(value)))
    console.print(drawn)


def changes(outcome: dict[str, Any]) -> None:
    """What was, or would be, done."""
    for change in outcome["changes"]:
        line = Text(f"{SIGNS[change['what']]} {change['kind']} {change['name']}", style=COLOURS[change["what"]])
        console.print(line, soft_wrap=True)
        if change["what"] != "change":
            continue
        for name, value in change["after"].items():
            before = f"{_word(change['before'][name])} -> " if name in change["before"] else ""
            console.print(Text(f"    {name}: {before}{_word(value)}"), soft_wrap=True)
    for name in outcome["extra"]:
        console.print(Text(f"? {name} is not in the document, and stays (--prune deletes it)", style="dim"))
    counts = {what: sum(1 for one in outcome["changes"] if one["what"] == what) for what in SIGNS}
    words = ", ".join(
        f"{count} to {what}" if outcome["dry_run"] else f"{what}d {count}" for what, count in counts.items()
    )
    tell(f"{words}, unchanged {outcome['unchanged']}.")


def _word(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(_word, value))
        case dict():
            return ", ".join(f"{name} {_word(inner)}" for name, inner in value.items())
    return str(value)
