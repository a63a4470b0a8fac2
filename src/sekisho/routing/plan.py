"""In which order a call tries the targets of its route, and why."""

from collections.abc import Sequence
from random import Random
from typing import Literal

import msgspec

from sekisho.core.preference import NONE, Preferences, Selector
from sekisho.core.route import Route, Target
from sekisho.routing import constraints, health
from sekisho.routing.ask import Ask
from sekisho.routing.board import Board, Standing
from sekisho.routing.health import FIT
from sekisho.routing.selectors import SCORES

OUTAGE_SECONDS = 30.0
"""How long a failure makes `balanced` try a target after the others."""
Fitness = Literal["fit", "shaky", "slow", "out"]
"""shaky: failed a moment ago (asked by `balanced` only). slow: slower than asked for. out: out of order, or
throttled."""
_FIT, _SHAKY, _SLOW, _OUT = range(4)
_FITNESS: tuple[Fitness, ...] = ("fit", "shaky", "slow", "out")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`targets` in the order of trying. The rest says why, for people."""

    targets: tuple[Target, ...]
    select: Selector = "ordered"
    scores: tuple[float, ...] = ()
    """Of `targets`; empty where there was nothing to choose."""
    fitness: tuple[Fitness, ...] = ()
    """Of `targets`."""
    rejected: tuple[tuple[Target, str], ...] = ()


def plan(route: Route, ask: Ask, board: Board, random: Random) -> Plan:
    """The targets of one call, best first. Empty where constraints allow none: then `rejected` says why.

    Pure but for what `board` and `random` give. Targets that are out of order come last rather than not at
    all: where nothing else is left, trying them is better than not trying. And where the facts of none say
    that it can serve the call (a prompt that is too long, an image that it does not take), all are tried:
    the providers know better than facts and estimates, and say it in their own words.
    """
    targets: Sequence[Target] = route.targets
    prefer = ask.prefer
    if len(targets) == 1 and prefer is NONE:
        return Plan(targets=route.targets)
    rejected = constraints.forbidden(targets, ask)
    if rejected:
        targets = _without(targets, rejected)
    if len(targets) > 1 and (unable := constraints.unable(targets, ask)) and len(unable) < len(targets):
        targets = _without(targets, unable)
        rejected += unable
    select = prefer.select or route.select
    if len(targets) < 2:
        return Plan(targets=tuple(targets), select=select, rejected=tuple(rejected))
    scores = SCORES[select](targets, ask, board, random)
    fitness = _fitness(targets, prefer, select, board)
    order = sorted(zip(fitness, _places(targets, prefer), scores, range(len(targets)), strict=True))
    if not prefer.fallbacks:
        del order[1:]
    return Plan(
        targets=tuple([targets[at] for _, _, _, at in order]),
        select=select,
        scores=tuple([score for _, _, score, _ in order]),
        fitness=tuple([_FITNESS[int(fit)] for fit, _, _, _ in order]),
        rejected=tuple(rejected),
    )


def _without(targets: Sequence[Target], rejected: Sequence[tuple[Target, str]]) -> Sequence[Target]:
    out = {target.endpoint.id for target, _ in rejected}
    return [target for target in targets if target.endpoint.id not in out]


def _fitness(targets: Sequence[Target], prefer: Preferences, select: Selector, board: Board) -> list[float]:
    """Places in `_FITNESS`; of those that are out, who is to be back soonest has the least fraction."""
    now = board.now()
    measured = prefer.max_first_token is not None or prefer.min_throughput is not None
    found: list[float] = []
    for target in targets:
        standing = board.of(target.endpoint.id)
        known = standing.health
        if known is FIT:  # never called, or forgotten: nothing to look at
            fit: float = _FIT
        elif not health.admits(known, now):
            fit = _OUT + 1 - 1 / (1 + max(0.0, known.until - now))
        elif select == "balanced" and now - known.outage < OUTAGE_SECONDS:
            fit = _SHAKY
        else:
            fit = _FIT
        if measured and fit < _SLOW and _is_slow(standing, prefer, now):
            fit = _SLOW
        found.append(fit)
    return found


def _is_slow(standing: Standing, prefer: Preferences, now: float) -> bool:
    if prefer.max_first_token is not None:
        taken = standing.first_token.percentile(0.5, now)
        if taken is not None and taken > prefer.max_first_token:
            return True
    if prefer.min_throughput is not None:
        speed = standing.speed.percentile(0.5, now)
        return speed is not None and speed < prefer.min_throughput
    return False


def _places(targets: Sequence[Target], prefer: Preferences) -> Sequence[int]:
    if not prefer.order:
        return [0] * len(targets)
    places = {name: at for at, name in enumerate(prefer.order)}
    last = len(places)
    return [places.get(target.endpoint.provider.name, last) for target in targets]
