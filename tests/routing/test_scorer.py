"""The scorer that ships: how often it agrees with people, and that nothing can upset it."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from scripts.train_scorer import TEXT_TIERS, digest_of, words
from tests.routing.labelled import Labelled, labelled

from sekisho.core.tier import TIERS, Sample
from sekisho.routing.scorer import linear
from sekisho.testkit.laws import scorers

ALL = tuple(labelled())
JUDGE = linear.scorer(linear.shipped())


def agreement(chosen: Iterable[Labelled]) -> float:
    right = [JUDGE(each.sample).tier == each.tier for each in chosen]
    return sum(right) / len(right)


def test_the_prompts_are_of_every_tier_in_both_languages() -> None:
    counted = {(tier, language): 0 for tier in TIERS for language in ("en", "ja")}
    for each in ALL:
        counted[each.tier, each.language] += 1
    assert min(counted.values()) >= 6
    assert min(count for (tier, _), count in counted.items() if tier in TEXT_TIERS) >= 80


@pytest.mark.parametrize("language", ["en", "ja"])
def test_it_agrees_with_85_of_100_prompts_that_were_held_out(language: str) -> None:
    held_out = [each for each in ALL if each.held_out and each.language == language]
    assert agreement(held_out) >= 0.85


@pytest.mark.parametrize("tier", TIERS)
def test_it_agrees_with_most_of_each_tier(tier: str) -> None:
    assert agreement(each for each in ALL if each.held_out and each.tier == tier) >= 0.75


def test_it_agrees_with_prompts_that_were_written_after_it_was_made() -> None:
    assert agreement(each for each in ALL if each.later) >= 0.85


def test_the_weights_were_made_from_these_very_prompts() -> None:
    chosen = [each for each in ALL if not each.held_out and each.tier in TEXT_TIERS]
    assert linear.shipped().prompts == digest_of(chosen, words()), (
        "run `python -m scripts.train_scorer --write`"
    )


def test_strong_models_are_wanted_for_what_is_hard() -> None:
    scores = {each.tier: [] for each in ALL}  # type: dict[str, list[float]]
    for each in ALL:
        if each.held_out:
            scores[each.tier].append(JUDGE(each.sample).score)
    means = {tier: sum(found) / len(found) for tier, found in scores.items()}
    assert max(means["lookup"], means["general"]) < 0.3 < 0.7 < min(means["reasoning"], means["coding"])


def test_images_and_length_are_seen_whatever_the_text() -> None:
    assert JUDGE(Sample(text="Prove it.", images=True)).tier == "vision"
    assert JUDGE(Sample(text="Prove it.", tokens=linear.LONG_TOKENS)).tier == "long_context"


def test_signs_are_no_words_of_the_prompt() -> None:
    known = {name.removeprefix("=") for name in linear.shipped().weights if name.startswith("=")}
    for each in ALL[::7]:
        assert set(JUDGE(each.sample).signs) <= known | {"images", "length"}


def test_it_keeps_the_law_of_scorers() -> None:
    scorers.check(JUDGE)


def test_the_file_is_named_by_its_date() -> None:
    assert Path(linear.FILE).stem == f"weights-{linear.shipped().date}"
