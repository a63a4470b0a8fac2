"""A database comes to this version's tables, from nothing, once, whoever else is starting."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from sekisho.control.store import upgrade
from sekisho.control.store.engine import Store, StoreError
from sekisho.control.store.migrate import HEAD, migrate
from sekisho.control.store.tables import metadata, revision

SCRIPTS = Path(__file__).parent / "scripts"


def test_migrations_lead_to_exactly_the_tables_that_the_code_uses(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'new' / 'sekisho.db'}")
    migrate(store)
    with store.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert connection.execute(revision.select()).all() == [(0,)]
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    assert ScriptDirectory.from_config(upgrade.configuration()).get_current_head() == HEAD
    assert store.file is not None
    assert stat.S_IMODE(store.file.stat().st_mode) == 0o600
    store.close()


def test_many_processes_may_migrate_at_once_and_alembic_is_loaded_only_where_needed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new' / 'sekisho.db'}"
    command = [sys.executable, str(SCRIPTS / "migrate_and_count.py"), url]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert [process.communicate()[0] for process in running] == ["revisions=1\n"] * 4
    assert [process.returncode for process in running] == [0] * 4
    assert subprocess.check_output([*command, "--no-alembic"], text=True) == "revisions=1\n"


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'sekisho.db'}")
    migrate(store)
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="version 9999, which only a newer Sekisho knows"):
        migrate(store)
    store.close()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://u:canary@h/db", "sqlite only"),
        ("not a url", "is not one"),
        ("nosuch+thing://", "sqlite only"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_showing_its_password(url: str, reason: str) -> None:
    with pytest.raises(StoreError, match=reason) as caught:
        Store(url)
    assert "canary" not in str(caught.value)


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
