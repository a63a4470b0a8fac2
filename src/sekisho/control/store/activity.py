"""What calls came to by day (UTC), read from the rollups."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, select

from sekisho.control.store.spending import summed, whole
from sekisho.control.store.tables import rollups

DAY = 86_400
_PROMPT = (rollups.c.input, rollups.c.cache_read, rollups.c.cache_write, rollups.c.cache_write_1h)
_SUMMED = (rollups.c.calls, rollups.c.cost, *_PROMPT, rollups.c.output, rollups.c.reasoning)


@dataclass(frozen=True, slots=True)
class Active:
    """One day's calls that are alike in all that was asked for."""

    day: int
    """Days since 1970-01-01."""
    names: tuple[str, ...]
    calls: int
    cost: int
    """Nano-USD. Calls without a price count as nothing."""
    prompt: int
    """Tokens, cached or not."""
    output: int
    reasoning: int


def read_days(
    connection: Connection, by: Sequence[str], days: tuple[int, int], *conditions: ColumnElement[bool]
) -> Iterator[Active]:
    """By columns of the rollups. `days`: the first and the last since 1970-01-01. Of calls that somebody
    answered, or was asked to; the gateway's own probes are nobody's."""
    day = rollups.c.start // DAY
    names = [rollups.c[name] for name in by]
    begun = (rollups.c.start >= days[0] * DAY, rollups.c.start < (days[1] + 1) * DAY)
    asked = (rollups.c.provider != "", rollups.c.organisation != "", *begun, *conditions)
    query = select(day, *names, *summed(*_SUMMED)).where(*asked).group_by(day, *names)
    for row in connection.execute(query.order_by(day, *names)):
        calls, cost, *prompt, output, reasoning = whole(row[1 + len(names) :])
        yield Active(int(row[0]), tuple(row[1 : 1 + len(names)]), calls, cost, sum(prompt), output, reasoning)
