"""`sekisho orgs|teams|projects|people|accounts`: what keys belong to."""

from dataclasses import dataclass
from typing import Annotated

import typer
from msgspec import UNSET

from sekisho.cli.database import opened
from sekisho.cli.options import ChangeOptions, TermOptions, taking
from sekisho.cli.screen import AsJson, print_json, screen, table
from sekisho.control.services import limits, shown
from sekisho.control.services.holders import HolderService, Page
from sekisho.control.services.terms import Holder, HolderDraft, Kind
from sekisho.core.clock import Clock

Wanted = Annotated[str, typer.Argument(metavar="ID", help="An id or name, or a beginning of one.")]
Organisation = Annotated[str | None, typer.Option("--org", help="Of this organisation.")]


@dataclass(frozen=True, kw_only=True)
class NewHolder(TermOptions):
    name: Annotated[str, typer.Option(help="What it is called.")]
    org: Organisation = None
    team: Annotated[str | None, typer.Option(help="A project's team.")] = None


def commands_for(kind: Kind, plural: str) -> typer.Typer:
    """The group of commands for holders of one kind."""
    group = typer.Typer(help=f"Make, show and change {plural}.", no_args_is_help=True)

    @group.command()
    @taking(NewHolder)
    def create(asked: NewHolder, *, as_json: AsJson = False) -> None:
        """Make one."""
        with opened(as_json=as_json) as store:
            draft = HolderDraft(
                organisation=UNSET if asked.org is None else asked.org,
                team=UNSET if asked.team is None else asked.team,
                **asked.terms(),
            )
            _print(HolderService(store, Clock(), kind).create(asked.name, draft), as_json=as_json)

    @group.command("list")
    def list_all(org: Organisation = None, *, as_json: AsJson = False) -> None:
        """List all, disabled ones included."""
        with opened(as_json=as_json) as store:
            organisation = None if org is None else HolderService(store, Clock(), "organisation").find(org).id
            found = HolderService(store, Clock(), kind).list(Page(organisation=organisation))
        if as_json:
            print_json([shown.holder(each) for each in found])
        else:
            rows = [_row(each) for each in found]
            screen().print(table(("ID", "NAME", "STATUS", "ORGANISATION", "TEAM", "LIMITS"), rows))

    @group.command()
    def show(wanted: Wanted, *, as_json: AsJson = False) -> None:
        """Show one: what it may use and spend."""
        with opened(as_json=as_json) as store:
            _print(HolderService(store, Clock(), kind).find(wanted), as_json=as_json)

    @group.command()
    @taking(ChangeOptions)
    def update(wanted: Wanted, asked: ChangeOptions, *, as_json: AsJson = False) -> None:
        """Change one. What is not said stays; a limit replaces the one for the same."""
        with opened(as_json=as_json) as store:
            service = HolderService(store, Clock(), kind)
            held = service.find(wanted)
            _print(service.update(held.id, HolderDraft(**asked.terms(held.limits))), as_json=as_json)

    @group.command()
    def disable(wanted: Wanted, *, as_json: AsJson = False) -> None:
        """End all keys that belong to it, until it is enabled again."""
        _switch(kind, wanted, disabled=True, as_json=as_json)

    @group.command()
    def enable(wanted: Wanted, *, as_json: AsJson = False) -> None:
        """Let the keys that belong to it be used again."""
        _switch(kind, wanted, disabled=False, as_json=as_json)

    return group


def _switch(kind: Kind, wanted: str, *, disabled: bool, as_json: bool) -> None:
    with opened(as_json=as_json) as store:
        service = HolderService(store, Clock(), kind)
        _print(service.update(service.find(wanted).id, HolderDraft(disabled=disabled)), as_json=as_json)


def _print(found: Holder, *, as_json: bool) -> None:
    report = shown.holder(found)
    if as_json:
        print_json(report)
    else:
        told = {**report, "limits": [f"{limits.write(each)}  ({each.id})" for each in found.limits]}
        print_members(told)


def print_members(report: dict[str, object]) -> None:
    """One thing for people: what is said of it, a line each."""
    said = [(name, value) for name, value in report.items() if value not in (None, {}) or name == "limits"]
    shown_as = [
        (name, "\n".join(map(str, value)) if isinstance(value, list | tuple) else value)
        for name, value in said
    ]
    screen().print(table(("", ""), shown_as))


def _row(found: Holder) -> tuple[object, ...]:
    status = "active" if found.disabled is None else "disabled"
    held = "\n".join(map(limits.write, found.limits)) or None
    return (found.id, found.name, status, found.organisation, found.team, held)
