"""Calibrates the scorer of tiers on the labelled prompts of the tests, and writes its weights.

    python -m scripts.train_scorer            cross-validation on the calibration part; writes nothing
    python -m scripts.train_scorer --write    the weights, calibrated on all of that part

Logistic regression with several classes and a Gaussian prior, by gradient descent. The part that is held out
is never read: `tests/routing/test_scorer.py` judges by it.
"""

import argparse
import math
import tomllib
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import json
from tests.routing.labelled import Labelled, labelled

from sekisho.core.tier import Tier
from sekisho.routing.scorer import linear
from sekisho.routing.scorer.features import SHAPE, Groups, features
from sekisho.routing.scorer.linear import Model, likelihoods

TEXT_TIERS: tuple[Tier, ...] = ("lookup", "general", "reasoning", "coding")
STRONG: tuple[Tier, ...] = ("reasoning", "coding")
LEAST = 3
"""Prompts that a word must stand in."""
PRIOR = 6.0
"""How much weights are drawn to 0: chosen by cross-validation."""
WORDS = Path(__file__).with_name("scorer_words.toml")
STEPS, RATE = 120, 0.5
FOLDS = 5
DIGITS = 3

Example = tuple[frozenset[str], int]


def main() -> None:
    """By the arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--prior", type=float, default=PRIOR)
    parser.add_argument("--least", type=int, default=LEAST)
    asked = parser.parse_args()
    chosen = [each for each in labelled() if not each.held_out and each.tier in TEXT_TIERS]
    groups = words()
    examples = [example(each, groups) for each in chosen]
    if asked.write:
        model = msgspec.structs.replace(
            fitted(examples, asked.prior, asked.least),
            prompts=digest_of(chosen, groups),
            groups=groups,
        )
        path = Path(linear.__file__).parent / linear.FILE
        path.write_bytes(json.format(json.encode(model, order="deterministic"), indent=0) + b"\n")
        print(f"{path.name}: {len(model.weights)} features of {len(examples)} prompts")  # noqa: T201
        return
    right = 0
    missed: Counter[tuple[str, str]] = Counter()
    for fold in range(FOLDS):
        model = fitted(
            [each for at, each in enumerate(examples) if at % FOLDS != fold], asked.prior, asked.least
        )
        for at in range(fold, len(examples), FOLDS):
            found, tier = examples[at]
            likely = likelihoods(model, found)
            said = likely.index(max(likely))
            right += said == tier
            if said != tier:
                missed[TEXT_TIERS[tier], TEXT_TIERS[said]] += 1
    print(f"{right} of {len(examples)} ({right / len(examples):.1%}), in {FOLDS} folds")  # noqa: T201
    for (tier, said), count in missed.most_common():
        print(f"  {tier} taken for {said}: {count}")  # noqa: T201


def words() -> dict[str, frozenset[str]]:
    """The groups of words that mark a kind of work."""
    groups = tomllib.loads(WORDS.read_text("utf-8"))
    return {
        name: frozenset(
            (*group["words"].split(), *map(str.strip, group["pairs"].split(",")), *group["japanese"].split())
        )
        for name, group in groups.items()
    }


def example(each: Labelled, groups: Groups) -> Example:
    """What the model sees, and the place of the tier."""
    return frozenset(features(each.sample, groups)), TEXT_TIERS.index(each.tier)


def digest_of(chosen: Sequence[Labelled], groups: Groups) -> str:
    """Of prompts and words, as the model's file names it."""
    marks = {name: sorted(group) for name, group in groups.items()}
    return sha256(json.encode(([(each.tier, each.sample) for each in chosen], marks))).hexdigest()[:16]


def fitted(examples: Sequence[Example], prior: float, least: int) -> Model:
    """The model that explains the examples best, given the prior."""
    counted = Counter(name for found, _ in examples for name in found)
    known = sorted(name for name, count in counted.items() if count >= least or name.startswith(SHAPE))
    place = {name: at for at, name in enumerate(known)}
    rows = [([place[name] for name in sorted(found) if name in place], tier) for found, tier in examples]
    count = len(TEXT_TIERS)
    weights = [[0.0] * count for _ in known]
    bias = [0.0] * count
    squares = [[1e-6] * count for _ in known]
    for _ in range(STEPS):
        slopes = [[prior * each / len(rows) for each in own] for own in weights]
        drift = [0.0] * count
        for found, tier in rows:
            sums = bias.copy()
            for at in found:
                own = weights[at]
                for k in range(count):
                    sums[k] += own[k]
            most = max(sums)
            powers = [math.exp(each - most) for each in sums]
            total = sum(powers)
            errors = [(power / total - (k == tier)) / len(rows) for k, power in enumerate(powers)]
            for at in found:
                slope = slopes[at]
                for k in range(count):
                    slope[k] += errors[k]
            for k in range(count):
                drift[k] += errors[k]
        for own, slope, square in zip(weights, slopes, squares, strict=True):
            for k in range(count):
                square[k] += slope[k] * slope[k]
                own[k] -= RATE * 0.1 * slope[k] / math.sqrt(square[k])
        bias = [each - RATE * slope for each, slope in zip(bias, drift, strict=True)]
    return Model(
        date=linear.FILE.removeprefix("weights-").removesuffix(".json"),
        prompts="",
        tiers=TEXT_TIERS,
        strong=STRONG,
        groups={},
        bias=tuple(round(each, DIGITS) for each in bias),
        weights={
            name: tuple(round(each, DIGITS) for each in weights[at])
            for name, at in place.items()
            if any(abs(each) >= 10**-DIGITS for each in weights[at])
        },
    )


if __name__ == "__main__":
    main()
