"""Exported calls are those on the books, a file a day, in what other programs read."""

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pyarrow.parquet import read_table
from typer.testing import CliRunner

from sekisho.__main__ import app
from sekisho.control.services.export import NAMES, NoParquet, export_calls
from sekisho.control.store.booking import book
from sekisho.control.store.engine import Store
from sekisho.core.record import AttemptRecord, CallRecord
from sekisho.core.usage import Usage
from sekisho.metering import frame

Make = Callable[..., CallRecord]
DAY = 86_400
FIRST = 20_770 * DAY
"""2026-11-13"""


def made(record: Make) -> list[CallRecord]:
    part = AttemptRecord(provider="さくら", upstream_model="m", milliseconds=1)
    return [
        record("gen-1", started=float(FIRST), attempts=(part,), app='"a", b\n関所'),
        record("gen-2", started=FIRST + DAY - 0.5, cost=2**60, usage=Usage(input=3), tags=("x",)),
        record("gen-3", started=FIRST + 3.5 * DAY, stream=True),
        record("gen-4", started=FIRST + 9.0 * DAY),
    ]


def test_calls_become_a_file_a_day_in_either_format(store: Store, tmp_path: Path, record: Make) -> None:
    with store.write() as connection:
        book(connection, made(record))
    for kind in ("csv", "parquet"):
        for _ in range(2):  # again replaces what is there
            written = list(export_calls(store, tmp_path / "out", kind, 0.0, FIRST + 9.0 * DAY))
        assert [(each.file.name, each.calls) for each in written] == [
            (f"calls-2026-11-13.{kind}", 2),
            (f"calls-2026-11-16.{kind}", 1),
        ]
    assert len(list((tmp_path / "out").iterdir())) == 4
    with (tmp_path / "out" / "calls-2026-11-13.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    table = read_table(tmp_path / "out" / "calls-2026-11-13.parquet")
    rows = table.to_pylist()
    assert tuple(table.column_names) == tuple(lines[0]) == NAMES
    for line, row in zip(lines, rows, strict=True):
        assert line == {name: "" if value is None else str(value) for name, value in row.items()}
    assert (rows[0]["started"], rows[0]["app"], rows[0]["cost"]) == (float(FIRST), '"a", b\n関所', None)
    assert json.loads(rows[0]["attempts"]) == [
        {"provider": "さくら", "upstream_model": "m", "milliseconds": 1}
    ]
    assert (rows[1]["cost"], rows[1]["usage_input"], rows[1]["tags"]) == (2**60, 3, '["x"]')


def test_what_writes_parquet_is_named_where_it_is_missing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "sekisho.control.services.export_parquet", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(NoParquet, match=r"pip install 'sekisho\[parquet\]'"):
        list(export_calls(store, tmp_path, "parquet", 0.0, 1.0))


def test_the_commands_read_the_journal_too_and_say_what_they_did(tmp_path: Path, record: Make) -> None:
    journal = tmp_path / "data" / "journal"
    journal.mkdir(parents=True)
    (journal / "a.log").write_bytes(b"".join(map(frame.encode, made(record))))
    environment = {"SEKISHO_DATA_DIR": str(tmp_path / "data"), "SEKISHO_DATABASE_URL": ""}

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, list(arguments), env=environment)
        return result.exit_code, result.output

    to = str(tmp_path / "out")
    file = f"{to}/calls-2026-11-16.csv"
    span = ("--since", "2026-11-14", "--until", "2026-11-16")
    assert run("export", "calls", "--to", to, *span) == (0, f"{file}: 1 calls\n")
    code, said = run("export", "calls", "--to", to, *span, "--json")
    assert (code, json.loads(said)) == (0, [{"file": file, "calls": 1}])
    assert run("rollups", "rebuild") == (0, "Counted the calls of 3 days anew.\n")
    assert json.loads(run("rollups", "rebuild", "--json")[1]) == {"days": 3}
    for wrong in (("--format", "xlsx"), ("--since", "today")):
        assert run("export", "calls", "--to", to, *wrong)[0] == 2
