"""Thresholds and what they come to, on figures that can be checked by hand."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.core.tier import Judgement, Tier
from sekisho.routing.evaluation import (
    Case,
    Comparison,
    agreement,
    division,
    easy_and_hard,
    recovered_on_average,
)


def case(score: float, weak: float = 0.0, strong: float = 1.0, tier: Tier | None = None) -> Case:
    cost = {"weak": 10, "strong": 100}
    return Case(Judgement(tier="general", score=score), tier, {"weak": weak, "strong": strong}, cost)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=60), st.floats(0, 1))
def test_a_threshold_leaves_no_more_than_the_share_to_the_strong_model(
    scores: list[int], share: float
) -> None:
    counted = Counter(score / 20 for score in scores)
    found = division(counted, share)
    reached = sum(count for score, count in counted.items() if score >= found.threshold) / len(scores)
    assert reached == pytest.approx(found.share)
    assert found.share <= share + 1e-9 or found.threshold == 1.0
    lower = [score for score in counted if score < found.threshold]
    if lower:
        more = sum(count for score, count in counted.items() if score >= max(lower)) / len(scores)
        assert more > share - 1e-9


def test_a_scorer_that_knows_recovers_the_gap_with_few_calls() -> None:
    cases = [case(at / 10, weak=float(at < 7)) for at in range(10)]
    comparison = Comparison(cases, "weak", "strong")
    weak, strong = comparison.baselines()
    assert (weak.quality, weak.kept, weak.recovered, weak.cost) == (0.7, 0.7, 0.0, 10)
    assert (strong.quality, strong.kept, strong.recovered, strong.saved) == (1.0, 1.0, 1.0, 0.0)
    best = next(each for each in comparison.divided() if each.strong == 0.3)
    assert (best.quality, best.recovered, best.cost) == (1.0, 1.0, 37)
    assert best.saved == pytest.approx(0.63)
    assert recovered_on_average(comparison.divided()) == pytest.approx(0.85)


def test_a_scorer_that_knows_nothing_recovers_what_chance_does() -> None:
    cases = [case((at * 7 % 100) / 100, weak=float(at % 10 != 0)) for at in range(100)]
    average = recovered_on_average(Comparison(cases, "weak", "strong").divided())
    assert average == pytest.approx(0.5, abs=0.05)


def test_without_a_gap_there_is_nothing_to_recover() -> None:
    comparison = Comparison([case(0.2, weak=1.0), case(0.7, weak=1.0)], "weak", "strong")
    assert recovered_on_average(comparison.divided()) is None


def test_tiers_alone_say_what_the_weak_model_answers() -> None:
    cases = [case(0.1, tier="lookup"), case(0.9, tier="coding"), case(0.5, tier="vision"), case(0.5)]
    assert [each.quality for each in easy_and_hard(cases, "s", "l")] == [
        {"s": 1.0, "l": 1.0},
        {"s": 0.0, "l": 1.0},
    ]
    assert agreement(cases) == {"lookup": {"general": 1}, "coding": {"general": 1}, "vision": {"general": 1}}
