"""Calls as files for other programs: one a day (UTC), each whole or not there."""

import csv
import importlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import JSON, Connection, func, select

from sekisho.control.store.engine import Store
from sekisho.control.store.tables import calls
from sekisho.metering.rollup import DAY

Format = Literal["csv", "parquet"]
FORMATS: tuple[Format, ...] = get_args(Format)
Row = tuple[Any, ...]
Rows = Sequence[Row]
Write = Callable[[Rows], None]
BATCH = 5_000
NAMES = tuple(column.name for column in calls.c)
_NESTED = frozenset(column.name for column in calls.c if isinstance(column.type, JSON))


class Exported(NamedTuple):
    file: Path
    calls: int


class NoParquet(Exception):
    """What writes Parquet is not installed."""


def export_calls(
    store: Store, folder: Path, format_: Format, since: float, until: float
) -> Iterator[Exported]:
    """Write the calls that began in that time (seconds since the epoch, both at midnight) to files in
    `folder`, oldest first; a day without calls has none. A file that is there is replaced.

    Raises StoreError, NoParquet, or OSError.
    """
    opened = _opener(format_)
    folder.mkdir(parents=True, exist_ok=True)
    day = _next_day(store, since)
    while day is not None and day < until:
        name = f"calls-{datetime.fromtimestamp(day, UTC):%Y-%m-%d}.{format_}"
        draft = folder / f".{name}.part"
        try:
            with opened(draft) as write, store.read() as connection:
                count = _write_day(connection, day, write)
            draft.rename(folder / name)
        finally:
            draft.unlink(missing_ok=True)
        yield Exported(folder / name, count)
        day = _next_day(store, day + DAY)


def _write_day(connection: Connection, day: float, write: Write) -> int:
    that_day = (calls.c.started >= day, calls.c.started < day + DAY)
    wanted = calls.select().where(*that_day).order_by(calls.c.started, calls.c.id)
    count = 0
    for rows in connection.execute(wanted.execution_options(yield_per=BATCH)).partitions():
        write([_plain(row) for row in rows])
        count += len(rows)
    return count


def _plain(row: Sequence[Any]) -> Row:
    return tuple(
        json.dumps(value, ensure_ascii=False) if name in _NESTED and value is not None else value
        for name, value in zip(NAMES, row, strict=True)
    )


def _next_day(store: Store, since: float) -> float | None:
    first = select(func.min(calls.c.started)).where(calls.c.started >= since)
    with store.read() as connection:
        found = connection.execute(first).scalar()
    return None if found is None else found // DAY * DAY


def _opener(format_: Format) -> Callable[[Path], AbstractContextManager[Write]]:
    if format_ == "csv":
        return _csv
    try:
        module = importlib.import_module("sekisho.control.services.export_parquet")
    except ModuleNotFoundError as error:
        if error.name != "pyarrow":
            raise
        raise NoParquet("Parquet needs pyarrow: pip install 'sekisho[parquet]'; CSV needs nothing") from None
    found: Callable[[Path], AbstractContextManager[Write]] = module.opened
    return found


@contextmanager
def _csv(path: Path) -> Iterator[Write]:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(NAMES)
        yield writer.writerows
