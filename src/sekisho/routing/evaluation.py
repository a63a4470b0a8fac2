"""How good a scorer is: on prompts of which it is known what they are, or how well models answer them.

The figures are those of RouteLLM (Ong and others, 2024), so that routers can be compared: the share of the
gap between the weak and the strong model's quality that is *recovered*, at each share of calls for the strong
one.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sekisho.core.tier import Judgement, Tier

SHARES = tuple(at / 10 for at in range(1, 10))
"""Of calls for the strong model, for which a threshold is looked for."""
EASY: tuple[Tier, ...] = ("lookup", "general")
"""What a weak model answers as well as a strong one, where a file says no more than tiers."""
HARD: tuple[Tier, ...] = ("reasoning", "coding")


@dataclass(frozen=True, slots=True)
class Case:
    """One prompt, and what is known of it."""

    judged: Judgement
    tier: Tier | None
    quality: Mapping[str, float]
    """Model -> how good its answer is, on any scale where more is better."""
    cost: Mapping[str, int]
    """Model -> nano-USD, where it is known."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one way of choosing comes to, on average over all prompts."""

    name: str
    strong: float
    """Share of prompts for the strong model."""
    quality: float
    cost: float | None = None
    """Nano-USD; None: not known of every prompt."""
    kept: float | None = None
    """Of the strong model's quality."""
    recovered: float | None = None
    """Of the gap between the weak and the strong model; by chance it would be the share of calls. None: there
    is no gap."""
    saved: float | None = None
    """Of the strong model's cost."""


@dataclass(frozen=True, slots=True)
class Division:
    """A threshold, and what it does to scores that are known."""

    threshold: float
    share: float
    """Of calls whose score reaches it."""


def agreement(cases: Sequence[Case]) -> Mapping[Tier, Counter[Tier]]:
    """Tier that a prompt is of -> tiers that it was taken for."""
    found: dict[Tier, Counter[Tier]] = {}
    for case in cases:
        if case.tier is not None:
            found.setdefault(case.tier, Counter())[case.judged.tier] += 1
    return found


def division(scores: Mapping[float, int], share: float) -> Division:
    """The threshold that leaves at most `share` of the calls to the strong model, and as near as equal scores
    allow; no threshold is above 1. `scores`: how many calls have each, at least one."""
    total, above = sum(scores.values()), 0
    found = Division(1.0, scores.get(1.0, 0) / total)
    for score in sorted(scores, reverse=True):
        above += scores[score]
        if above > share * total + 1e-9:
            break
        found = Division(score, above / total)
    return found


def easy_and_hard(cases: Sequence[Case], weak: str, strong: str) -> list[Case]:
    """Cases of which only the tier is known, with the quality that this means for the two models."""
    return [
        Case(case.judged, case.tier, {weak: float(case.tier in EASY), strong: 1.0}, case.cost)
        for case in cases
        if case.tier in (*EASY, *HARD)
    ]


class Comparison:
    """Ways of choosing between models, over the same prompts. Of every prompt the quality of both the weak
    and the strong model must be known."""

    def __init__(self, cases: Sequence[Case], weak: str, strong: str):
        self._cases = cases
        self._weak = weak
        self._strong = strong
        self._scores = Counter(case.judged.score for case in cases)
        self._least = self._quality([weak] * len(cases))
        self._most = self._quality([strong] * len(cases))
        self._dearest = self._cost([strong] * len(cases))

    def baselines(self) -> list[Outcome]:
        """One model for everything."""
        return [
            self.outcome(f"always {model}", [model] * len(self._cases))
            for model in (self._weak, self._strong)
        ]

    def divided(self) -> list[Outcome]:
        """By each of the thresholds at which about `SHARES` go to the strong model."""
        thresholds = dict.fromkeys(division(self._scores, share).threshold for share in SHARES)
        return [self._by(threshold) for threshold in thresholds]

    def _by(self, threshold: float) -> Outcome:
        models = [self._strong if case.judged.score >= threshold else self._weak for case in self._cases]
        return self.outcome(f"threshold {threshold:g}", models)

    def outcome(self, name: str, models: Sequence[str]) -> Outcome:
        """Of leading each prompt to the model at its place, whose quality must be known."""
        quality, cost = self._quality(models), self._cost(models)
        gap = self._most - self._least
        return Outcome(
            name,
            strong=sum(model == self._strong for model in models) / len(models),
            quality=quality,
            cost=cost,
            kept=quality / self._most if self._most else None,
            recovered=(quality - self._least) / gap if gap > 0 else None,
            saved=None if cost is None or not self._dearest else 1 - cost / self._dearest,
        )

    def _quality(self, models: Sequence[str]) -> float:
        pairs = zip(self._cases, models, strict=True)
        return math.fsum(case.quality[model] for case, model in pairs) / len(self._cases)

    def _cost(self, models: Sequence[str]) -> float | None:
        costs = [case.cost.get(model) for case, model in zip(self._cases, models, strict=True)]
        known = [cost for cost in costs if cost is not None]
        return sum(known) / len(costs) if len(known) == len(costs) else None


def recovered_on_average(divided: Sequence[Outcome]) -> float | None:
    """The gap recovered, averaged over all shares of calls (RouteLLM's APGR); by chance 0.5."""
    points = {0.0: 0.0, 1.0: 1.0}
    for each in divided:
        if each.recovered is None:
            return None
        points[each.strong] = each.recovered
    return sum(
        (right - left) * (points[left] + points[right]) / 2 for left, right in pairwise(sorted(points))
    )
