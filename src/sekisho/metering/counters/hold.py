"""What the counters of one process hold, and the cells that they hold it in."""

from collections.abc import Sequence
from math import inf

import msgspec

from sekisho.core.limit import Alike, Claim, Measure, about
from sekisho.metering.counters.cells import Cell, Sums

Part = tuple[Cell, str, int]
"""A cell, and of the claim on it: counter and amount."""


class Cells(msgspec.Struct, gc=False):
    """Those of one call's claims, or of many calls' that have the same."""

    claims: Sequence[Claim]
    parts: list[Part]
    taken: list[tuple[Sums, int]]
    """Of all of them, with their amounts."""
    settled: list[Part]
    """The next three are the parts by the use of their cells."""
    admitted: list[Part]
    never: list[Part]
    requests: list[int]
    """As in `Admitted`, like the next."""
    tokens: list[int]
    costs: list[tuple[Sums, Cell, str, int]]
    """The settled ones that count usd; `counts`, tokens. Empty where claims are not `Alike`."""
    counts: list[tuple[Sums, Cell, str, int]]
    hands: int = 0
    """Holds that have them, and one while they are kept at hand."""
    until: float = -inf
    """`turn` first from then on. While time does not go back, places and wholes are right until then."""
    places: list[int] = []
    """Of those that are settled. Another list once any of them is another."""
    wholes: list[float] = []
    """Of all."""

    def turn(self, now: float) -> None:
        """Make all of them right for that time."""
        until, wholes = inf, []
        for cell, _, _ in self.parts:
            if not cell.since <= now < cell.until:
                cell.turn(now)
            if cell.until < until:
                until = cell.until
            wholes.append(cell.whole)
        self.until, self.wholes = until, wholes
        places = [cell.place for cell, _, _ in self.settled]
        if places != self.places:
            self.places = places


class Hold(msgspec.Struct, gc=False):
    cells: Cells
    places: list[int]
    """Where it is held in those that are settled."""
    began: float
    ends: float
    """Seconds since the epoch: of the lease, then of the time that it is kept for."""


def cells_of(claims: Sequence[Claim], found: Sequence[Cell]) -> Cells:
    """`found`: one cell for each claim. They stay while these are in hand."""
    parts = [(cell, claim.counter, claim.amount) for claim, cell in zip(claims, found, strict=True)]
    settled, admitted, never = [], [], []
    for part in parts:
        cell = part[0]
        cell.open += 1
        if cell.use == "settled":
            settled.append(part)
        elif cell.use == "admitted":
            admitted.append(part)
        else:
            never.append(part)
    alike = isinstance(claims, Alike)
    return Cells(
        claims=claims,
        parts=parts,
        taken=[(cell.sums, amount) for cell, _, amount in parts],
        settled=settled,
        admitted=admitted,
        never=never,
        requests=about("requests", claims),
        tokens=about("tokens", claims),
        costs=_of("usd", settled) if alike else [],
        counts=_of("tokens", settled) if alike else [],
    )


def _of(measure: Measure, parts: Sequence[Part]) -> list[tuple[Sums, Cell, str, int]]:
    return [(part[0].sums, *part) for part in parts if part[0].limit.measure == measure]


def take(parts: Sequence[tuple[Sums, int]]) -> list[int]:
    """Hold all of it, or nothing. What is left of each; if there is no room, only of those that come before
    the one that has none."""
    left: list[int] = []
    for sums, amount in parts:
        room = sums.room - amount
        if room < 0:
            for (taken, held), _ in zip(parts, left, strict=False):
                taken.room += held
            break
        sums.room = room
        left.append(room)
    return left
