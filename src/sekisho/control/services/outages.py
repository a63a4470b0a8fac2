"""What outages came to: how many calls failed at first, how they were rescued, and what was lost.

By requests, by tokens and by money: the three differ, because what fails is mostly what is long and dear.
Calls that no provider was asked for, and what a provider refused because of the request itself, are no
outages. A call that was lost has no usage: it weighs what its prompt would have cost.
"""

from collections import defaultdict
from typing import Literal, get_args

import msgspec

from sekisho.control.store import outages as fates
from sekisho.control.store.engine import Store
from sekisho.metering.alike import HOUR
from sekisho.metering.outages import Fate, Weight

By = Literal["provider", "model", "cause"]
BYS: tuple[By, ...] = get_args(By)
Columns = dict[str, Weight]
"""By the members of `Outages`."""


class Weighed(msgspec.Struct, frozen=True):
    """The same calls on three scales."""

    requests: int = 0
    tokens: int = 0
    cost: int = 0
    """Nano-USD; calls without a price weigh nothing."""


class Outages(msgspec.Struct, frozen=True, kw_only=True):
    name: str | None = None
    """The provider or model that was asked first, or the code of the first attempt's error."""
    total: Weighed = Weighed()
    """Calls that a provider was asked for; by cause: those that failed so."""
    failed: Weighed = Weighed()
    """Whose first attempt failed."""
    retry: Weighed = Weighed()
    """Of these, answered by the same endpoint after all."""
    fallback: Weighed = Weighed()
    """Answered by another endpoint."""
    continuation: Weighed = Weighed()
    """A stream that broke off after it had begun, and was carried on to its end."""
    lost: Weighed = Weighed()
    """The client got an error, or an answer that broke off."""


def outages(store: Store, since: float, by: By | None = None) -> list[Outages]:
    """Of the calls that began in the hour of `since` (seconds since the epoch) or later: one entry, or one
    for each group, those that lost most first; empty where there was no call. Raises StoreError."""
    groups: dict[str | None, Columns] = defaultdict(lambda: defaultdict(Weight))
    with store.read() as connection:
        for fate, weight in fates.read(connection, since // HOUR * HOUR):
            name = _name(fate, by)
            if name or by != "cause":
                _add(groups[name or None], fate, weight)
    found = [_outages(name, columns) for name, columns in groups.items()]
    return sorted(found, key=lambda each: (-each.lost.requests, -each.failed.requests, each.name or ""))


def _name(fate: Fate, by: By | None) -> str:
    _, provider, model, cause, _ = fate
    return {"provider": provider, "model": model, "cause": cause}[by] if by else ""


def _add(columns: Columns, fate: Fate, weight: Weight) -> None:
    _, _, _, cause, ending = fate
    for column in ("total", *(["failed"] if cause else []), ending):
        columns[column].add(weight)


def _outages(name: str | None, columns: Columns) -> Outages:
    told = [column for column in Outages.__struct_fields__ if column != "name"]
    return Outages(name=name, **{column: _weighed(columns[column]) for column in told})


def _weighed(weight: Weight) -> Weighed:
    return Weighed(weight.requests, round(weight.tokens), round(weight.cost))


def rescued(found: Outages, scale: str) -> int:
    """What was saved on one scale: all but what was lost, or left by its client."""
    return sum(getattr(each, scale) for each in (found.retry, found.fallback, found.continuation))


def share(part: int, whole: int) -> float | None:
    """None of nothing."""
    return part / whole if whole else None
