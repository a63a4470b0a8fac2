"""The judge of a rehearsal: nothing that is lost passes for anything better."""

from typing import Any

import pytest
from tests.pipeline.world import endpoint

from sekisho.core.money import Price, Rates
from sekisho.core.preference import NONE, Preferences
from sekisho.core.provider import Auth
from sekisho.core.record import AttemptRecord, CallRecord
from sekisho.core.route import Auto, Route, Target
from sekisho.core.secret import Secret
from sekisho.core.usage import Usage
from sekisho.routing.auto import built_in
from sekisho.routing.auto_entry import BUILT_IN
from sekisho.testkit.chaos import stage
from sekisho.testkit.chaos.caller import Heard
from sekisho.testkit.chaos.judge import Happened, books, verdict
from sekisho.testkit.chaos.scenario import CATALOGUE, EVENTS, FAST, STORY
from sekisho.testkit.chaos.wall import Wall
from sekisho.testkit.provider import Served

USAGE = Usage(input=10, output=5)
PRICED = endpoint("a", price=Price(base=Rates(input=1_000_000, output=2_000_000)))


def heard(**members: Any) -> Heard:
    return Heard(
        **{"status": 200, "provider": "a", "text": STORY, "usage": USAGE, "finish": "stop", **members}
    )


def record(*attempts: AttemptRecord, **members: Any) -> CallRecord:
    plain: dict[str, Any] = {
        "id": "gen-1",
        "started": 1.0,
        "key_id": "k",
        "operation": "chat",
        "dialect": "openai_chat",
        "requested_model": "m",
        "provider": "a",
        "status": 200,
        "outcome": "ok",
        "usage": USAGE,
        "cost": 20,
        "attempts": attempts or (attempt(),),
    }
    return CallRecord(**{**plain, **members})


def attempt(**members: Any) -> AttemptRecord:
    return AttemptRecord(**{"provider": "a", "upstream_model": "m", "milliseconds": 1, **members})


def happened(what: Heard, booked: CallRecord | None = None, requests: int = 1) -> Happened:
    served = Served(id="x", dialect="openai_chat", model="m", stream=False, completed=True, usage=USAGE)
    return Happened(what, booked or record(), requests, (served,))


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        (heard(), "answered"),
        (heard(finish="content_filter", text=""), "refused"),
        (heard(finish=None, text="", error="the provider failed"), "refused"),
        (heard(finish=None, text=""), "lost"),
        (heard(text=STORY[:-1]), "lost"),
        (heard(text=STORY[:100] + STORY), "lost"),
        (heard(finish="length"), "lost"),
        (heard(broken="it hangs"), "lost"),
    ],
)
def test_only_the_whole_answer_or_an_honest_error_is_not_lost(what: Heard, expected: str) -> None:
    assert verdict(happened(what))[0] == expected


def test_an_answer_after_a_failure_was_rescued_and_an_error_of_our_own_is_lost() -> None:
    assert verdict(happened(heard(), record(attempt(code="x"), attempt())))[0] == "rescued"
    failed = heard(finish=None, text="", error="internal error")
    assert verdict(happened(failed, record(error_code="internal_error", outcome="error")))[0] == "lost"


@pytest.mark.parametrize(
    ("what", "booked", "requests", "words"),
    [
        (heard(), record(outcome="interrupted"), 1, "the books say interrupted"),
        (heard(), record(), 2, "1 attempts on the books, 2 at the providers"),
        (
            heard(),
            record(usage=Usage(input=10, output=6), cost=22),
            1,
            "(10, 6) tokens on the books, (10, 5) at",
        ),
        (heard(), record(cost=21), 1, "a cost of 21 that is not the price"),
        (heard(usage=Usage(input=1, output=1)), record(), 1, "(1, 1) tokens shown, (10, 5) booked"),
        (heard(provider="b"), record(), 1, "b is named, a answered"),
        (
            heard(),
            record(attempt(code="x", usage=USAGE, cost=7), attempt(usage=USAGE, cost=20)),
            2,
            "the sum of its",
        ),
    ],
)
def test_books_that_differ_are_told(what: Heard, booked: CallRecord, requests: int, words: str) -> None:
    assert any(words in each for each in books(happened(what, booked, requests), {"a": PRICED}))


def test_books_that_agree_are_not() -> None:
    assert books(happened(heard()), {"a": PRICED}) == []
    assert books(Happened(heard(), None, 1, ()), {}) == ["the call is not on the books"]


def test_the_catalogue_names_each_fault_once_and_its_story_has_no_two_pieces_alike() -> None:
    assert len({scenario.name for scenario in CATALOGUE}) == len(CATALOGUE) == 16
    assert len({STORY[at : at + 12] for at in range(0, len(STORY), 12)}) == EVENTS


async def test_what_is_rehearsed_has_the_walls_addresses_and_nobodys_keys() -> None:
    made = endpoint("a").provider
    keyed = Auth("bearer", Secret("canary"), further=(Secret("canary-2"),))
    where = Route(
        "m",
        (Target(endpoint("a")),),
        prefer=Preferences(only=("a",), order=("a",), ignore=("z",)),
        auto=Auto(built_in(BUILT_IN), Route("real", (Target(endpoint("real")),))),
    )
    wall = Wall(CATALOGUE[0], FAST)
    try:
        moved = await stage.moved(where, "case", wall)
        [target] = moved.targets
        provider = target.endpoint.provider
        assert moved.auto is None, "it would lead to the real ones"
        assert provider.name == "case.a"
        assert provider.base_url == f"{wall.gates['a'].base_url}/v1"
        assert (moved.prefer.only, moved.prefer.order, moved.prefer.ignore) == (
            ("case.a",),
            ("case.a",),
            ("case.z",),
        )
    finally:
        await wall.close()
    assert made.base_url == "http://a.test/v1", "the configuration itself is untouched"
    harmless = stage.harmless(keyed)
    assert len(harmless.secrets) == 2
    assert not any("canary" in secret.resolve() for secret in harmless.secrets)
    assert stage.renamed(NONE, "case") is NONE
