"""How a command fails: one message on stderr, one exit code."""

from typing import NoReturn

import typer


class Misused(Exception):
    """An option says what cannot be understood."""


def fail(message: str, code: int = 1) -> NoReturn:
    """Say why and leave."""
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(code)
