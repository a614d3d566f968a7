"""`facteur keys`: keys for private mail, of accounts and of domains."""

import base64
from pathlib import Path
from typing import Annotated, Any

import typer

from facteur import shown
from facteur.api import Api

keys = typer.Typer(no_args_is_help=True, help="Keys for private mail: OpenPGP and S/MIME.")

Owner = Annotated[str, typer.Argument(help="An account's address, or the name of a domain.")]
Number = Annotated[int, typer.Argument(help="As `keys list` shows it.")]
Years = Annotated[int, typer.Option(help="For how long from now.")]
Sure = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
KeyFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Armoured, PEM or binary.")]
PATH = "privacy-keys/"


def _whose(api: Api, owner: str) -> dict[str, int]:
    if "@" in owner:
        return {"account": api.one("accounts/", address=owner)["id"]}
    return {"domain": api.one("domains/", name=owner)["id"]}


def _told(rows: Any, *, plain: bool) -> None:
    columns = ("id", "address", "kind", "fingerprint", "expires_at", "origin", "trust", "private", "signs")
    shown.table(rows, columns, plain=plain)


@keys.command("list")
def list_keys(context: typer.Context, owner: Owner) -> None:
    """Those of an account, or of a domain."""
    api, plain = context.obj
    _told(api.all(PATH, **_whose(api, owner)), plain=plain)


@keys.command("add")
def add_key(
    context: typer.Context,
    owner: Owner,
    file: KeyFile,
    password: Annotated[
        str, typer.Option(envvar="FACTEUR_KEY_PASSWORD", help="Of PKCS #12, or a key in PEM.")
    ] = "",
    other: Annotated[bool, typer.Option("--other", help="It is somebody else's.")] = False,
) -> None:
    """Bring a key or certificate; a newer copy renews the one that is there."""
    api, plain = context.obj
    octets = file.read_bytes()
    text = octets.decode("utf-8", "replace") if b"-----BEGIN " in octets else base64.b64encode(octets).decode()
    body = {**_whose(api, owner), "key": text, "password": password, "ours": not other}
    _told(api.ask("POST", PATH, body), plain=plain)


@keys.command("make")
def make_key(context: typer.Context, owner: Owner, address: str, years: Years = 3) -> None:
    """A new OpenPGP key for an address."""
    api, plain = context.obj
    body = {**_whose(api, owner), "address": address, "years": years}
    shown.one(api.ask("POST", f"{PATH}generate/", body), plain=plain)


@keys.command("public")
def public_key(context: typer.Context, number: Number) -> None:
    """Its public half, to be passed on."""
    told = context.obj[0].ask("GET", f"{PATH}{number}/public/")
    shown.console.print(told["text"], markup=False, highlight=False, soft_wrap=True, end="")


@keys.command("renew")
def renew_key(context: typer.Context, number: Number, years: Years = 3) -> None:
    """Let an OpenPGP key end later."""
    api, plain = context.obj
    shown.one(api.ask("POST", f"{PATH}{number}/renew/", {"years": years}), plain=plain)


@keys.command("revoke")
def revoke_key(context: typer.Context, number: Number, yes: Sure = False) -> None:
    """Nobody is to use it any more."""
    if not yes:
        typer.confirm("That cannot be taken back. Revoke it?", abort=True)
    context.obj[0].ask("POST", f"{PATH}{number}/revoke/")
    shown.tell(f"Key {number} is revoked.")


@keys.command("delete")
def delete_key(context: typer.Context, number: Number, yes: Sure = False) -> None:
    """Forget it, with its private half."""
    if not yes:
        typer.confirm("What only it opens can never be read again. Delete it?", abort=True)
    context.obj[0].ask("DELETE", f"{PATH}{number}/")
    shown.tell(f"Key {number} is deleted.")
