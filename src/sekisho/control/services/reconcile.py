"""Whether a provider's own account of usage and cost says what the books say: by day and model."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from sqlalchemy import select

from sekisho.control.exports.entry import FEMTO, Entry, ExportError, Skipped
from sekisho.control.exports.file import Export
from sekisho.control.store.engine import Store
from sekisho.control.store.spending import Stretch, read_parts
from sekisho.control.store.tables import rollups
from sekisho.core.calendar import midnight, offsets
from sekisho.core.money import NANO

Reason = Literal[
    "missing here",
    "missing there",
    "token drift",
    "price drift",
    "price or token drift",
    "unpriced",
    "time zone",
]
MOST_GROUPS = 200_000
"""Days times models of one file; more is no account of usage."""
FIRST_DAY = date(1970, 1, 1)
TOKENS = ("input", "cached", "output")
Key = tuple[date, str]


class NoProvider(Exception):
    """It is not known whose calls an export is about."""


@dataclass(slots=True)
class Side:
    """What one side says of one model on one day, or of many."""

    models: set[str] = field(default_factory=set)
    """As this side writes them."""
    calls: int | None = None
    """Requests to the provider; None: not told."""
    unpriced: int = 0
    input: int | None = None
    """Tokens; None, as with the next two: not told. `cached`: read from a cache, or written to it."""
    cached: int | None = None
    output: int | None = None
    cost: int | None = None
    """In 1e-15 USD; None: not told."""
    rounded: int = 0
    """How far `cost` may be off."""

    def add(self, more: "Side") -> None:
        self.models |= more.models
        self.unpriced += more.unpriced
        self.rounded += more.rounded
        for name in ("calls", *TOKENS, "cost"):
            known = [value for value in (getattr(self, name), getattr(more, name)) if value is not None]
            setattr(self, name, sum(known) if known else None)

    @property
    def empty(self) -> bool:
        return not (self.unpriced or any(getattr(self, name) for name in (*TOKENS, "cost")))


@dataclass(frozen=True, slots=True)
class Difference:
    day: date
    model: str
    """As the provider writes it, or the books; empty: all models."""
    reason: Reason
    """The probable one."""
    ours: Side
    theirs: Side


@dataclass(frozen=True, slots=True)
class Reconciliation:
    format: str
    providers: tuple[str, ...]
    """As the document names them."""
    first: date
    last: date
    lines: int
    skipped: Mapping[str, int]
    """Why lines were not compared -> how many."""
    differences: Sequence[Difference]
    ours: Side
    theirs: Side


@dataclass(frozen=True, slots=True)
class Compared:
    """How an export is compared."""

    providers: tuple[str, ...] = ()
    """As the document names them; else those whose names begin as the catalogue's."""
    tolerance: Decimal = Decimal(0)
    """Percent of the larger side, that is no difference."""
    zone: str = "UTC"
    """Where the export's days begin."""


def reconcile(store: Store, export: Export, how: Compared) -> Reconciliation:
    """Raises ExportError, NoProvider, StoreError."""
    theirs, skipped, lines = _theirs(export)
    if not theirs:
        raise ExportError("nothing in the file can be compared")
    if any(not key[1] for key in theirs):  # some of it is not told by models: then nothing is
        theirs = _merged(((day, ""), side) for (day, _), side in theirs.items())
    first, last = min(key[0] for key in theirs), max(key[0] for key in theirs)
    providers = _providers(store, how.providers, export.format.providers)
    by_models = any(key[1] for key in theirs)
    ours = _merged(_ours(store, providers, (first, last), how.zone, by_models=by_models))
    return Reconciliation(
        format=export.format.name,
        providers=providers,
        first=first,
        last=last,
        lines=lines,
        skipped=skipped,
        differences=sorted(
            _differences(ours, theirs, how.tolerance), key=lambda each: (each.day, each.model, each.reason)
        ),
        ours=_sum(ours.values()),
        theirs=_sum(theirs.values()),
    )


def _theirs(export: Export) -> tuple[dict[Key, Side], dict[str, int], int]:
    found: dict[Key, Side] = {}
    skipped: dict[str, int] = {}
    lines = 0
    for entry in export:
        lines += 1
        if isinstance(entry, Skipped):
            skipped[entry.why] = skipped.get(entry.why, 0) + 1
            continue
        key = (entry.day, canonical(entry.model))
        found.setdefault(key, Side()).add(_side(entry))
        if len(found) > MOST_GROUPS or len(skipped) > MOST_GROUPS:
            raise ExportError(f"the file names more than {MOST_GROUPS} models by days")
    return found, skipped, lines


def _side(entry: Entry) -> Side:
    return Side(
        models={entry.model} if entry.model else set(),
        input=entry.input,
        cached=entry.cached,
        output=entry.output,
        cost=entry.cost,
        rounded=entry.rounded,
    )


