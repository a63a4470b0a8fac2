"""The database for commands, and how they fail."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from sekisho import settings
from sekisho.cli.failure import Misused, fail
from sekisho.cli.screen import print_json
from sekisho.control.services.refusal import Refused
from sekisho.control.services.standalone import open_books
from sekisho.control.store.engine import Store, StoreError
from sekisho.control.store.migrate import migrate

USAGE = 2
"""Exit code for a command that is written wrongly."""


@contextmanager
def opened(*, as_json: bool) -> Iterator[Store]:
    """The configured database, brought up to date; what goes wrong ends the command."""
    try:
        store = Store(settings.load().database_url)
        try:
            migrate(store)
            yield store
        finally:
            store.close()
    except Misused as error:
        refuse(str(error), as_json=as_json, code=USAGE)
    except Refused as error:
        refuse(str(error), as_json=as_json)
    except StoreError as error:
        refuse(f"the database: {error}", as_json=as_json)
    except OSError as error:
        refuse(f"{error.filename}: {error.strerror}", as_json=as_json)


@contextmanager
def books() -> Iterator[Store]:
    """The same with everything in it that the journal holds at this moment."""
    try:
        with open_books(settings.load()) as store:
            yield store
    except StoreError as error:
        fail(f"the database: {error}")
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}")


def refuse(message: str, *, as_json: bool, code: int = 1) -> NoReturn:
    """End the command, telling people or machines why."""
    if as_json:
        print_json({"error": {"message": message}})
    fail(message, code)
