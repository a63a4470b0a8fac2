"""The audit of a proof: nothing that is counted wrong passes for right."""

from typing import Any

import pytest
from tests.pipeline.world import endpoint

from sekisho.core.money import NANO, Price, Rates
from sekisho.core.record import AttemptRecord, CallRecord
from sekisho.core.usage import Usage
from sekisho.testkit.chaos.caller import Call, Heard, request
from sekisho.testkit.proof.audit import Audit, Figures
from sekisho.testkit.proof.case import Case
from sekisho.testkit.proof.course import Asked, Played, Standing
from sekisho.testkit.proof.minutes import minutes
from sekisho.testkit.proof.witness import Arrival, Charge, Witness

CENT = NANO // 100
FLAT = Price(base=Rates(input=0, output=0, request=CENT))
METERED = Price(base=Rates(input=1_000_000, output=2_000_000))
USAGE = Usage(input=10, output=5)
CASE = Case("c", "c", ("usd 0.02/month",), at_most=2, at_least=2, budget=2 * CENT)
ASKED = Standing(2 * CENT, 0, 0)
"""The counter of two calls."""


def asked(number: int, **members: Any) -> Asked:
    return Asked(number, Call("chat", request("m", "?", stream=False), 1.0), 1, Heard(**members))


def charge(number: int, *, completed: bool = True) -> Charge:
    return Charge(number, "a", "m", USAGE, completed)


def record(number: int, **members: Any) -> CallRecord:
    plain: dict[str, Any] = {
        "id": f"gen-{number}",
        "started": 1.0,
        "key_id": "k",
        "operation": "chat",
        "dialect": "openai_chat",
        "requested_model": "m",
        "provider": "a",
        "status": 200,
        "outcome": "ok",
        "usage": USAGE,
        "cost": CENT,
        "session": f"proof-{number}",
        "attempts": (AttemptRecord(provider="a", upstream_model="m", milliseconds=1),),
    }
    return CallRecord(**{**plain, **members})


def figures(
    charges: list[Charge], records: list[CallRecord], price: Price = FLAT, case: Case = CASE, **more: Any
) -> Figures:
    witness = Witness()
    for number in {each.number for each in charges}:
        witness.began(Arrival(number, "a", float(number)))
    witness.charges = charges
    numbers = {each.number for each in charges} | {int((each.session or "-0")[6:]) for each in records}
    played = Played(case, ["k"], [asked(number) for number in sorted(numbers)], **more)
    return Audit(witness, records, {("a", "m"): endpoint("a", price=price)}).of(played)


def wrong(found: Figures) -> dict[str, int]:
    names = list(Figures.__dataclass_fields__)
    return {name: getattr(found, name) for name in names[: names.index("calls")] if getattr(found, name)}


def test_what_agrees_is_all_zeros() -> None:
    found = figures([charge(1), charge(2)], [record(1), record(2)], usd=Standing(2 * CENT, 0, 0))
    assert wrong(found) == {}
    assert (found.calls, found.admitted, found.charged) == (2, 2, 2 * CENT)


@pytest.mark.parametrize(
    ("charges", "records", "standing", "expected"),
    [
        ((1, 2, 3), (1, 2, 3), 3, {"overspent": CENT, "over_admitted": 1}),
        ((1,), (1,), 1, {"not_admitted": 1}),
        ((1, 2), (1,), 1, {"unbooked": 1}),
        ((1, 2), (1, 2, 2), 2, {"booked_twice": 1}),
        ((1, 2, 2), (1, 2), 2, {"overspent": CENT, "books_minus_providers": -CENT, "differing": 1}),
        ((1, 2), (1, 2), 1, {"miscounted": CENT}),
    ],
)
def test_what_is_missing_or_too_much_is_found(
    charges: tuple[int, ...], records: tuple[int, ...], standing: int, expected: dict[str, int]
) -> None:
    found = figures(
        [charge(number) for number in charges],
        [record(number) for number in records],
        usd=Standing(standing * CENT, 0, 0),
    )
    assert wrong(found) == expected


def test_money_that_is_held_when_all_have_ended_is_found() -> None:
    found = figures([charge(1), charge(2)], [record(1), record(2)], usd=Standing(2 * CENT, CENT, 0))
    assert wrong(found) == {"leaked": CENT}


def test_a_limit_that_does_not_say_what_it_holds_proves_nothing() -> None:
    assert wrong(figures([charge(1), charge(2)], [record(1), record(2)])) == {"silent": 1}


def test_tokens_are_compared_of_whole_answers_and_no_estimate_is_taken_for_wrong() -> None:
    other = Usage(input=10, output=4)
    found = figures([charge(1), charge(2)], [record(1), record(2, usage=other)], usd=ASKED)
    assert wrong(found) == {"differing": 1}
    left = record(2, usage=other, outcome="cancelled", stream=True, cost=18)
    spent = Standing(38, 0, 0)
    found = figures([charge(1), charge(2, completed=False)], [record(1, cost=20), left], METERED, usd=spent)
    assert (wrong(found), found.estimated) == ({}, 1)
    spent = Standing(CENT + 18, 0, 0)
    found = figures([charge(1), charge(2, completed=False)], [record(1), left], usd=spent)
    assert wrong(found) == {"books_minus_providers": 18 - CENT, "differing": 1}


def test_calls_of_a_killed_process_are_told_apart_unless_their_client_saw_the_end() -> None:
    case = Case("k", "k", ("usd 0.02/month",), kill=True, at_most=2, budget=2 * CENT)
    found = figures([charge(1), charge(2)], [record(1)], case=case, usd=Standing(CENT, 0, 0))
    assert (wrong(found), found.cut_short, found.cut_short_cost) == ({}, 1, CENT)


@pytest.mark.parametrize(
    ("travel", "most_seen", "most"), [(0.0, 2, 2), (0.5, 3, 2), (-0.5, 3, 3)], ids=["even", "late", "wrong"]
)
def test_a_minute_is_judged_by_what_is_certain(travel: float, most_seen: int, most: int) -> None:
    """Two calls a minute; the first one travels for longer than the third, or the third came too early."""
    sent = [0.0, 30.0, 60.1 + min(travel, 0.0), 90.2]
    came = [sent[0] + max(travel, 0.0), *sent[1:]]
    calls = [asked(number) for number in range(4)]
    for call, began in zip(calls, sent, strict=True):
        call.began = began
    arrivals = [Arrival(number, "a", at) for number, at in enumerate(came)]
    found = minutes(Played(CASE, ["k"], calls), arrivals, 180.0, 2)
    assert (found.most_seen, found.most) == (most_seen, most)
    assert ("3 requests in a minute, where 2 are allowed" in found.wrong) == (most > 2)