def _ours(
    store: Store, providers: Collection[str], days: tuple[date, date], zone: str, *, by_models: bool
) -> Iterator[tuple[Key, Side]]:
    since, until = midnight(days[0], zone), midnight(days[1] + timedelta(days=1), zone)
    with store.read() as connection:
        for begin, end, ahead in offsets(zone, since, until):
            stretch = Stretch(begin, end, ahead)
            for part in read_parts(
                connection, ("provider", "upstream_model"), stretch, daily=True, attempts=True
            ):
                provider, model = part.names
                if provider not in providers or not part.asked:
                    continue
                day, sums = FIRST_DAY + timedelta(days=part.day or 0), part.sums
                yield (
                    (day, canonical(model or "") if by_models else ""),
                    Side(
                        models={model or ""},
                        calls=sums.calls,
                        unpriced=sums.unpriced,
                        input=sums.input,
                        cached=sums.cache_read + sums.cache_write + sums.cache_write_1h,
                        output=sums.output,
                        cost=sums.cost * (FEMTO // NANO),
                    ),
                )


def _providers(store: Store, asked: tuple[str, ...], rows: Collection[str]) -> tuple[str, ...]:
    with store.read() as connection:
        # Rollups know also whom only a part of an answer was paid to.
        found = connection.execute(select(rollups.c.provider).distinct()).scalars()
        known = sorted(name for name in found if name)
    fits = [name for name in known if name in asked or (not asked and name.startswith(tuple(rows)))]
    unknown = sorted(set(asked) - set(known))
    if not fits or unknown:
        said = unknown[0] if unknown else " or ".join(rows)
        told = ", ".join(known) or "none"
        msg = f"no call went to {said}; the books know {told}: name those of the export with --provider"
        raise NoProvider(msg)
    return tuple(fits)


def _merged(sides: Iterable[tuple[Key, Side]]) -> dict[Key, Side]:
    found: dict[Key, Side] = {}
    for key, side in sides:
        found.setdefault(key, Side()).add(side)
    return found


def _sum(sides: Iterable[Side]) -> Side:
    total = Side()
    for side in sides:
        total.add(side)
    return total


# --- differences ----------------------------------------------------------------------------------


def _differences(
    ours: Mapping[Key, Side], theirs: Mapping[Key, Side], tolerance: Decimal
) -> Iterator[Difference]:
    shifted = _shifted(ours, theirs, tolerance)
    for key in {*ours, *theirs}:
        here, there = ours.get(key, Side()), theirs.get(key, Side())
        reason = _reason(here, there, tolerance)
        if reason is not None:
            day, model = key
            name = min(there.models or here.models, default="")
            yield Difference(day, name, "time zone" if model in shifted else reason, here, there)


def _shifted(ours: Mapping[Key, Side], theirs: Mapping[Key, Side], tolerance: Decimal) -> set[str]:
    """Models of which both sides say the same in all, whatever they say of single days."""
    here = _merged(((FIRST_DAY, model), side) for (_, model), side in ours.items())
    there = _merged(((FIRST_DAY, model), side) for (_, model), side in theirs.items())
    both = here.keys() & there.keys()
    return {key[1] for key in both if _reason(here[key], there[key], tolerance) is None}


def _reason(ours: Side, theirs: Side, tolerance: Decimal) -> Reason | None:
    """None: no difference."""
    if ours.empty or theirs.empty:
        return None if ours.empty and theirs.empty else "missing here" if ours.empty else "missing there"
    tokens = [
        _apart(getattr(ours, name), getattr(theirs, name), tolerance)
        for name in TOKENS
        if getattr(theirs, name) is not None
    ]
    dearer = theirs.cost is not None and _apart(ours.cost or 0, theirs.cost, tolerance, theirs.rounded)
    if any(tokens):
        return "token drift"
    if not dearer:
        return None
    if ours.unpriced:
        return "unpriced"
    return "price drift" if tokens else "price or token drift"


def _apart(ours: int | None, theirs: int, tolerance: Decimal, rounded: int = 0) -> bool:
    known = ours or 0
    return (abs(known - theirs) - rounded) * 100 > tolerance * max(known, theirs)


# --- models ---------------------------------------------------------------------------------------

_BEFORE = re.compile(r"^(?:.*/|(?:[a-z]+\.)+)", re.ASCII)
_BEHIND = re.compile(
    r"(?:[-@ ](?:\d{8}|\d{4}-\d\d-\d\d)|[- ](?:latest|preview)\b.*|-v\d+(?::\d+)*)+$", re.ASCII
)
_NUMBER = re.compile(r"\d+(?:[.\-_ ]\d+)*", re.ASCII)
_LETTERS = re.compile(r"[^\W\d_]+")


def canonical(model: str) -> str:
    """The same for all that a provider, its console and its bill call one model: without author, region, date
    and version of the API. Letters are put in order, since a bill says `Claude4.6Sonnet` where calls say
    `jp.anthropic.claude-sonnet-4-6-20260217-v1:0`."""
    name = _BEHIND.sub("", _BEFORE.sub("", model.strip().lower()))
    numbers = [re.sub(r"[-_ ]", ".", found) for found in _NUMBER.findall(name)]
    versions = sorted(number.removesuffix(".0") for number in numbers)
    return " ".join((*versions, "".join(sorted("".join(_LETTERS.findall(name))))))
