"""`sekisho explain`: why a call went where it went, or where one would go."""

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sekisho import settings
from sekisho.cli import explain_call, explain_plan
from sekisho.cli.failure import fail
from sekisho.cli.screen import AsJson, print_json, screen
from sekisho.control.services.standalone import open_books
from sekisho.control.store import calls
from sekisho.control.store.engine import StoreError
from sekisho.core.error import ClientError
from sekisho.routing.problem import DocumentError

if TYPE_CHECKING:
    from collections.abc import Iterator

USAGE = 2


def explain(  # noqa: PLR0913 - options of a command
    call_id: Annotated[
        str | None,
        typer.Argument(
            metavar="ID", help="A call's id: the answer's header x-generation-id.", show_default=False
        ),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Plan a call to this model, and call nobody.")] = None,
    prefer: Annotated[str | None, typer.Option(help="With --model: what x-sekisho-prefer would say.")] = None,
    config: Annotated[
        Path | None, typer.Option(help="With --model: the document. None: providers from the environment.")
    ] = None,
    prompt_tokens: Annotated[int, typer.Option(min=0, help="With --model: how long the prompt is.")] = 1000,
    prompt: Annotated[
        str | None, typer.Option(help="With --model: what the user would say, where the task leads.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show why a call went where it went (ID), or where one would go (--model)."""
    if (call_id is None) == (model is None):
        fail("name either a call's ID or --model", USAGE)
    with _failures():
        if call_id is not None:
            _show_call(call_id, as_json=as_json)
        elif model is not None:
            asked = explain_plan.Asked(model, prefer, prompt_tokens, prompt)
            found = explain_plan.make(asked, config, os.environ)
            if as_json:
                print_json(explain_plan.told(found))
            else:
                screen().print(explain_plan.shown(found))
            if not found.plan.targets:
                raise typer.Exit(1)


def _show_call(call_id: str, *, as_json: bool) -> None:
    with open_books(settings.load()) as store, store.read() as connection:
        record = calls.find(connection, call_id)
    if record is None:
        fail(f"the books do not know the call {call_id}")
    if as_json:
        print_json(explain_call.told(record))
    else:
        screen().print(explain_call.shown(record))


@contextmanager
def _failures() -> "Iterator[None]":
    """What goes wrong ends the command."""
    try:
        yield
    except StoreError as error:
        fail(f"the database: {error}")
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}")
    except (DocumentError, ClientError) as error:
        fail(str(error))
