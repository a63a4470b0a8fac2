"""The orders in which a call may try its targets: pure functions from targets to scores, the least first.

A selector sees only targets that are allowed. Health is not its affair: who is out of order goes last
whatever the score. A score is for comparing within one plan, and shown by `explain`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from random import Random
from types import MappingProxyType
from zlib import crc32

from sekisho.core.preference import Selector
from sekisho.core.route import Target
from sekisho.routing.ask import Ask
from sekisho.routing.board import Board

USUAL_OUTPUT = 500
"""Tokens, to compare prices where the client did not say how many."""
USUAL_PROMPT = 1_000

Score = Callable[[Sequence[Target], Ask, Board, Random], list[float]]


def ordered(targets: Sequence[Target], _ask: Ask, _board: Board, _random: Random) -> list[float]:
    """As the document lists them."""
    return [float(place) for place in range(len(targets))]


def weighted(targets: Sequence[Target], _ask: Ask, _board: Board, random: Random) -> list[float]:
    """By chance, each as often first as its weight says."""
    return [_drawn(target.weight, random) for target in targets]


def balanced(targets: Sequence[Target], ask: Ask, _board: Board, random: Random) -> list[float]:
    """By chance, weighted with the inverse square of the price: half the price is chosen four times as often.
    Without a price a target counts as the dearest; what is free, as a thousandth of that."""
    costs = _costs(targets, ask)
    dearest = max([cost for cost in costs if cost != math.inf], default=1.0) or 1.0
    least = dearest / 1000
    if max(costs) > dearest or min(costs) < least:
        costs = [min(max(cost, least), dearest) for cost in costs]
    draw, log = random.random, math.log  # as `_drawn`, in half the time
    return [
        -log(1.0 - draw()) * cost * cost / target.weight for target, cost in zip(targets, costs, strict=True)
    ]


def cheapest(targets: Sequence[Target], ask: Ask, _board: Board, _random: Random) -> list[float]:
    """By what this call is expected to cost, in nano-USD; without a price last."""
    return _costs(targets, ask)


def fastest(targets: Sequence[Target], _ask: Ask, board: Board, _random: Random) -> list[float]:
    """By the median time to the first token of the last five minutes, in seconds. A target that was not
    measured comes first, so that it is: for one call at a time. For the rest it comes after the others, the
    less busy first."""
    now = board.now()
    scores = []
    for standing in board.all_of(targets):
        median = standing.first_token.percentile(0.5, now)
        waits = UNKNOWN + standing.inflight if standing.inflight else 0.0
        scores.append(waits if median is None else median)
    return scores


def throughput(targets: Sequence[Target], _ask: Ask, board: Board, _random: Random) -> list[float]:
    """By the median of tokens a second of the last five minutes, negative. Who was not measured: as for
    `fastest`."""
    now = board.now()
    scores = []
    for standing in board.all_of(targets):
        median = standing.speed.percentile(0.5, now)
        waits = UNKNOWN + standing.inflight if standing.inflight else -math.inf
        scores.append(waits if median is None else -median)
    return scores


def least_busy(targets: Sequence[Target], _ask: Ask, board: Board, random: Random) -> list[float]:
    """The less busy of two drawn by chance comes first: nearly as even as asking all, and no herd runs to the
    same one. The others follow by their calls under way."""
    busy = [board.of(target.endpoint.id).inflight / target.weight for target in targets]
    if len(targets) < 3:
        return [load + random.random() * 1e-3 for load in busy]
    one, other = random.sample(range(len(targets)), 2)
    chosen = one if busy[one] <= busy[other] else other
    return [-1.0 if place == chosen else load for place, load in enumerate(busy)]


def sticky(targets: Sequence[Target], ask: Ask, board: Board, random: Random) -> list[float]:
    """The same session goes to the same target while that is fit, so that its prompt cache hits; targets that
    come or go move only their own sessions (rendezvous hashing). One that already has far more calls than its
    share comes after the others. Without a session: by weight."""
    if ask.session is None:
        return weighted(targets, ask, board, random)
    busy = [board.of(target.endpoint.id).inflight for target in targets]
    share = BOUND * (sum(busy) + 1) / sum(target.weight for target in targets)
    seed = int.from_bytes(blake2b(ask.session.encode("utf-8", "replace"), digest_size=8).digest(), "big")
    scores = []
    for target, load in zip(targets, busy, strict=True):
        score = -math.log(_mixed(seed, target.endpoint.id)) / target.weight
        scores.append(score + OVERFULL if load > share * target.weight + 1 else score)
    return scores


def quality_per_cost(targets: Sequence[Target], ask: Ask, _board: Board, _random: Random) -> list[float]:
    """By the quality that the document gives a target for each nano-USD that this call is expected to cost,
    negative; without quality or price last."""
    scores = []
    for target, cost in zip(targets, _costs(targets, ask), strict=True):
        known = target.quality is not None and cost != math.inf
        scores.append(-(target.quality or 0.0) / max(cost, 1.0) if known else math.inf)
    return scores


def budget(targets: Sequence[Target], _ask: Ask, board: Board, random: Random) -> list[float]:
    """By chance, each as often first as the share that is left of its provider's budget says: who has half
    left, half as often as who has all. All is left where there is no budget."""
    left = [board.spent.share_left(target.endpoint.provider.name) for target in targets]
    return [
        _drawn(target.weight * share, random) if share > 0 else math.inf
        for target, share in zip(targets, left, strict=True)
    ]


BOUND = 1.25
OVERFULL = 1e6
UNKNOWN = 1e6
"""Of a target that is being measured: behind all that are known, the less busy first."""
_64_BITS = 2**64 - 1

SCORES: Mapping[Selector, Score] = MappingProxyType(
    {
        "ordered": ordered,
        "weighted": weighted,
        "balanced": balanced,
        "cheapest": cheapest,
        "fastest": fastest,
        "throughput": throughput,
        "least_busy": least_busy,
        "sticky": sticky,
        "quality_per_cost": quality_per_cost,
        "budget": budget,
    }
)


def _mixed(seed: int, name: str) -> float:
    """Above 0 and below 1, the same for the same: SplitMix64's finisher (Steele, Lea and Flood, 2014)."""
    mixed = (seed ^ crc32(name.encode()) * 0x9E3779B97F4A7C15) & _64_BITS
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & _64_BITS
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & _64_BITS
    return ((mixed ^ mixed >> 31) >> 12 | 1) / 2**52


def _drawn(weight: float, random: Random) -> float:
    """Sorting by these is drawing without putting back (Efraimidis and Spirakis, 2006)."""
    return -math.log(1.0 - random.random()) / weight


def _costs(targets: Sequence[Target], ask: Ask) -> list[float]:
    """What the call is expected to cost at each, in nano-USD; infinite without a price."""
    tokens = ask.prompt_tokens or USUAL_PROMPT
    prompt, output = tokens / 1_000_000, min(ask.max_tokens or USUAL_OUTPUT, USUAL_OUTPUT) / 1_000_000
    costs = []
    for target in targets:
        price = target.endpoint.price
        if price is None:
            costs.append(math.inf)
        else:
            rates = price.rates_for(tokens) if price.tiers else price.base
            costs.append(rates.request + prompt * rates.input + output * rates.output)
    return costs
