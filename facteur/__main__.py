"""`python -m facteur`: the commands."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.progress import Progress

from facteur import shown
from facteur.api import Api, Refused, found
from facteur.keys import keys

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="The operator's command line.")
domains = typer.Typer(no_args_is_help=True, help="Domains.")
accounts = typer.Typer(no_args_is_help=True, help="Accounts.")
aliases = typer.Typer(no_args_is_help=True, help="Aliases and catch-alls.")
queue = typer.Typer(no_args_is_help=True, help="Mail on its way out.")
tokens = typer.Typer(no_args_is_help=True, help="API tokens; new ones are made in the browser.")
for name, group in {
    "domains": domains, "accounts": accounts, "aliases": aliases, "queue": queue, "tokens": tokens,
    "keys": keys,
}.items():  # fmt: skip
    app.add_typer(group, name=name)

#: Where the web is in its own container.
NEAR = "http://127.0.0.1:8080"
#: Accounts of one request while a file is imported.
BATCH = 500
Search = Annotated[str, typer.Option(help="A part of what is looked for.")]
Limit = Annotated[int, typer.Option(help="Rows at most; 0: all.")]
Sure = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Password = Annotated[str, typer.Option(help="Asked for where it is not named.", prompt=True, hide_input=True)]
File = Annotated[Path, typer.Option("--file", "-f", exists=True, dir_okay=False, help="The document, in YAML.")]


@app.callback()
def reach(
    context: typer.Context,
    url: Annotated[str, typer.Option(envvar="FACTEUR_API_URL", help="Such as https://mail.example.org.")] = "",
    token: Annotated[str, typer.Option(envvar="FACTEUR_API_TOKEN", help="Of the REST API.")] = "",
    plain: Annotated[bool, typer.Option("--json", help="Answers as JSON.")] = False,
) -> None:
    here = found()
    url, token = url or here[0] or NEAR, token or here[1]
    if not token:
        raise typer.BadParameter(
            "Say by which token: --token, or FACTEUR_API_TOKEN (and --url, or FACTEUR_API_URL)."
        )
    api = Api(url, token)
    context.call_on_close(api.close)
    context.obj = api, plain


def _api(context: typer.Context) -> Api:
    api: Api = context.obj[0]
    return api


def _plain(context: typer.Context) -> bool:
    return bool(context.obj[1])


def _read(file: Path) -> Any:
    """A YAML document (JSON is YAML, too) as JSON can tell it. Raises Refused."""
    try:
        told = yaml.load(file.read_text(), Loader=yaml.CSafeLoader)
        return json.loads(json.dumps(told, default=lambda moment: moment.isoformat()))
    except (OSError, ValueError, AttributeError, yaml.YAMLError) as error:
        raise Refused(f"{file} is no document: {error}") from error


def _sure(yes: bool, words: str) -> None:
    if not yes:
        typer.confirm(words, abort=True)


# Domains


@domains.command("list")
def list_domains(context: typer.Context, search: Search = "", limit: Limit = 0) -> None:
    """All domains, or those with this in their names."""
    rows = _api(context).all("domains/", limit, search=search)
    shown.table(rows, ("name", "tenant", "active", "alias_of", "created_at"), plain=_plain(context))


@domains.command("create")
def create_domain(context: typer.Context, name: str) -> None:
    """Take mail for a domain from now on."""
    shown.one(_api(context).ask("POST", "domains/", {"name": name}), plain=_plain(context))


@domains.command("delete")
def delete_domain(context: typer.Context, name: str, yes: Sure = False) -> None:
    """Refuse mail for a domain that has no accounts and no aliases any more."""
    row = _api(context).one("domains/", name=name)
    _sure(yes, f"Mail for {row['name']} is refused from then on. Delete it?")
    _api(context).ask("DELETE", f"domains/{row['id']}/")
    shown.tell(f"{row['name']} is deleted.")


# Accounts


@accounts.command("list")
def list_accounts(context: typer.Context, search: Search = "", domain: str = "", limit: Limit = 0) -> None:
    """All accounts, those of a domain, or those with this in address or name."""
    rows = _api(context).all("accounts/", limit, search=search, domain=domain)
    shown.table(rows, ("address", "display_name", "active", "quota_bytes", "usage"), plain=_plain(context))


@accounts.command("show")
def show_account(context: typer.Context, address: str) -> None:
    """Everything about one account."""
    shown.one(_api(context).one("accounts/", address=address), plain=_plain(context))


@accounts.command("create")
def create_account(
    context: typer.Context,
    address: str,
    password: Password,
    display_name: str = "",
    quota_bytes: int | None = None,
) -> None:
    """Make a mailbox."""
    body = {"address": address, "password": password, "display_name": display_name, "quota_bytes": quota_bytes}
    shown.one(_api(context).ask("POST", "accounts/", body), plain=_plain(context))


@accounts.command("password")
def set_password(context: typer.Context, address: str, password: Password) -> None:
    """Give an account a new password."""
    row = _api(context).one("accounts/", address=address)
    _api(context).ask("PATCH", f"accounts/{row['id']}/", {"password": password})
    shown.tell(f"{row['address']} has the new password.")


@accounts.command("delete")
def delete_account(context: typer.Context, address: str, yes: Sure = False) -> None:
    """Let nobody sign in or send to an account any more; its mail is kept for 30 days."""
    row = _api(context).one("accounts/", address=address)
    _sure(yes, f"Nobody can sign in or send to {row['address']} from then on. Delete it?")
    _api(context).ask("DELETE", f"accounts/{row['id']}/")
    shown.tell(f"{row['address']} is deleted.")


@accounts.command("import")
def import_accounts(context: typer.Context, file: File) -> None:
    """Create all accounts of a YAML list: address, password or password_hash, display_name, quota_bytes."""
    rows = _read(file)
    if not isinstance(rows, list):
        raise Refused(f"{file} is no list.")
    wrong = []
    with Progress(console=shown.console, transient=True) as progress:
        task = progress.add_task("accounts", total=len(rows))
        for start in range(0, len(rows), BATCH):
            part = rows[start : start + BATCH]
            told = _api(context).ask("POST", "accounts/bulk/", {"accounts": part})
            wrong += [one for one in told["results"] if one["errors"]]
            progress.advance(task, len(part))
    shown.table(wrong, ("address", "errors"), plain=_plain(context))
    shown.tell(f"Created {len(rows) - len(wrong)} of {len(rows)} accounts.")
    if wrong:
        raise typer.Exit(1)


# Aliases


@aliases.command("list")
def list_aliases(context: typer.Context, search: Search = "", domain: str = "", limit: Limit = 0) -> None:
    """All aliases, or those with this in their addresses or where they lead."""
    rows = _api(context).all("aliases/", limit, search=search, domain=domain)
    shown.table(rows, ("address", "targets", "posting", "note"), plain=_plain(context))


@aliases.command("create")
def create_alias(context: typer.Context, address: str, targets: list[str], note: str = "") -> None:
    """Let an address lead to others; @example.org takes what no other address takes."""
    body = {"address": address, "targets": targets, "note": note}
    shown.one(_api(context).ask("POST", "aliases/", body), plain=_plain(context))


@aliases.command("delete")
def delete_alias(context: typer.Context, address: str, yes: Sure = False) -> None:
    """Refuse mail to an alias from then on."""
    row = _api(context).one("aliases/", address=address)
    _sure(yes, f"Mail to {row['address']} is refused from then on. Delete it?")
    _api(context).ask("DELETE", f"aliases/{row['id']}/")
    shown.tell(f"{row['address']} is deleted.")


# The queue


@queue.command("list")
def list_queue(
    context: typer.Context, state: str = "", destination: str = "", sender: str = "", limit: Limit = 100
) -> None:
    """Recipients, the newest first."""
    rows = _api(context).all("queue/", limit, state=state, destination=destination, sender=sender)
    columns = ("id", "address", "sender", "state", "attempts", "next_attempt_at", "last_reply")
    shown.table(rows, columns, plain=_plain(context))


def _act(verb: str, words: str) -> None:
    """A command that does this to what is chosen."""

    def command(
        context: typer.Context,
        number: Annotated[int | None, typer.Option("--id", help="Of one recipient.")] = None,
        destination: str = "",
        sender: str = "",
        state: str = "",
    ) -> None:
        asked: dict[str, Any] = {"id": number, "destination": destination, "sender": sender, "state": state}
        body = {"verb": verb, **{name: value for name, value in asked.items() if value}}
        told = _api(context).ask("POST", "queue/act/", body)
        shown.tell(f"{told['recipients']} recipients.")

    queue.command(verb, help=words)(command)


_act("retry", "Try them now.")
_act("hold", "Try them no more until they are released.")
_act("release", "Let go what was held.")
_act("cancel", "Never send them.")


# Everything else


@app.command()
def trace(context: typer.Context, words: str, limit: Limit = 100) -> None:
    """Where is my mail? By address, Message-ID (with its <>) or trace id; the newest first."""
    kind = "message_id" if words.startswith("<") else "address" if "@" in words else "trace_id"
    rows = _api(context).all("trace/", limit, **{kind: words})
    columns = ("at", "kind", "service", "sender", "recipient", "remote_host", "detail")
    shown.table(rows, columns, plain=_plain(context))


@tokens.command("list")
def list_tokens(context: typer.Context) -> None:
    """API tokens, and when each was used last."""
    columns = ("id", "label", "administrator", "rights", "domains", "networks", "expires_at", "last_used_at")
    shown.table(_api(context).all("tokens/"), columns, plain=_plain(context))


@tokens.command("revoke")
def revoke_token(context: typer.Context, number: int, yes: Sure = False) -> None:
    """Let a token be good for nothing any more."""
    row = _api(context).ask("GET", f"tokens/{number}/")
    _sure(yes, f"Programs that use {row['label']} are refused from then on. Revoke it?")
    _api(context).ask("DELETE", f"tokens/{number}/")
    shown.tell(f"{row['label']} is revoked.")


@app.command()
def health(context: typer.Context) -> None:
    """Whether the web, its database and Redis are well."""
    told = _api(context).plain("/healthz")
    shown.one(told, plain=_plain(context))
    if told.get("status") != "ok":
        raise typer.Exit(1)


@app.command()
def state(context: typer.Context) -> None:
    """All domains, accounts and aliases as a YAML document, without passwords: a beginning for `apply`."""
    told = _api(context).ask("GET", "state/")
    shown.console.print(
        yaml.dump(told, allow_unicode=True, sort_keys=False), markup=False, highlight=False, soft_wrap=True, end=""
    )


@app.command()
def apply(
    context: typer.Context,
    file: File,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done.")] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Delete accounts and aliases of the document's domains that it lacks.")
    ] = False,
    yes: Sure = False,
) -> None:
    """Let domains, accounts and aliases be as the document says. Twice is once."""
    document = _read(file)
    flags = {"dry_run": "yes" if dry_run else "no", "prune": "yes" if prune else "no"}
    if prune and not dry_run and not yes:
        tried = _api(context).ask("PUT", "state/", document, prune="yes", dry_run="yes")
        shown.changes(tried)
        _sure(yes, "Do all of that?")
    outcome = _api(context).ask("PUT", "state/", document, **flags)
    if _plain(context):
        shown.as_json(outcome)
    else:
        shown.changes(outcome)


def main() -> None:
    try:
        app()
    except Refused as error:
        typer.echo(str(error), err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
