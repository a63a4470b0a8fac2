"""Quality scores as sets, each with its source and date, matched to the catalogue's models by name alone.

A set that ships, or that the operator added, is a JSON file of one `QualitySet`. A score whose model the
catalogue does not know is kept and listed as unmatched: names are never guessed.
"""

import csv
import datetime as dt
import io
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import msgspec

from sekisho.core.message import Value

SHIPPED = ("qualiteg-2025",)
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")


class Score(Value, frozen=True, kw_only=True, omit_defaults=True):
    name: str
    """As the source names it, with its mode (`gpt-5.1: high-effort`)."""
    score: float
    model: str | None = None
    """The name that the catalogue should know it by, where that is another."""


class QualitySet(Value, frozen=True, kw_only=True):
    name: str
    """Also its file's."""
    title: str
    scale: str = ""
    """What the numbers are, for people."""
    source: str
    date: str
    """`2025-12-18`."""
    scores: tuple[Score, ...]


@dataclass(frozen=True, slots=True)
class Rated:
    """One score and the model that it is of."""

    quality: QualitySet
    score: Score
    model: str | None
    """`author/slug`; None: the catalogue knows no such model."""


class BadSet(ValueError):
    """A file of scores that cannot be used. Says where and why."""


_sets = msgspec.json.Decoder(QualitySet)


def shipped() -> tuple[QualitySet, ...]:
    """The sets of this installation."""
    folder = resources.files("sekisho.providers.market").joinpath("data")
    return tuple(read(folder.joinpath(f"{name}.json").read_bytes(), name) for name in SHIPPED)


def added(folder: Path) -> tuple[QualitySet, ...]:
    """The operator's sets, in the order of their names. Raises BadSet, or OSError for what cannot be read."""
    files = sorted(folder.glob("*.json")) if folder.is_dir() else []
    return tuple(read(path.read_bytes(), str(path)) for path in files)


def read(text: bytes, source: str) -> QualitySet:
    """A set from its JSON. Raises BadSet naming `source`."""
    try:
        found = _sets.decode(text)
    except msgspec.DecodeError as error:
        raise BadSet(f"{source}: {error}") from None
    return _checked(found, source)


def from_csv(text: str, source: str, head: QualitySet) -> QualitySet:
    """A set from a table with the columns `model` and `score`, and perhaps `catalog_model` (or
    `openrouter_slug`) for the catalogue's name. `head` says the rest. Raises BadSet naming `source` and line.
    """
    table = csv.DictReader(io.StringIO(text))
    columns = set(table.fieldnames or ())
    missing = sorted({"model", "score"} - columns)
    if missing:
        raise BadSet(f"{source}: has no column `{'`, `'.join(missing)}`; needed are model and score")
    other = next((each for each in ("catalog_model", "openrouter_slug") if each in columns), None)
    scores: list[Score] = []
    for row in table:
        try:
            number = float(row["score"])
        except (TypeError, ValueError):
            msg = f"{source}:{table.line_num}: score: {row['score']!r} is no number"
            raise BadSet(msg) from None
        scores.append(Score(name=row["model"], score=number, model=(other and row[other]) or None))
    return _checked(msgspec.structs.replace(head, scores=tuple(scores)), source)


def matched(sets: Iterable[QualitySet], known: Callable[[str], str | None]) -> tuple[Rated, ...]:
    """Every score with its model, in the order of the sets. `known`: any name of a model -> `author/slug`."""
    return tuple(
        Rated(each, score, (known(score.model) if score.model else None) or known(score.name))
        for each in sets
        for score in each.scores
    )


def _checked(found: QualitySet, source: str) -> QualitySet:
    if not _NAME.fullmatch(found.name):
        raise BadSet(f"{source}: name: {found.name!r} must be lower case letters, digits and dashes")
    try:
        dt.date.fromisoformat(found.date)
    except ValueError:
        raise BadSet(f"{source}: date: {found.date!r} must be a day like 2025-12-18") from None
    if not found.source or not found.title:
        raise BadSet(f"{source}: source and title must say where the scores come from")
    if not found.scores:
        raise BadSet(f"{source}: there are no scores")
    names: set[str] = set()
    for score in found.scores:
        if not score.name or score.name in names:
            raise BadSet(f"{source}: {score.name!r} stands twice, or has no name")
        if not math.isfinite(score.score) or score.score < 0:
            raise BadSet(f"{source}: {score.name}: the score {score.score} is no number from 0 up")
        names.add(score.name)
    return found
