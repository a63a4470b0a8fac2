"""When a limit's holder is told how much of it is used."""

from math import inf

from sekisho.core.limit import Limit


def alert_above(limit: Limit, used: int) -> float:
    """What must be used for the next of its percents to be reached; `inf`: all are."""
    for percent in limit.alerts:
        reached = -(-percent * limit.amount // 100)
        if reached > used:
            return reached
    return inf


def crossed(limit: Limit, before: int, after: int) -> list[int]:
    """The percents of the limit that what is used reached on its way from `before` to `after`."""
    if after <= before:
        return []
    amount = limit.amount
    return [percent for percent in limit.alerts if before * 100 < percent * amount <= after * 100]
