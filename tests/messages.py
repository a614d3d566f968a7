"""`make messages`: gathers the texts of pages and verbs for translators, and compiles what they wrote."""

import os
import subprocess
import sys
from pathlib import Path

from appliance import ROOT, VENV

WEB = ROOT / "webadmin"
#: Each has a folder in webadmin/locale/.
LANGUAGES = ("fr",)
#: Of what is gathered, the header that changes each time.
_DATE = "POT-Creation-Date"


def catalogue(web: Path, language: str) -> Path:
    return web / "locale" / language / "LC_MESSAGES" / "django.po"


def gather(web: Path) -> None:
    """Bring the catalogues of this copy of webadmin/ up to its texts."""
    options = ["--no-wrap", "--no-location", "--no-obsolete", "--keep-pot"]
    named = [f"--locale={language}" for language in LANGUAGES]
    command = [VENV / "bin" / "django-admin", "makemessages", "--verbosity=0", *options, *named]
    # Without settings: it reads files, nothing else.
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    subprocess.run(command, cwd=web, env=environment, check=True)
    (web / "locale" / "django.pot").unlink()
    for language in LANGUAGES:
        path = catalogue(web, language)
        kept = [line for line in path.read_text().splitlines(keepends=True) if _DATE not in line]
        path.write_text("".join(kept))


def compiled(source: Path) -> bytes:
    """What programs read of a catalogue."""
    command = ["msgfmt", "--check-format", "--output-file=-", source]
    return subprocess.run(command, capture_output=True, check=True).stdout


def main() -> int:
    gather(WEB)
    for language in LANGUAGES:
        source = catalogue(WEB, language)
        source.with_suffix(".mo").write_bytes(compiled(source))
        subprocess.run(["msgfmt", "--statistics", "--output-file=/dev/null", source], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
