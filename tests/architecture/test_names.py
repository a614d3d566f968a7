"""Names say what a thing is: none of the words that say nothing."""

import ast
from pathlib import Path

import pytest

from appliance import ROOT

ROOMS = ("appliance", "mailservices", "webadmin", "workers")
EMPTY_WORDS = ("manager", "helper", "util", "utils", "base", "impl", "misc", "common")


MODULES = [
    path
    for room in ROOMS
    for path in sorted((ROOT / room).rglob("*.py"))
    if "migrations" not in path.parts and path.name != "__main__.py"
]


def words(name: str) -> list[str]:
    spaced = "".join(f"_{letter}" if letter.isupper() else letter for letter in name)
    return [word.lower() for word in spaced.split("_") if word]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_names_say_something(path: Path) -> None:
    named = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    names = [path.stem, *(node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, named))]
    assert not [name for name in names if set(words(name)) & set(EMPTY_WORDS)]
