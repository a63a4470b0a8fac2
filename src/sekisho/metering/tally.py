"""What calls came to in tokens and money, told apart by more than rollups are: by their tags, by their end
users, and by whether a provider was asked. Without durations. Knows no database."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from operator import add, attrgetter
from typing import Final

import msgspec

from sekisho.core.record import SETTLEMENT, CallFacts
from sekisho.core.usage import Usage
from sekisho.metering.frame import AnyRecord
from sekisho.metering.rollup import HOUR, names_of, paid_elsewhere, text_of

UNNAMED: Final = "unnamed"
"""A tally of calls without an end user, by their tags."""
TAGGED: Final = "tagged"
"""Of calls with one, by their tags."""
USERS: Final = "users"
"""The same calls again, by their end users. So the first two are all calls, and so are the first and this."""
KINDS = (UNNAMED, TAGGED, USERS)


@dataclass(slots=True)
class Sums:
    """All can be added to their like."""

    calls: int = 0
    unpriced: int = 0
    """Of them, those with an endpoint that has no price: their cost is not, or not all, in `cost`."""
    cost: int = 0
    """Nano-USD."""
    waived: int = 0
    """The same, of calls that brought nothing and that nobody is charged for."""
    input: int = 0
    """Tokens; their kinds are those of `Usage`."""
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    output: int = 0

    @property
    def usage(self) -> Usage:
        return Usage(**{kind: getattr(self, kind) for kind in USAGE})

    def add(self, other: "Sums") -> None:
        for name in NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))


NUMBERS = tuple(each.name for each in fields(Sums))
USAGE = NUMBERS[4:]

Numbers = tuple[int, ...]
"""Those of `Sums`."""
Alike = tuple[float, bool, tuple[str, ...], str | None, tuple[str | None, ...]]
"""The hour since the epoch, whether a provider was asked, tags, end user, and the rollups' dimensions."""
Place = tuple[str, int, int, *tuple[str, ...], str, bool]
"""Kind; the period's length and its first second since the epoch; a text for each dimension and the end user,
or the tags as JSON, empty where there is none; whether a provider was asked."""
Tallies = dict[Place, Numbers]
_tokens = attrgetter(*USAGE)
_NO_TOKENS = (0,) * len(USAGE)


def tally(records: Iterable[AnyRecord]) -> Tallies:
    """The records by hour. What they cost is counted at the provider and model that was paid. Those of one
    batch: the numbers of each are kept until the end, for to add them all up at once takes less time."""
    found: dict[Alike, list[Numbers]] = {}
    for record in records:
        names = names_of(record)
        hour, asked = record.started // HOUR, record.has_attempts()
        tags, user = record.tag_names(), record.user
        cost = record.cost or 0
        for provider, model, part in paid_elsewhere(record):
            paid: Alike = (hour, asked, tags, user, (*names[:-2], provider, model))
            found.setdefault(paid, []).append((0, 0, part, 0, *_NO_TOKENS))
            cost -= part
        alike: Alike = (hour, asked, tags, user, names)
        there = found.get(alike)
        if there is None:
            there = found[alike] = []
        there.append(_numbers(record, cost))
    return placed((alike, tuple(map(sum, zip(*there, strict=True)))) for alike, there in found.items())


def placed(found: Iterable[tuple[Alike, Numbers]]) -> Tallies:
    """Each under its tags, and those of an end user under that one too."""
    tallies: Tallies = {}
    texts: dict[tuple[str | None, ...], tuple[str, ...]] = {}
    for (hour, asked, tags, user, names), numbers in found:
        told = texts.get(names)
        if told is None:
            told = texts[names] = tuple(map(text_of, names))
        start, tagged = int(hour) * HOUR, tags_text(tags)
        kinds = ((UNNAMED, tagged),) if user is None else ((TAGGED, tagged), (USERS, text_of(user)))
        for kind, name in kinds:
            place: Place = (kind, HOUR, start, *told, name, asked)
            _add(tallies, place, numbers)
    return tallies


def added(some: Numbers, more: Numbers) -> Numbers:
    """Both together."""
    return tuple(map(add, some, more))


def tags_text(tags: Iterable[str]) -> str:
    """What a database is told of tags; empty where there are none."""
    told = [text_of(tag) for tag in tags]
    return msgspec.json.encode(told).decode() if told else ""


def _add(found: Tallies, place: Place, numbers: Numbers) -> None:
    there = found.get(place)
    found[place] = numbers if there is None else added(there, numbers)


def _numbers(record: CallFacts, cost: int) -> Numbers:
    """Of one record, `cost` of which belongs where it does."""
    called = 0 if record.operation == SETTLEMENT else 1
    tokens = _NO_TOKENS if record.usage is None else _tokens(record.usage)
    return (called, called if record.unpriced else 0, cost, record.waived or 0, *tokens)
