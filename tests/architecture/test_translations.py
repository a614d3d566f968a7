"""Whatever people read is in the catalogues, and translated; what is compiled is what the catalogues say."""

import re
import shutil
from pathlib import Path

import pytest
from django.conf import settings

from tests.messages import LANGUAGES, WEB, catalogue, compiled, gather

EMPTY = re.compile(r'^msgid "(.+)"\n(?:msgid_plural .*\n)?msgstr(?:\[\d\])? ""\n(?!")', re.MULTILINE)


def test_each_language_is_offered() -> None:
    assert [code for code, _ in settings.LANGUAGES] == ["en", *LANGUAGES]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_is_complete(tmp_path: Path, language: str) -> None:
    """`make messages` changes nothing, and leaves nothing to translate."""
    copy = tmp_path / "webadmin"
    shutil.copytree(WEB, copy, ignore=shutil.ignore_patterns("static", "*.pyc"))
    gather(copy)
    found, kept = catalogue(copy, language).read_text(), catalogue(WEB, language).read_text()
    assert found == kept, "run `make messages`"
    assert not EMPTY.findall(f"{kept}\n")
    assert "#, fuzzy" not in kept


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_the_catalogue(language: str) -> None:
    source = catalogue(WEB, language)
    assert source.with_suffix(".mo").read_bytes() == compiled(source), "run `make messages`"
