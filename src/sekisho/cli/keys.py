"""`sekisho keys`: make, show, change, rotate and revoke API keys, beside a running server or without one."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from msgspec import UNSET, UnsetType
from msgspec.structs import asdict
from rich.table import Table
from rich.text import Text

from sekisho import settings
from sekisho.cli.database import opened
from sekisho.cli.expiry import parse_expiry
from sekisho.cli.failure import Misused
from sekisho.cli.holders import print_members
from sekisho.cli.options import ChangeOptions, TermOptions, given, names_of, taking
from sekisho.cli.screen import AsJson, print_json, screen
from sekisho.control.services import limits, shown
from sekisho.control.services.keys import KeyService, digest
from sekisho.control.services.signing import SigningSecret
from sekisho.control.services.terms import ApiKey, KeyDraft
from sekisho.core.clock import Clock

keys = typer.Typer(help="Make, show, change, rotate and revoke API keys.", no_args_is_help=True)
Wanted = Annotated[str, typer.Argument(metavar="ID", help="A key's id or name, or a beginning of one.")]
Name = str | None


@dataclass(frozen=True, kw_only=True)
class KeyOptions(TermOptions):
    """What a new key may be said to be, and a changed one as well."""

    expires: Annotated[
        Name, typer.Option(help="30d, 12h, 2026-12-31 (UTC, that day included), or `never`.")
    ] = None
    team: Annotated[Name, typer.Option(help="An id or name; `none` takes it away.")] = None
    project: Annotated[Name, typer.Option(help="An id or name; `none` takes it away.")] = None
    owner: Annotated[Name, typer.Option(help="A person or service account; `none` takes it away.")] = None
    tag: Annotated[Name, typer.Option(help="Tags of all its calls, separated by commas, or `none`.")] = None

    def draft(self, terms: dict[str, Any]) -> KeyDraft:
        return KeyDraft(
            expires=_expiry(self.expires),
            team=given(self.team),
            project=given(self.project),
            owner=given(self.owner),
            tags=UNSET if self.tag is None else names_of(self.tag),
            **terms,
        )


@dataclass(frozen=True, kw_only=True)
class NewKey(KeyOptions):
    name: Annotated[str, typer.Option(help="Whose key it is, or what for.")]
    org: Annotated[Name, typer.Option(help="Default: that of its team, project or owner, or `default`.")] = (
        None
    )
    admin: Annotated[bool, typer.Option("--admin", help="May administrate its organisation.")] = False
    aws: Annotated[
        bool, typer.Option("--aws", help="Show also what clients of AWS sign with, as environment variables.")
    ] = False


@dataclass(frozen=True, kw_only=True)
class ChangedKey(KeyOptions, ChangeOptions):
    """A key that there is."""


@keys.command()
@taking(NewKey)
def create(asked: NewKey, *, as_json: AsJson = False) -> None:
    """Make a key and show it. It is stored nowhere and cannot be shown again."""
    with opened(as_json=as_json) as store:
        signing = _signing() if asked.aws else None  # what can fail does so before there is a key
        draft = asked.draft(asked.terms())
        draft.admin, draft.organisation = asked.admin, UNSET if asked.org is None else asked.org
        key, text = KeyService(store, Clock()).create(asked.name, draft)
    _print_new(key, text, signing, as_json=as_json)


@keys.command()
@taking(ChangedKey)
def update(wanted: Wanted, asked: ChangedKey, *, as_json: AsJson = False) -> None:
    """Change a key. What is not said stays; a limit replaces the one for the same."""
    with opened(as_json=as_json) as store:
        service = KeyService(store, Clock())
        held = service.find(wanted)
        _print(service.update(held.id, asked.draft(asked.terms(held.limits))), as_json=as_json)


@keys.command()
def rotate(
    wanted: Wanted,
    overlap: Annotated[
        str, typer.Option(help="How long the old text is taken as well: 24h, 7d, 0m.")
    ] = "24h",
    *,
    as_json: AsJson = False,
) -> None:
    """Give a key a new text and show it. Limits, books and everything else of the key go on."""
    with opened(as_json=as_json) as store:
        now = time.time()
        service = KeyService(store, Clock())
        key, text = service.rotate(service.find(wanted).id, _moment("--overlap", overlap, now) - now)
    _print_new(key, text, None, as_json=as_json)


@keys.command()
def aws(wanted: Wanted, *, as_json: AsJson = False) -> None:
    """Show what clients of AWS sign with for a key, as environment variables."""
    with opened(as_json=as_json) as store:
        found, stored = KeyService(store, Clock()).digest_of(wanted)
        pair = _aws_pair(found, _signing().secret_access_key(stored))
    if as_json:
        print_json({"id": found.id, **pair})
    else:
        _print_variables(pair)


@keys.command("list")
def list_keys(*, as_json: AsJson = False) -> None:
    """List all keys, revoked and expired ones included."""
    with opened(as_json=as_json) as store:
        found = KeyService(store, Clock()).list()
    if as_json:
        print_json([shown.key(key, time.time()) for key in found])
    elif found:
        screen().print(_table(found))
    else:
        typer.echo("There are no keys yet: `sekisho keys create --name NAME` makes one.")


@keys.command()
def show(wanted: Wanted, *, as_json: AsJson = False) -> None:
    """Show a key: what is said of it, and what holds with all that it belongs to."""
    with opened(as_json=as_json) as store:
        service = KeyService(store, Clock())
        found = service.find(wanted)
        holds = service.effective(found)
    report = shown.key(found, time.time())
    if as_json:
        print_json({**report, "effective": shown.effective(holds)})
        return
    told = (
        []
        if holds is None
        else [f"{limits.write(each)}  ({each.level} {each.holder})" for each in holds.limits]
    )
    allowed = (
        {}
        if holds is None
        else {f"effective {name}": value for name, value in asdict(holds.allowance).items()}
    )
    print_members(
        {**report, "limits": [each.id for each in found.limits], **allowed, "effective limits": told}
    )


@keys.command()
def disable(wanted: Wanted, *, as_json: AsJson = False) -> None:
    """Stop a key until it is enabled again."""
    _switch(wanted, disabled=True, as_json=as_json)


@keys.command()
def enable(wanted: Wanted, *, as_json: AsJson = False) -> None:
    """Let a disabled key be used again."""
    _switch(wanted, disabled=False, as_json=as_json)


@keys.command()
def revoke(wanted: Wanted, *, as_json: AsJson = False) -> None:
    """End a key for good. Running servers stop taking it within a second."""
    with opened(as_json=as_json) as store:
        revoked = KeyService(store, Clock()).revoke(wanted)
    if as_json:
        print_json(shown.key(revoked, time.time()))
    else:
        typer.echo(f"Revoked {revoked.id} ({revoked.name}).")


def _switch(wanted: str, *, disabled: bool, as_json: bool) -> None:
    with opened(as_json=as_json) as store:
        service = KeyService(store, Clock())
        _print(service.update(service.find(wanted).id, KeyDraft(disabled=disabled)), as_json=as_json)


def _signing() -> SigningSecret:
    configured = settings.load()
    signing = SigningSecret(configured.data_dir, configured.sigv4_secret)
    signing.load()
    return signing


def _expiry(text: str | None) -> datetime | UnsetType | None:
    if text is None:
        return UNSET
    return None if text == "never" else datetime.fromtimestamp(_moment("--expires", text, time.time()), UTC)


def _moment(option: str, text: str, now: float) -> float:
    try:
        return parse_expiry(text, now)
    except ValueError as error:
        msg = f"{option}: {error}"
        raise Misused(msg) from None


def _aws_pair(key: ApiKey, secret_access_key: str) -> dict[str, str]:
    return {"AWS_ACCESS_KEY_ID": key.id, "AWS_SECRET_ACCESS_KEY": secret_access_key}


def _print_new(key: ApiKey, text: str, signing: SigningSecret | None, *, as_json: bool) -> None:
    pair = _aws_pair(key, signing.secret_access_key(digest(text))) if signing is not None else {}
    if as_json:
        print_json({"id": key.id, "key": text, **pair, **shown.key(key, time.time())})
        return
    if pair:
        _print_variables({"SEKISHO_API_KEY": text, **pair})
    else:
        typer.echo(text)
    typer.echo(f"This is {key.id} ({key.name}). Keep it now: it cannot be shown again.", err=True)


def _print_variables(variables: dict[str, str]) -> None:
    for name, value in variables.items():
        typer.echo(f"{name}={value}")


def _print(key: ApiKey, *, as_json: bool) -> None:
    report = shown.key(key, time.time())
    if as_json:
        print_json(report)
    else:
        print_members({**report, "limits": [f"{limits.write(each)}  ({each.id})" for each in key.limits]})


def _table(found: list[ApiKey]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("ID", "NAME", "KEY", "STATUS", "EXPIRES", "LIMITS", "MODELS"):
        # Ids and states are what the next command needs: a narrow screen folds the others.
        table.add_column(heading, overflow="fold", no_wrap=heading in {"ID", "KEY", "STATUS"})
    for key in found:
        status = shown.status(key, time.time())
        models = key.allowance.models
        table.add_row(
            key.id,
            Text(key.name),
            f"{key.prefix}…",
            Text(status, style="green" if status == "active" else "red"),
            (shown.time(key.expires) or "never").replace("T", " ").removesuffix("+00:00"),
            Text("\n".join(map(limits.write, key.limits)) or "–"),
            Text("all" if models is None else ", ".join(models) or "none"),
        )
    return table
