"""Runs Alembic. Imported by name, and only when there is something to migrate: see `migrate`."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection

_FOLDER = Path(__file__).parent / "migrations"


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration, without a file of its own."""
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def knows(version: str | None) -> bool:
    """Whether there is a way from `version` (None: an empty database) to the newest."""
    if version is None:
        return True
    try:
        return ScriptDirectory.from_config(configuration()).get_revision(version) is not None
    except CommandError:
        return False


def run(connection: Connection, version: str = "head") -> None:
    """Bring the database to a version, the newest by default, in the transaction of `connection`."""
    command.upgrade(configuration(connection), version)
