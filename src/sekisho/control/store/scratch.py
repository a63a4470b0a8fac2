"""A database of a command's own, beside the one that a URL names: what is done in it touches no books."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sekisho.control.store.engine import Store, StoreError


@contextmanager
def scratch_database(url: str, folder: Path) -> Iterator[str]:
    """The URL of a new database, which is gone afterwards: a file in `folder` for SQLite, else one on the
    same server. Nothing is asked of the database that `url` names but to make it. Raises StoreError."""
    store = Store(url)
    if store.dialect == "sqlite":
        store.close()
        yield f"sqlite:///{folder / 'sekisho.db'}"
        return
    name = f"sekisho_scratch_{secrets.token_hex(6)}"
    try:
        try:
            with store.outside() as connection:
                connection.exec_driver_sql(f"CREATE DATABASE {name}")
        except StoreError as error:
            raise StoreError(
                f"{error}: a database of its own is made beside yours; let its user make one (ALTER ROLE ... "
                "CREATEDB), or name another server"
            ) from None
        yield store.url.set(database=name).render_as_string(hide_password=False)
    finally:
        with store.outside() as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        store.close()
