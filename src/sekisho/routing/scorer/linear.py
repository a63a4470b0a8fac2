"""A linear model that tells tiers apart: sums of weights, and the likelihoods that they stand for."""

import math
from collections.abc import Iterable, Mapping
from importlib.resources import files

import msgspec

from sekisho.core.tier import Judgement, Sample, Scorer, Tier
from sekisho.routing.scorer.features import SHAPE, features

FILE = "weights-2026-11-22.json"
"""Made by `scripts/train_scorer.py`, dated like the prompts that it was made from."""
LONG_TOKENS = 64_000
"""From which on a prompt counts as long: half of what most models take, beyond which they read worse."""
SIGNS = 3
"""Named for a judgement at most."""

Weights = Mapping[str, tuple[float, ...]]
"""Feature -> weight for each of the tiers."""


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """What the file holds."""

    date: str
    prompts: str
    """Digest of the prompts that it was calibrated on."""
    tiers: tuple[Tier, ...]
    """That a text alone can tell."""
    strong: tuple[Tier, ...]
    """Those of them that want a strong model."""
    groups: dict[str, frozenset[str]]
    """See `features`."""
    bias: tuple[float, ...]
    weights: dict[str, tuple[float, ...]]


def likelihoods(model: Model, found: Iterable[str]) -> list[float]:
    """Of each of the model's tiers, where these features are there. They add up to 1."""
    sums = list(model.bias)
    places = range(len(sums))
    weights = model.weights
    for name in found:
        own = weights.get(name)
        if own is not None:
            for place in places:
                sums[place] += own[place]
    most = max(sums)
    powers = [math.exp(each - most) for each in sums]
    total = sum(powers)
    return [power / total for power in powers]


def scorer(model: Model) -> Scorer:
    """Judges by the model, but for what a text does not tell: images and length are seen as they are."""

    def judge(sample: Sample) -> Judgement:
        found = features(sample, model.groups)
        likely = likelihoods(model, found)
        score = round(min(1.0, sum(likely[model.tiers.index(tier)] for tier in model.strong)), 4)
        if sample.images:
            return Judgement(tier="vision", score=score, signs=("images",))
        if sample.tokens >= LONG_TOKENS:
            return Judgement(tier="long_context", score=score, signs=("length",))
        place = likely.index(max(likely))
        return Judgement(tier=model.tiers[place], score=score, signs=_signs(model, found, place))

    return judge


def _signs(model: Model, found: Iterable[str], place: int) -> tuple[str, ...]:
    """The shapes that spoke most for the tier. Words that did are not named: they are the prompt's."""
    shapes = [name for name in found if name.startswith(SHAPE) and name in model.weights]
    told = [name for name in shapes if model.weights[name][place] > 0]
    told.sort(key=lambda name: (-model.weights[name][place], name))
    return tuple(name.removeprefix(SHAPE) for name in told[:SIGNS])


def shipped() -> Model:
    """The model that comes with this version."""
    return msgspec.json.decode(files(__package__).joinpath(FILE).read_bytes(), type=Model)
