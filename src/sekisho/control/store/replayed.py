"""Recorded calls for replaying: one after the other, however many there are, and no more of each than that
needs."""

from collections.abc import Collection, Iterator

from sqlalchemy import ColumnElement, Connection, func, null, select

from sekisho.control.store.spending import ASKED
from sekisho.control.store.tables import calls as table
from sekisho.core.error import ModelNotFound
from sekisho.core.operation import Operation
from sekisho.core.tier import Judgement
from sekisho.core.usage import Usage
from sekisho.pipeline.replay import Measured, Recorded

AT_ONCE = 5_000
_USAGE = tuple(name for name in Usage.__struct_fields__ if name != "estimated")
_CALL = (
    table.c.requested_model,
    table.c.key_id,
    table.c.provider,
    table.c.model,
    table.c.upstream_model,
    table.c.service_tier,
    func.coalesce(table.c.session, table.c.end_user),
    table.c.cost,
    table.c.total_ms,
    table.c.first_token_ms,
    table.c.error_code,
)


def read_calls(
    connection: Connection, since: float, until: float, led: Collection[str] = ()
) -> Iterator[Recorded]:
    """Those that a provider was asked for, and those whose model nobody served, in the order in which they
    began. `led`: names that lead by the task, of whose calls the scorer's judgement is needed."""
    columns = [table.c[f"usage_{name}"] for name in _USAGE]
    judged = _judged() if led else (null(), null())
    wanted = select(*judged, *_CALL, *columns).where(*_within(since, until), _planned())
    width = 2 + len(_CALL)
    ordered = wanted.order_by(table.c.started).execution_options(yield_per=AT_ONCE)
    for row in connection.execute(ordered):
        tier, score, model = row[:3]
        usage = None if row[width] is None else Usage(**dict(zip(_USAGE, row[width:], strict=True)))
        judgement = Judgement(tier=tier, score=score) if tier is not None and model in led else None
        yield Recorded._make((*row[2:width], usage, judgement))


def read_paces(connection: Connection, since: float, until: float) -> Iterator[Measured]:
    """How long every answer took that one provider made."""
    wanted = select(
        table.c.provider,
        table.c.model,
        table.c.upstream_model,
        table.c.total_ms,
        table.c.first_token_ms,
        func.coalesce(table.c.usage_output, 0),
    ).where(*_within(since, until), table.c.outcome == "ok", ASKED, table.c.provider.is_not(None))
    for row in connection.execute(wanted.execution_options(yield_per=AT_ONCE)):
        yield Measured._make(row)


def count_others(connection: Connection, since: float, until: float) -> int:
    """Calls that are not replayed: refused before any planning, or answered with what another call got."""
    wanted = select(func.count()).where(*_within(since, until), ~_planned())
    return int(connection.execute(wanted).scalar_one())


def _judged() -> tuple[ColumnElement[str], ColumnElement[float]]:
    """(tier, score) of a call that a scorer was asked about."""
    auto = table.c.explanation
    return auto["auto", "tier"].as_string(), auto["auto", "score"].as_float()


def _within(since: float, until: float) -> tuple[ColumnElement[bool], ...]:
    return table.c.started >= since, table.c.started < until, table.c.operation == Operation.CHAT


def _planned() -> ColumnElement[bool]:
    return ASKED | (func.coalesce(table.c.error_code, "") == ModelNotFound.code)
