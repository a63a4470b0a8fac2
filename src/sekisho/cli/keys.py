"""`sekisho keys`: make, list and revoke API keys, beside a running server or without one."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import typer
from rich.table import Table
from rich.text import Text

from sekisho import settings
from sekisho.cli.expiry import parse_expiry
from sekisho.cli.failure import fail
from sekisho.cli.screen import AsJson, iso, print_json, screen
from sekisho.control.services.keys import ApiKey, KeyRefused, KeyService, digest
from sekisho.control.services.signing import SigningSecret
from sekisho.control.store.engine import Store, StoreError
from sekisho.control.store.migrate import migrate
from sekisho.core.clock import Clock

USAGE = 2

keys = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True)


@keys.command()
def create(
    name: Annotated[str, typer.Option(help="Whose key it is, or what for.")],
    expires: Annotated[
        str | None, typer.Option(help="30d, 12h, 2026-12-31 (UTC, that day included). Default: never.")
    ] = None,
    models: Annotated[
        str | None, typer.Option(help="Only these models: names separated by commas. Default: all.")
    ] = None,
    *,
    admin: Annotated[bool, typer.Option("--admin", help="May administrate the gateway.")] = False,
    aws: Annotated[
        bool, typer.Option("--aws", help="Show also what clients of AWS sign with, as environment variables.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a key and show it. It is stored nowhere and cannot be shown again."""
    try:
        ends = None if expires is None else parse_expiry(expires, time.time())
    except ValueError as error:
        _refuse(f"--expires: {error}", as_json=as_json, code=USAGE)
    allowed = None if models is None else [model.strip() for model in models.split(",")]
    with _service(as_json=as_json) as service:
        signing = _signing() if aws else None  # what can fail does so before there is a key
        key, text = service.create(name, expires=ends, allowed_models=allowed, admin=admin)
    pair = _aws_pair(key, signing.secret_access_key(digest(text))) if signing is not None else {}
    if as_json:
        print_json({"id": key.id, "key": text, **pair, **_report(key)})
        return
    if pair:
        _print_variables({"SEKISHO_API_KEY": text, **pair})
    else:
        typer.echo(text)
    typer.echo(f"This is {key.id} ({key.name}). Keep it now: it cannot be shown again.", err=True)


@keys.command()
def aws(
    key: Annotated[str, typer.Argument(metavar="ID", help="A key's id or name, or a beginning of one.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show what clients of AWS sign with for a key, as environment variables."""
    with _service(as_json=as_json) as service:
        found, stored = service.digest_of(key)
        pair = _aws_pair(found, _signing().secret_access_key(stored))
    if as_json:
        print_json({"id": found.id, **pair})
    else:
        _print_variables(pair)


@keys.command("list")
def list_keys(*, as_json: AsJson = False) -> None:
    """List all keys, revoked and expired ones included."""
    with _service(as_json=as_json) as service:
        found = service.list()
    if as_json:
        print_json([_report(key) for key in found])
    elif found:
        screen().print(_table(found))
    else:
        typer.echo("There are no keys yet: `sekisho keys create --name NAME` makes one.")


@keys.command()
def revoke(
    key: Annotated[str, typer.Argument(metavar="ID", help="A key's id or name, or a beginning of one.")],
    *,
    as_json: AsJson = False,
) -> None:
    """End a key. Running servers stop taking it within a second."""
    with _service(as_json=as_json) as service:
        revoked = service.revoke(key)
    if as_json:
        print_json(_report(revoked))
    else:
        typer.echo(f"Revoked {revoked.id} ({revoked.name}).")


@contextmanager
def _service(*, as_json: bool) -> Iterator[KeyService]:
    """The keys of the configured database, brought up to date; what goes wrong ends the command."""
    try:
        store = Store(settings.load().database_url)
        try:
            migrate(store)
            yield KeyService(store, Clock())
        finally:
            store.close()
    except KeyRefused as error:
        _refuse(str(error), as_json=as_json)
    except StoreError as error:
        _refuse(f"the database: {error}", as_json=as_json)
    except OSError as error:
        _refuse(f"{error.filename}: {error.strerror}", as_json=as_json)


def _signing() -> SigningSecret:
    configured = settings.load()
    signing = SigningSecret(configured.data_dir, configured.sigv4_secret)
    signing.load()
    return signing


def _aws_pair(key: ApiKey, secret_access_key: str) -> dict[str, str]:
    return {"AWS_ACCESS_KEY_ID": key.id, "AWS_SECRET_ACCESS_KEY": secret_access_key}


def _print_variables(variables: dict[str, str]) -> None:
    for name, value in variables.items():
        typer.echo(f"{name}={value}")


def _refuse(message: str, *, as_json: bool, code: int = 1) -> NoReturn:
    if as_json:
        print_json({"error": {"message": message}})
    fail(message, code)


def _report(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "status": _status(key),
        "admin": key.admin,
        "allowed_models": key.allowed_models,
        "created": _iso(key.created),
        "expires": _iso(key.expires),
        "revoked": _iso(key.revoked),
    }


def _table(found: list[ApiKey]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("ID", "NAME", "KEY", "STATUS", "EXPIRES", "MODELS"):
        # Ids and states are what the next command needs: a narrow screen folds the others.
        table.add_column(heading, overflow="fold", no_wrap=heading in {"ID", "KEY", "STATUS"})
    for key in found:
        status = _status(key)
        table.add_row(
            key.id,
            Text(key.name),
            f"{key.prefix}…",
            Text(status, style="green" if status == "active" else "red"),
            (_iso(key.expires) or "never").replace("T", " ").removesuffix("+00:00"),
            Text("all" if key.allowed_models is None else ", ".join(key.allowed_models)),
        )
    return table


def _status(key: ApiKey) -> str:
    if key.revoked is not None:
        return "revoked"
    expired = key.expires is not None and key.expires <= time.time()
    return "expired" if expired else "active"


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else iso(seconds)
