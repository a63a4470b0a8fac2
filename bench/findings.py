"""What a case found out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with a target."""

    name: str
    target: str
    measured: str
    met: bool | None
    """None: it could not be judged, `measured` says why."""


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    note: str = ""


@dataclass(slots=True)
class Findings:
    figures: list[Figure] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    """Peer -> why it is not in a table here."""


def at_most(name: str, limit: float, measured: float, unit: str) -> Figure:
    return Figure(name, f"<= {limit:g} {unit}", f"{_short(measured)} {unit}", measured <= limit)


def at_least(name: str, limit: float, measured: float, unit: str) -> Figure:
    return Figure(name, f">= {limit:g} {unit}", f"{_short(measured)} {unit}", measured >= limit)


def unknown(name: str, target: str, reason: str) -> Figure:
    return Figure(name, target, f"not measured: {reason}", None)


def _short(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def ratio(number: float, floor: float) -> str:
    return f"{number / floor:.1f} x" if floor else "-"


def middle(numbers: list[float]) -> float:
    return median(numbers) if numbers else float("nan")
