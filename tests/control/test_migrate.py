"""A database comes to this version's tables, from nothing, once, whoever else is starting."""

import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.engine import make_url

from sekisho.control.store import calls, upgrade
from sekisho.control.store.engine import Store, StoreError
from sekisho.control.store.migrate import HEAD, SUMMED, TALLIED, migrate
from sekisho.control.store.positions import Position, claim
from sekisho.control.store.tables import api_keys, holders, metadata, revision, rollups, tallies
from sekisho.core.record import CallRecord
from sekisho.core.usage import Usage
from sekisho.metering.tally import UNNAMED

SCRIPTS = Path(__file__).parent / "scripts"
EARLIER = [f"{number:04d}" for number in range(1, int(HEAD))]
CALL = (
    "INSERT INTO calls (id, started, key_id, operation, dialect, requested_model, stream, status, outcome,"
    " usage_input, usage_cache_read, usage_cache_write, usage_cache_write_1h, usage_output, usage_reasoning,"
    " usage_input_audio, usage_output_audio, usage_estimated, cost, unpriced, attempts, total_ms, app) VALUES"
    " ('gen-1', 1790000000.0, 'key_a', 'chat', 'openai_chat', 'a/b', false, 200, 'ok',"
    " 1, 0, 0, 0, 2, 0, 0, 0, false, 3, false, '[]', 4, '関所')"
)
KEY = (
    "INSERT INTO api_keys (id, name, digest, prefix, created, admin, {column}) VALUES"
    " ('key_a', '会計', 'digest', 'sk-sekisho-abcd', 1.5, true, '{models}')"
)
SEGMENT = "INSERT INTO journal_segments (name, loaded_offset, damaged, done) VALUES ('a.log', 5, 6, true)"
OF_A_JOURNAL = SEGMENT.replace("(name", "(journal, name").replace("('a.log'", "('mine', 'a.log'")


def held(version: str) -> tuple[str, ...]:
    """What a database of that version may hold."""
    column, models = (
        ("allowed_models", '["a/b"]') if version < "0007" else ("allowance", '{"models": ["a/b"]}')
    )
    return CALL, KEY.format(column=column, models=models), SEGMENT if version < "0005" else OF_A_JOURNAL


def differences(connection: Connection) -> list[object]:
    """Between the database and what the code says of it; partitions are nothing that the code names."""
    ours = {"include_object": lambda _object, name, *_: not name.startswith("calls_")}
    found: list[object] = compare_metadata(MigrationContext.configure(connection, opts=ours), metadata)
    return found


def test_a_new_file_is_for_its_owner_alone_and_lets_readers_read_beside_a_writer(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'new' / 'sekisho.db'}")
    migrate(store)
    with store.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    assert store.file is not None
    assert stat.S_IMODE(store.file.stat().st_mode) == 0o600
    store.close()


def test_migrations_lead_to_exactly_the_tables_that_the_code_uses(url: str) -> None:
    store = Store(url)
    migrate(store)
    with store.read() as connection:
        assert differences(connection) == []
        assert connection.execute(revision.select()).all() == [(0,)]
    assert ScriptDirectory.from_config(upgrade.configuration()).get_current_head() == HEAD
    store.close()


@pytest.mark.parametrize("version", EARLIER)
def test_every_earlier_database_is_upgraded_with_what_it_holds(
    url: str, version: str, record: Callable[..., CallRecord]
) -> None:
    store = Store(url)
    with store.alone() as connection:
        upgrade.run(connection, version)
        for statement in held(version):
            connection.exec_driver_sql(statement)
    migrate(store)
    with store.read() as connection:
        assert differences(connection) == []
        kept = record("gen-1", usage=Usage(input=1, output=2), cost=3, total_ms=4, app="関所")
        assert calls.find(connection, "gen-1") == kept
        [key] = connection.execute(api_keys.select())
        assert (key.id, key.allowance) == ("key_a", {"models": ["a/b"]})
        counted = [(sums.calls, sums.cost, sums.app) for sums in connection.execute(rollups.select())]
        assert counted == ([(1, 3, "関所")] if version < SUMMED else []), (
            "from then on they are there already"
        )
        tallied = [
            (sums.kind, sums.calls, sums.cost, sums.app) for sums in connection.execute(tallies.select())
        ]
        assert tallied == ([(UNNAMED, 1, 3, "関所")] if version < TALLIED else [])
        assert [holder.id for holder in connection.execute(holders.select())] == ["default"]
    with store.write() as connection:
        assert claim(connection, "mine", "a.log") == Position(5, 6, done=True)
    store.close()


def test_many_processes_may_migrate_at_once_and_alembic_is_loaded_only_where_needed(url: str) -> None:
    command = [sys.executable, str(SCRIPTS / "migrate_and_count.py"), url]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    assert [process.communicate()[0] for process in running] == ["revisions=1\n"] * 8
    assert [process.returncode for process in running] == [0] * 8
    assert subprocess.check_output([*command, "--no-alembic"], text=True) == "revisions=1\n"


def test_a_database_of_a_newer_version_is_left_alone(url: str) -> None:
    store = Store(url)
    migrate(store)
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="version 9999, which only a newer Sekisho knows"):
        migrate(store)
    store.close()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mysql://u:canary@h/db", "sqlite or postgresql only"),
        ("not a url", "is not one"),
        ("nosuch+thing://", "nosuch"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_showing_its_password(url: str, reason: str) -> None:
    with pytest.raises(StoreError, match=reason) as caught:
        Store(url)
    assert "canary" not in str(caught.value)


def test_a_server_that_is_not_there_or_wants_another_password_is_named_without_showing_ours(
    postgres_url: str,
) -> None:
    nobody = Store("postgresql://u:canary@127.0.0.1:1/x")
    wrong = Store(make_url(postgres_url).set(password="canary").render_as_string(hide_password=False))
    for store, reason in ((nobody, "PostgreSQL at 127.0.0.1:1: .*refused"), (wrong, "authentication failed")):
        with pytest.raises(StoreError, match=reason) as caught:
            migrate(store)
        assert "canary" not in str(caught.value)


def test_a_driver_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=r"pip install 'sekisho\[postgresql\]'"):
        Store("postgresql://127.0.0.1/x")


def test_a_file_that_is_no_database_or_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("hello " * 500)
    store = Store(f"sqlite:///{tmp_path / 'file'}")
    with pytest.raises(StoreError, match="file is not a database"):
        migrate(store)
    with pytest.raises(StoreError, match="Not a directory"):
        migrate(Store(f"sqlite:///{tmp_path / 'file' / 'deeper' / 'sekisho.db'}"))
    store.close()


def test_a_deleted_database_is_noticed_rather_than_written_to_or_made_anew(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'sekisho.db'}")
    migrate(store)
    assert store.file is not None
    store.file.unlink()
    with pytest.raises(StoreError, match="No such file"), store.write():
        pass
    assert not store.file.exists()
    store.close()
