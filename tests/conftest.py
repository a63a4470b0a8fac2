"""Real servers for whoever asks for them; see `tests/services.py`."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings
from tests.services import Postgres, Valkey, lone_postgres, lone_valkey, shared_postgres, shared_valkey

# How long an example takes says more about the machine than about the code.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """What commands that run in this process set up (`chaos` logs the worst alone) ends with their test."""
    root = logging.getLogger()
    level = root.level
    yield
    root.setLevel(level)
    if structlog.is_configured():
        structlog.reset_defaults()


@pytest.fixture(scope="session")
def postgres() -> Postgres:
    """The one of all tests: not to be stopped."""
    return shared_postgres()


@pytest.fixture(scope="session")
def valkey() -> Valkey:
    """The one of all tests: not to be stopped, flushed or reconfigured."""
    return shared_valkey()


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """Of a fresh, empty database."""
    name = postgres.fresh_database()
    yield postgres.url(name)
    postgres.drop_database(name)


@pytest.fixture
def valkey_url(valkey: Valkey) -> str:
    """Of a fresh, empty logical database. Channels are shared by all databases: name yours by this one."""
    return valkey.url(valkey.fresh_database())


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[Valkey]:
    """A running server for one test alone, to stop and start."""
    with lone_valkey(tmp_path) as server:
        yield server


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """The same. It takes a second to make."""
    with lone_postgres() as server:
        yield server
