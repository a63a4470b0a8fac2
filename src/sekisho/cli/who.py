"""Who runs a command, where the books keep that."""

import getpass
from typing import Annotated

import typer

Who = Annotated[str | None, typer.Option("--who", help="Who says so; else the name of this machine's user.")]


def user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a number without a name, as in a container
        return "unknown"
