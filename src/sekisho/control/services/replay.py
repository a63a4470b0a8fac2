"""What recorded calls would have come to under another document."""

from dataclasses import dataclass

from sekisho.control.services.keycache import ENVIRONMENT_KEY
from sekisho.control.services.principals import read_principals
from sekisho.control.store import replayed
from sekisho.control.store.engine import Store
from sekisho.core.principal import Principal
from sekisho.core.route import Snapshot
from sekisho.metering.histogram import Histogram
from sekisho.pipeline.replay import Line, Paces, Replay


@dataclass(frozen=True, slots=True)
class Replayed:
    lines: tuple[Line, ...]
    """Those with most calls first."""
    others: int
    """Calls that were not replayed: refused before any planning, or answered with what another call got."""
    unknown_keys: int
    """Calls of keys that are gone, replayed as if their keys allowed everything."""

    @property
    def calls(self) -> int:
        return sum(line.calls for line in self.lines)

    def expected(self) -> tuple[Histogram, Histogram]:
        """Times to the last and to the first token of all calls, each as long as its new endpoint took for
        others: as shares in millions, for quantiles alone."""
        total: Histogram = {}
        first: Histogram = {}
        for line in self.lines:
            if line.expected is not None:
                _blend(total, line.expected.total, line.calls)
                _blend(first, line.expected.first_token, line.calls)
        return total, first


def replay(store: Store, snapshot: Snapshot, since: float, until: float) -> Replayed:
    """Plans the calls that began in that time (seconds since the epoch). Raises StoreError."""
    with store.read() as connection:
        paces = Paces()
        for measured in replayed.read_paces(connection, since, until):
            paces.add(measured)
        principals, _ = read_principals(connection, {})
        known = {each.key_id: each for each in principals.values()}
        known[ENVIRONMENT_KEY] = Principal(ENVIRONMENT_KEY, ENVIRONMENT_KEY)
        run = Replay(snapshot, known, paces)
        led = {name for name, route in snapshot.routes.items() if route.auto is not None}
        for call in replayed.read_calls(connection, since, until, led):
            run.add(call)
        others = replayed.count_others(connection, since, until)
    return Replayed(tuple(run.lines), others, run.unknown_keys)


def _blend(into: Histogram, other: Histogram, calls: int) -> None:
    whole = sum(other.values())
    for each, count in other.items():
        into[each] = into.get(each, 0) + calls * count * 1_000_000 // whole
