"""The tests of the pure rooms mirror them, file by file."""

from pathlib import Path

import pytest

from appliance import ROOT

ENGINE = ROOT / "mailservices"
MODULES = [
    path
    for room in ("mail", "protocols")
    for path in sorted((ENGINE / room).rglob("*.py"))
    if path.stem != "__init__"
]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ENGINE)))
def test_a_file_has_its_tests(path: Path) -> None:
    assert (ROOT / "tests" / path.relative_to(ENGINE).with_name(f"test_{path.name}")).is_file()
