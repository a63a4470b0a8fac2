"""What calls came to in tokens and money, told apart by more than rollups are: by their tags, by their end
users, and by whether a provider was asked. Without durations. Knows no database."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from operator import add
from typing import Final

import msgspec

from sekisho.core.record import SETTLEMENT
from sekisho.core.usage import Usage
from sekisho.metering.alike import HOUR, Alike, add_up
from sekisho.metering.frame import AnyRecord
from sekisho.metering.rollup import text_of

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
Raw = tuple[float, bool, tuple[str, ...], str | None, tuple[str | None, ...]]
"""The hour since the epoch, whether a provider was asked, tags, end user, and the rollups' dimensions."""
Place = tuple[str, int, int, *tuple[str, ...], str, bool]
"""Kind; the period's length and its first second since the epoch; a text for each dimension and the end user,
or the tags as JSON, empty where there is none; whether a provider was asked."""
Tallies = dict[Place, Numbers]
_Shares = dict[tuple[tuple[str, ...], str | None], list[AnyRecord]]
"""By tags and end user."""
_NO_TOKENS = (0,) * len(USAGE)


def tally(gathered: Iterable[Alike]) -> Tallies:
    """The calls by hour. What they cost is counted at the provider and model that was paid."""
    return placed(each for alike in gathered for each in _told_apart(alike))


def placed(found: Iterable[tuple[Raw, Numbers]]) -> Tallies:
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


def _told_apart(alike: Alike) -> Iterator[tuple[Raw, Numbers]]:
    """By what rollups do not tell apart: the calls' tags and end users."""
    shares: _Shares = {}
    for record in alike.records:
        share = (record.tag_names(), record.user)
        there = shares.get(share)
        if there is None:
            there = shares[share] = []
        there.append(record)
    counted = 0 if alike.operation == SETTLEMENT else 1
    for (tags, user), records in shares.items():
        total = alike.total if len(shares) == 1 else add_up(alike, records)
        calls = counted * len(records)
        numbers = (
            calls,
            calls if alike.unpriced else 0,
            total.cost,
            total.waived,
            *total.tokens[: len(USAGE)],
        )
        yield (alike.hour, alike.asked, tags, user, alike.names), numbers
        for names, cost in total.elsewhere:
            yield (alike.hour, alike.asked, tags, user, names), (0, 0, cost, 0, *_NO_TOKENS)
