"""The command line against the running web: what it does, what it shows, what it says when it may not."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from typer.testing import CliRunner

from facteur.__main__ import app, main
from mailservices.mail.openpgp import keys as openpgp
from webadmin.audit.record import OPERATOR
from webadmin.directory import actions, administrators
from webadmin.directory.models import Account, Address, ApiToken, Domain
from webadmin.identity import People

pytestmark = pytest.mark.django_db(transaction=True)
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def token() -> str:
    return administrators.create_token(administrators.create_administrator("root", "a long passphrase"), "cli")[1]


@pytest.fixture
def run(
    live_server: object, token: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """A command's status and all that it says."""
    monkeypatch.setenv("FACTEUR_API_URL", str(live_server))
    monkeypatch.setenv("FACTEUR_API_TOKEN", token)
    monkeypatch.setenv("COLUMNS", "300")

    def carry_out(*words: str, told: str = "") -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["facteur", *words])
        monkeypatch.setattr("sys.stdin", StringIO(told))
        with pytest.raises(SystemExit) as left:
            main()
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out + said.err

    return carry_out


def test_domains_accounts_and_aliases(run: Run) -> None:
    assert run("domains", "create", "Example.org")[0] == 0
    assert Domain.objects.get().name == "example.org"
    code, said = run(
        "accounts", "create", "alice@example.org", "--password", "alice's own", "--quota-bytes", "1000"
    )
    assert (code, "alice@example.org" in said, "alice's own" in said) == (0, True, False)
    assert run("accounts", "password", "alice@example.org", "--password", "another")[0] == 0
    assert People().authenticate(None, "alice@example.org", "another")
    assert run("aliases", "create", "info@example.org", "alice@example.org", "x@far.test", "--note", "us")[0] == 0
    code, said = run("--json", "aliases", "list", "--domain", "example.org")
    assert json.loads(said)[0]["targets"] == ["alice@example.org", "x@far.test"]
    assert "alice@example.org" in run("accounts", "list", "--search", "alice")[1]
    assert "1000" in run("accounts", "show", "alice@example.org")[1]
    assert run("accounts", "show", "nobody@example.org") == (1, "There is no nobody@example.org.\n")
    assert run("domains", "delete", "example.org", "--yes")[1].startswith("example.org still has accounts")
    assert run("aliases", "delete", "info@example.org", "--yes")[0] == 0
    assert run("accounts", "delete", "alice@example.org", "--yes")[0] == 0
    assert (Address.objects.count(), Account.objects.get().active) == (0, False)
    code, said = run("domains", "create", "no dots")
    assert (code, said.startswith("name: ")) == (1, True)


def test_keys_for_private_mail(run: Run, tmp_path: Path) -> None:
    actions.create_domain(OPERATOR, "example.org")
    actions.create_account(OPERATOR, "alice@example.org", "pw1")
    code, said = run("--json", "keys", "make", "alice@example.org", "alice@example.org", "--years", "1")
    number = str(json.loads(said)["id"])
    assert code == 0
    code, said = run("keys", "public", number)
    assert said.startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----")
    (tmp_path / "armoured.asc").write_text(said)
    (tmp_path / "binary.pgp").write_bytes(openpgp.generate("", "carol@far.test").public)
    assert number in run("keys", "add", "alice@example.org", str(tmp_path / "armoured.asc"))[1]
    code, said = run("keys", "add", "example.org", str(tmp_path / "binary.pgp"), "--other")
    assert "carol@far.test" in said
    assert "carol@far.test" in run("keys", "list", "example.org")[1]
    assert run("keys", "renew", number, "--years", "2")[0] == 0
    assert run("keys", "revoke", number, told="n\n")[0] == 1
    assert run("keys", "revoke", number, "--yes") == (0, f"Key {number} is revoked.\n")
    assert run("keys", "delete", number, told="n\n")[0] == 1
    assert run("keys", "delete", number, "--yes")[0] == 0
    assert json.loads(run("--json", "keys", "list", "alice@example.org")[1]) == []
    assert run("keys", "list", "nobody@example.org")[0] == 1


def test_the_rest_of_it(run: Run) -> None:
    assert "ok" in run("health")[1]
    assert run("queue", "list")[0] == 0
    assert run("queue", "hold", "--destination", "far.test") == (0, "0 recipients.\n")
    assert "Say which" in run("queue", "cancel")[1]
    for words in ("a@b.test", "<a@b.test>", "x"):
        assert run("trace", words)[0] == 0
    assert "cli" in run("tokens", "list")[1]
    number = ApiToken.objects.get().pk
    assert run("tokens", "revoke", str(number), "--yes") == (0, "cli is revoked.\n")
    assert run("domains", "list") == (1, "The token is not known, or has expired.\n")


def test_a_document_is_applied(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "state.yaml"
    file.write_text("""
domains: [{name: example.org}]
accounts:
- {address: alice@example.org, password: alice's own}
aliases:
- {address: sale@example.org, targets: [alice@example.org], expires_at: 2030-01-01T00:00:00Z}
""")
    code, said = run("apply", "-f", str(file), "--dry-run")
    assert code == 0
    assert said.splitlines() == [
        "+ domain example.org", "+ account alice@example.org", "+ alias sale@example.org",
        "3 to create, 0 to change, 0 to delete, unchanged 0.",
    ]  # fmt: skip
    assert not Domain.objects.exists()
    assert run("apply", "-f", str(file))[1].endswith("created 3, changed 0, deleted 0, unchanged 0.\n")
    assert run("apply", "-f", str(file))[1] == "created 0, changed 0, deleted 0, unchanged 3.\n"
    # What it tells of itself is a document that changes nothing.
    code, told = run("state")
    file.write_text(told)
    assert run("apply", "-f", str(file))[1] == "created 0, changed 0, deleted 0, unchanged 3.\n"
    file.write_text("domains: [{name: example.org, language: fr}]\naccounts: []\naliases: []\n")
    code, said = run("apply", "-f", str(file))
    assert "    language: en -> fr" in said
    assert "alice@example.org is not in the document" in said
    code, said = run("apply", "-f", str(file), "--prune", told="n\n")
    assert (code, "- account alice@example.org" in said, Account.objects.get().active) == (1, True, True)
    assert run("apply", "-f", str(file), "--prune", "--yes")[0] == 0
    assert not Account.objects.get().active
    file.write_text("domains: [{name: a.test}, {name: nonsense}]\n")
    assert run("apply", "-f", str(file))[0] == 1
    file.write_text("a: [")
    assert "is no document" in run("apply", "-f", str(file))[1]


def test_accounts_are_imported(run: Run, tmp_path: Path) -> None:
    actions.create_domain(OPERATOR, "example.org")
    file = tmp_path / "accounts.yaml"
    file.write_text("[{address: a@example.org, password: a's own}, {address: b@nowhere.test, password: b's own}]")
    code, said = run("accounts", "import", "-f", str(file))
    assert (code, "nowhere.test is not a domain" in said) == (1, True)
    assert said.endswith("Created 1 of 2 accounts.\n")
    file.write_text("{}")
    assert "is no list" in run("accounts", "import", "-f", str(file))[1]


def test_it_says_where_it_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("facteur.api.FOUND", Path("/nowhere"))
    said = CliRunner().invoke(app, ["domains", "list"])
    assert (said.exit_code, "FACTEUR_API_URL" in said.output) == (2, True)
    said = CliRunner().invoke(app, ["--url", "http://127.0.0.1:1", "--token", "x", "domains", "list"])
    assert "does not answer" in str(said.exception)
