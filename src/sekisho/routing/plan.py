"""In which order a call tries the targets of its route, and why."""

import math
from collections.abc import Sequence
from random import Random
from typing import Literal

import msgspec

from sekisho.core.preference import NONE, Cutoffs, Preferences, Selector
from sekisho.core.route import Route, Target
from sekisho.routing import constraints, health
from sekisho.routing.ask import Ask
from sekisho.routing.board import Board, Standing
from sekisho.routing.selectors import SCORES

OUTAGE_SECONDS = 30.0
"""How long a failure makes `balanced` try a target after the others."""
Fitness = Literal["fit", "shaky", "incident", "slow", "out"]
"""shaky: failed a moment ago (asked by `balanced` only). incident: its provider's status page reports one,
and the document says that this counts. slow: slower than asked for. out: out of order, or throttled."""
_FIT, _SHAKY, _INCIDENT, _SLOW, _OUT = range(5)
_FITNESS: tuple[Fitness, ...] = ("fit", "shaky", "incident", "slow", "out")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`targets` in the order of trying. The rest says why, for people."""

    targets: tuple[Target, ...]
    select: Selector = "ordered"
    scores: tuple[float, ...] = ()
    """Of `targets`; empty where there was nothing to choose."""
    fitness: tuple[Fitness, ...] = ()
    """Of `targets`."""
    rejected: tuple[tuple[Target, str], ...] = ()
    reopens: float | None = None
    """Seconds since the epoch: when the first of those has a new budget that only lack that; None: none
    does."""


def plan(route: Route, ask: Ask, board: Board, random: Random) -> Plan:
    """The targets of one call, best first. Empty where constraints allow none: then `rejected` says why.

    Pure but for what `board` and `random` give. Targets that are out of order come last rather than not at
    all: where nothing else is left, trying them is better than not trying. And where the facts of none say
    that it can serve the call (a prompt that is too long, an image that it does not take), all are tried:
    the providers know better than facts and estimates, and say it in their own words.
    """
    targets: Sequence[Target] = route.targets
    prefer = ask.prefer
    if len(targets) == 1 and prefer is NONE and not board.spent.used_up:
        return Plan(targets=route.targets)
    rejected = constraints.forbidden(targets, ask)
    if rejected:
        targets = _without(targets, rejected)
    reopens = None
    if board.spent.used_up and (closed := constraints.over_budget(targets, board.spent)):
        targets, reopens = _without(targets, closed), board.spent.reopens(closed)
        rejected += closed
    if len(targets) > 1 and (unable := constraints.unable(targets, ask)) and len(unable) < len(targets):
        targets = _without(targets, unable)
        rejected += unable
    select = prefer.select or route.select
    if len(targets) < 2:
        return Plan(targets=tuple(targets), select=select, rejected=tuple(rejected), reopens=reopens)
    scores = SCORES[select](targets, ask, board, random)
    fitness = _fitness(targets, prefer, select, board)
    order = sorted(range(len(targets)), key=scores.__getitem__)
    ranks = _ranks(targets, fitness, prefer)
    if ranks is not None:
        order.sort(key=ranks.__getitem__)  # among equals the scores still decide
    if not prefer.fallbacks:
        del order[1:]
    return Plan(
        targets=tuple([targets[at] for at in order]),
        select=select,
        scores=tuple([scores[at] for at in order]),
        fitness=tuple([_FITNESS[int(fitness[at])] for at in order] if any(fitness) else ["fit"] * len(order)),
        rejected=tuple(rejected),
    )


def plan_parts(parts: Sequence[tuple[Route, Ask]], board: Board, random: Random) -> Plan:
    """The targets of a call that names several models, each with its route and what is asked of it: first
    those of the first model. Targets that are out of order or too slow come after those of other models."""
    plans = [plan(route, ask, board, random) for route, ask in parts]
    rows: dict[str, tuple[int, Target, float, Fitness]] = {}
    for (_, ask), each in zip(parts, plans, strict=True):
        places = _fitness(each.targets, ask.prefer, each.select, board) if each.targets else []
        scores = each.scores or (0.0,) * len(each.targets)
        for target, score, place in zip(each.targets, scores, places, strict=True):
            late = int(place) if place >= _SLOW else _FIT
            rows.setdefault(target.endpoint.id, (late, target, score, _FITNESS[int(place)]))
    ordered = sorted(rows.values(), key=lambda row: row[0])
    reopening = [each.reopens for each in plans if each.reopens is not None]
    return Plan(
        targets=tuple([target for _, target, _, _ in ordered]),
        select=plans[0].select,
        scores=tuple([score for _, _, score, _ in ordered]),
        fitness=tuple([fitness for _, _, _, fitness in ordered]),
        rejected=tuple(rejection for each in plans for rejection in each.rejected),
        reopens=min(reopening, default=None),
    )


def _without(targets: Sequence[Target], rejected: Sequence[tuple[Target, str]]) -> Sequence[Target]:
    out = {target.endpoint.id for target, _ in rejected}
    return [target for target in targets if target.endpoint.id not in out]


def _fitness(targets: Sequence[Target], prefer: Preferences, select: Selector, board: Board) -> list[float]:
    """Places in `_FITNESS`; of those that are out, who is to be back soonest has the least fraction."""
    now = board.now()
    standings = board.all_of(targets)
    shaky_after = now - OUTAGE_SECONDS if select == "balanced" else math.inf
    found: list[float] = []
    for standing in standings:
        known = standing.health
        if (known.broken or now < known.until) and not health.admits(known, now):
            found.append(_OUT + 1 - 1 / (1 + max(0.0, known.until - now)))
        else:
            found.append(_SHAKY if known.outage > shaky_after else _FIT)
    if board.troubled:
        for at, target in enumerate(targets):
            if target.endpoint.provider.name in board.troubled:
                found[at] = max(found[at], _INCIDENT)
    for at in _slow(standings, prefer, now):
        found[at] = max(found[at], _SLOW)
    return found


def _slow(standings: Sequence[Standing], prefer: Preferences, now: float) -> list[int]:
    """Those that are known to be slower than asked for."""
    found: list[int] = []
    for share, most in _bounds(prefer.max_first_token):
        found += [
            at
            for at, standing in enumerate(standings)
            if (seconds := standing.first_token.percentile(share, now)) is not None and seconds > most
        ]
    for share, least in _bounds(prefer.min_throughput):  # nine of ten are faster than the slowest tenth
        found += [
            at
            for at, standing in enumerate(standings)
            if (speed := standing.speed.percentile(1 - share, now)) is not None and speed < least
        ]
    return found


def _bounds(asked: float | Cutoffs | None) -> Sequence[tuple[float, float]]:
    if asked is None:
        return ()
    return asked.bounds() if isinstance(asked, Cutoffs) else ((0.5, asked),)


def _ranks(
    targets: Sequence[Target], fitness: Sequence[float], prefer: Preferences
) -> Sequence[float] | None:
    """What goes before the scores: fitness, then the place that was asked for. None: all are alike."""
    if not prefer.order:
        return fitness if any(fitness) else None
    places = {name: at for at, name in enumerate(prefer.order)}
    last = len(places)
    return [
        fit * (last + 1) + (places.get(target.endpoint.provider.name, last) if fit < _OUT else 0)
        for fit, target in zip(fitness, targets, strict=True)
    ]
