"""At most so many names that clients call themselves by: each new one makes another rollup."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection, select

from sekisho.control.store.tables import rollups
from sekisho.metering.alike import DIMENSIONS, HOUR
from sekisho.metering.rollup import Place, Rollups, Sums

MOST = 100
"""Of one key in one hour. Its own, so that nobody's names push those of others out."""
OTHER = "other"
"""What the rest is counted under."""
_APP = 2 + DIMENSIONS.index("app")
_KEY = 2 + DIMENSIONS.index("key_id")
Names = dict[tuple[int, str], set[str]]
"""By hour and key."""


def bounded(connection: Connection, found: Rollups, new: Sequence[Place]) -> Rollups:
    """The same sums, those for names too many under `OTHER`. `new`: places that the table does not have;
    days are left alone, since their hours were bounded."""
    named = [place for place in new if place[_APP] not in ("", OTHER) and place[1] == HOUR]
    if not named:
        return found
    names = _names(connection, {_whose(place) for place in named})
    renamed: dict[Place, Place] = {}
    for place in named:
        known = names[_whose(place)]
        if len(known) < MOST:
            known.add(_app(place))
        elif _app(place) not in known:
            renamed[place] = _of_the_rest(place)
    if not renamed:
        return found
    merged: Rollups = {}
    for place, sums in found.items():
        merged.setdefault(renamed.get(place, place), Sums()).add(sums)
    return merged


def _names(connection: Connection, whose: set[tuple[int, str]]) -> Names:
    """Those that are counted already."""
    names: Names = defaultdict(set)
    wanted = (
        select(rollups.c.app).where(rollups.c.seconds == HOUR, rollups.c.app.not_in(("", OTHER))).distinct()
    )
    for hour, key in whose:
        of_key = wanted.where(rollups.c.key_id == key, rollups.c.start == hour)
        names[hour, key].update(connection.execute(of_key).scalars())
    return names


def _of_the_rest(place: Place) -> Place:
    start, seconds, *names = place
    names[DIMENSIONS.index("app")] = OTHER
    return (start, seconds, *names)


def _whose(place: Place) -> tuple[int, str]:
    return place[0], str(place[_KEY])


def _app(place: Place) -> str:
    return str(place[_APP])
