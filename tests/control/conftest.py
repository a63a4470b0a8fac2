"""A fresh database and journal for each test. What is told of a store holds on every database."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url
from tests.services import Postgres

from sekisho.control.store.engine import Store
from sekisho.control.store.migrate import migrate
from sekisho.control.store.tables import calls
from sekisho.core.record import CallRecord


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty database: whoever asks for it, or for a store, is a law that holds on both."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'sekisho.db'}"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def lose_database(url: str, postgres: Postgres) -> Callable[[], None]:
    """The database goes away, and does not come back."""

    def lose() -> None:
        parsed = make_url(url)
        assert parsed.database is not None
        if parsed.get_backend_name() == "sqlite":
            Path(parsed.database).unlink()
        else:
            postgres.drop_database(parsed.database)

    return lose


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store(url, lock_wait=0.05)
    migrate(store)
    yield store
    store.close()


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    directory = tmp_path / "journal"
    directory.mkdir()
    return directory


@pytest.fixture
def booked(store: Store) -> Callable[[], list[str]]:
    """The ids on the books."""

    def read() -> list[str]:
        with store.read() as connection:
            return [row.id for row in connection.execute(calls.select())]

    return read


@pytest.fixture
def record() -> Callable[..., CallRecord]:
    """A record from what matters of it."""

    def make(call_id: str, **members: object) -> CallRecord:
        plain: dict[str, object] = {
            "started": 1_790_000_000.0,
            "key_id": "key_a",
            "operation": "chat",
            "dialect": "openai_chat",
            "requested_model": "a/b",
            "status": 200,
            "outcome": "ok",
        }
        return CallRecord(**{"id": call_id, **plain, **members})

    return make
