"""Books of millions of calls, made by the database itself: every hour of the last days has the same calls,
and the sums that they came to."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, func, select

from sekisho.control.store import expiry
from sekisho.control.store.engine import Store
from sekisho.control.store.migrate import migrate
from sekisho.control.store.tables import api_keys, calls, holders, outages, tallies
from sekisho.control.store.tables import rollups as sums
from sekisho.metering.rollup import NUMBERS
from sekisho.metering.tally import NUMBERS as TALLIED
from sekisho.metering.tally import TAGGED, USERS

HOUR = 3600
DAYS = 30
KEYS = 250
MODELS = 4
EACH = 14
"""Calls of one key to one model in an hour: 10,080,000 in all of 30 days."""
ENDS = KEYS * MODELS
"""End users: each has a key and a model."""
TOKENS = 1000
COST = 1_500_000
"""Nano-USD."""
FAILS = 20
"""One call in so many fails at first."""


_SUMMED = {
    "calls": str(EACH),
    "input": str(EACH * TOKENS),
    "output": str(EACH * 100),
    "cost": str(EACH * COST),
}


@dataclass(frozen=True, slots=True)
class Size:
    hours: int
    now: int
    """Seconds since the epoch: the end of the last hour."""

    @property
    def calls(self) -> int:
        return self.hours * KEYS * MODELS * EACH


def fill(store: Store, size: Size) -> None:
    """An empty database with all of them. Raises StoreError."""
    migrate(store)
    first = size.now - size.hours * HOUR
    if store.dialect == "postgresql":
        for day in range(first // expiry.DAY, size.now // expiry.DAY + 1, expiry.DAYS_AHEAD + 1):
            expiry.make_partitions(store, float(day * expiry.DAY))
    with store.write() as connection:
        if store.dialect == "postgresql":
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        _identities(connection, float(first))
        _write(connection, calls, _numbers(store, size.calls), _call(store, first))
        _write(connection, sums, _numbers(store, size.hours * KEYS * MODELS), _sum(first))
        for kind in (TAGGED, USERS):
            _write(connection, tallies, _numbers(store, size.hours * ENDS), _tally(first, kind))
        for failed in (False, True):
            _write(connection, outages, _numbers(store, size.hours * MODELS), _fate(first, failed=failed))
    if store.dialect == "postgresql":
        with store.write() as connection:
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            connection.exec_driver_sql("ANALYZE calls, rollups, tallies, outages")


def check(store: Store, size: Size) -> None:
    """That all say the same."""
    with store.read() as connection:
        assert connection.execute(select(func.sum(sums.c.calls))).scalar() == size.calls
        for kind in (TAGGED, USERS):
            tallied = select(func.sum(tallies.c.calls)).where(tallies.c.kind == kind)
            assert connection.execute(tallied).scalar() == size.calls
        assert connection.execute(select(func.sum(outages.c.requests))).scalar() == size.calls
        assert connection.execute(select(func.count()).select_from(calls)).scalar() == size.calls


def _numbers(store: Store, count: int) -> str:
    if store.dialect == "postgresql":
        return f"generate_series(0, {count - 1}) AS numbers(n)"
    return (
        f"(WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count - 1})"
        " SELECT n FROM numbers)"
    )


def _write(connection: Connection, table: Table, numbers: str, values: dict[str, str]) -> None:
    statement = (
        f"INSERT INTO {table.name} ({', '.join(values)}) SELECT {', '.join(values.values())} FROM {numbers}"
    )
    if connection.dialect.name == "postgresql":
        statement = statement.replace("%", "%%")  # to its driver, one is a parameter
    connection.exec_driver_sql(statement)


def _call(store: Store, first: int) -> dict[str, str]:
    """Number n, in the order of time."""
    hour = KEYS * MODELS * EACH
    failed = f"n % {FAILS} = 0"
    answered = '{"provider":"one","upstream_model":"m","milliseconds":900}'
    fell = (
        '{"provider":"two","upstream_model":"m","milliseconds":90,"code":"upstream_overloaded","status":503}'
    )
    attempts = f"CASE WHEN {failed} THEN '[{fell},{answered}]' ELSE '[{answered}]' END"
    json = "::json" if store.dialect == "postgresql" else ""
    return {
        "id": "'gen-' || n",
        "started": f"{first} + n * {HOUR}.0 / {hour}",
        "key_id": f"'key_' || (n % {KEYS})",
        "operation": "'chat'",
        "dialect": "'openai_chat'",
        "requested_model": f"'acme/m' || (n / {KEYS} % {MODELS})",
        "model": f"'acme/m' || (n / {KEYS} % {MODELS})",
        "provider": "'one'",
        "provider_dialect": "'openai_chat'",
        "upstream_model": "'m'",
        "upstream_id": "'chatcmpl-' || n",
        "stream": "n % 2 = 1",
        "status": "200",
        "outcome": "'ok'",
        "finish": "'stop'",
        **{f"usage_{name}": "0" for name in ("cache_read", "cache_write", "cache_write_1h", "reasoning")},
        **{f"usage_{name}": "0" for name in ("input_audio", "output_audio")},
        "usage_input": str(TOKENS),
        "usage_output": "100",
        "usage_estimated": "false",
        "cost": str(COST),
        "unpriced": "false",
        "attempts": f"({attempts}){json}",
        "first_token_ms": "300",
        "total_ms": "900",
        "app": "'bench'",
        "organisation": f"'org_' || (n % {KEYS} % 3)",
        "team": f"'team_' || (n % {KEYS} % 12)",
        "project": f"'project_' || (n % {KEYS} % 50)",
        "owner": f"'person_' || (n % {KEYS})",
        "end_user": f"'user-' || (n % {ENDS})",
        "tags": f"""('["t' || (n % 20) || '"]'){json}""",
    }


def _place(first: int) -> dict[str, str]:
    """Of one key, model and hour: number n."""
    key = f"(n % {KEYS})"
    return {
        "start": f"{first} + n / {KEYS * MODELS} * {HOUR}",
        "seconds": str(HOUR),
        "key_id": f"'key_' || {key}",
        "organisation": f"'org_' || ({key} % 3)",
        "team": f"'team_' || ({key} % 12)",
        "project": f"'project_' || ({key} % 50)",
        "owner": f"'person_' || {key}",
        "operation": "'chat'",
        "app": "'bench'",
        "provider": "'one'",
        "model": f"'acme/m' || (n / {KEYS} % {MODELS})",
    }


def _sum(first: int) -> dict[str, str]:
    return {
        **_place(first),
        "id": "'sum-' || n",
        **dict.fromkeys(NUMBERS, "0"),
        **_SUMMED,
        "total_ms": f"""'{{"40":{EACH}}}'""",
        "first_token_ms": f"""'{{"30":{EACH}}}'""",
    }


def _tally(first: int, kind: str) -> dict[str, str]:
    """As many and as long as real ones are."""
    name = f"'user-' || (n % {ENDS})" if kind == USERS else """'["t' || (n % 20) || '"]'"""
    return {
        **_place(first),
        "kind": f"'{kind}'",
        "id": "'a tally of a call-' || n",
        "name": name,
        "asked": "true",
        **dict.fromkeys(TALLIED, "0"),
        **_SUMMED,
    }


def _fate(first: int, *, failed: bool) -> dict[str, str]:
    """Of one model in one hour: number n."""
    number = EACH * KEYS // FAILS if failed else EACH * KEYS - EACH * KEYS // FAILS
    return {
        "start": f"{first} + n / {MODELS} * {HOUR}",
        "provider": "'two'" if failed else "'one'",
        "model": f"'acme/m' || (n % {MODELS})",
        "cause": "'upstream_overloaded'" if failed else "''",
        "ending": "'fallback'" if failed else "''",
        "requests": str(number),
        "tokens": f"{number * (TOKENS + 100)}",
        "cost": f"{number * COST}",
    }


def _identities(connection: Connection, made: float) -> None:
    rows: list[dict[str, Any]] = []
    for kind, prefix, count in (
        ("organisation", "org_", 3),
        ("team", "team_", 12),
        ("project", "project_", 50),
        ("person", "person_", KEYS),
    ):
        for number in range(count):
            whose = f"org_{number % 3}" if kind != "organisation" else f"{prefix}{number}"
            rows.append(
                {"id": f"{prefix}{number}", "kind": kind, "name": f"{kind} {number}", "organisation": whose}
            )
    for row in rows:
        row |= {"created": made, "allowance": {}, "limits": [], "metadata": {}}
    connection.execute(holders.insert(), rows)
    keys = [
        {
            "id": f"key_{number}",
            "name": f"key {number}",
            "digest": b"%d" % number,
            "prefix": "sk",
            "created": made,
            "admin": False,
            "owner": f"person_{number}",
            "organisation": f"org_{number % 3}",
        }
        for number in range(KEYS)
    ]
    connection.execute(api_keys.insert(), keys)
