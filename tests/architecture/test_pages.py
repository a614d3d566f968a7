"""The pages tell the truth: the map is the tree, links lead somewhere, settings and RFCs are in their tables."""

import re
from pathlib import Path

import pytest

from appliance import ROOT
from mailservices import config

PAGES = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not {".venv", "var", "vendor", "drivers"} & set(path.relative_to(ROOT).parts)
)
ROOMS = ("appliance", "mailservices", "webadmin", "workers")
CODE = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
CITED = re.compile(r"RFC (\d{3,5}(?:, \d{3,5}\b)*)")


def folders(parent: Path) -> set[str]:
    """Packages and folders that a reader should know of."""
    left_out = {"migrations", "static", "templates", "handlers", "stages", "outbound", "management", "drivers"}
    return {
        path.name
        for path in parent.iterdir()
        if path.is_dir() and path.name not in left_out and not path.name.startswith((".", "_"))
    }


def mapped() -> dict[str, set[str]]:
    """README's map: folder -> the folders below it that it names; "" is the root."""
    block = (ROOT / "README.md").read_text().split("## The map")[1].split("```")[1]
    found: dict[str, set[str]] = {"": set()}
    top = ""
    for line in block.strip("\n").splitlines():
        match = re.match(r"( *)([a-z0-9]+)/ ", line)
        if match and not match[1]:
            top = match[2]
            found[""].add(top)
        elif match:
            found.setdefault(top, set()).add(match[2])
    return found


def test_the_map_is_the_tree() -> None:
    told = mapped()
    assert told[""] == folders(ROOT) - {"var"}
    assert told["mailservices"] == folders(ROOT / "mailservices")
    assert told["webadmin"] == folders(ROOT / "webadmin")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_names_of_files_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    links = [one for one in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text) if not one.startswith("http")]
    assert not [link for link in links if not (page.parent / link).exists()]


def test_every_room_has_a_page_of_one_screen() -> None:
    for room in mapped()[""]:
        if room == "docs":
            continue
        lines = (ROOT / room / "README.md").read_text().splitlines()
        assert 3 <= len(lines) <= 60, room


def test_every_setting_is_in_the_manual() -> None:
    manual = (ROOT / "docs" / "operating.md").read_text()
    source = Path(config.__file__).read_text()
    names = re.findall(r'(?:text|number|flag|secret|words|_path)\((?:env, )?"([A-Z_]+)"', source)
    assert len(names) > 10
    assert [name for name in names if f"`{config.PREFIX}{name}`" not in manual] == []


def rfcs() -> dict[int, str]:
    """Number -> yes, partly or no."""
    rows = re.findall(r"^\| (\d+) \| [^|]+ \| (\w+) \|", (ROOT / "mailservices/RFCS.md").read_text(), re.MULTILINE)
    return {int(number): state for number, state in rows}


def cited() -> set[int]:
    text = "\n".join(path.read_text() for path in CODE)
    return {int(number) for numbers in CITED.findall(text) for number in numbers.split(", ")}


def test_every_cited_rfc_is_in_the_table() -> None:
    assert cited() - rfcs().keys() == set()


def test_every_rfc_that_is_followed_is_cited() -> None:
    assert [number for number, state in rfcs().items() if state == "yes" and number not in cited()] == []
    assert set(rfcs().values()) == {"yes", "partly", "no"}


def test_the_table_is_in_order() -> None:
    assert list(rfcs()) == sorted(rfcs())
