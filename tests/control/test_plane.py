"""The control plane as a whole: up, serving, and down with the journal on the books."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from sekisho.control.plane import ControlPlane
from sekisho.control.services.keys import KeyService, digest
from sekisho.control.store.engine import Store, StoreError
from sekisho.core.clock import Clock
from sekisho.core.record import CallRecord
from sekisho.metering import segment
from sekisho.metering.journal import FileJournal
from sekisho.settings import Settings
from sekisho.telemetry.background import Background


async def test_a_first_start_makes_a_key_that_works_and_calls_reach_the_books_by_themselves(
    tmp_path: Path, record: Callable[..., CallRecord], url: str
) -> None:
    settings = Settings(data_dir=tmp_path / "data", database_url=url)
    background = Background()
    plane = ControlPlane(settings, background, Clock())
    await plane.start()
    assert plane.first_admin_key is not None
    principal = plane.keys.find(digest(plane.first_admin_key))
    assert principal is not None
    assert principal.admin
    journal = FileJournal(settings.data_dir / "journal")
    journal.append(record("gen-1", cost=3), lambda: None)
    while (await plane.books.spending("key_a")).total != 3:  # noqa: ASYNC110 - nothing announces it
        await asyncio.sleep(0.01)
    journal.append(record("gen-2", cost=4), lambda: None)
    await journal.close()
    await background.stop()
    await plane.close()
    background = Background()
    again = ControlPlane(settings, background, Clock())
    await again.start()
    assert again.first_admin_key is None
    assert (await again.books.spending("key_a")).total == 7
    assert segment.find(settings.data_dir / "journal") == []
    await background.stop()
    await again.close()


async def test_with_a_key_in_the_environment_no_first_key_is_made(tmp_path: Path, url: str) -> None:
    settings = Settings(data_dir=tmp_path / "data", database_url=url, admin_key="secret")
    background = Background()
    plane = ControlPlane(settings, background, Clock())
    await plane.start()
    assert plane.first_admin_key is None
    store = Store(url)
    assert KeyService(store, Clock()).list() == []
    store.close()
    await background.stop()
    await plane.close()


async def test_a_start_without_a_database_fails_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    url = f"sqlite:///{tmp_path / 'file' / 'sekisho.db'}"
    plane = ControlPlane(Settings(data_dir=tmp_path, database_url=url), Background(), Clock())
    with pytest.raises(StoreError, match="cannot be made or written"):
        await plane.start()
