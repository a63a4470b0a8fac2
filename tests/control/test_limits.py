"""Limits as people write them: exact, told apart by what they count, and nothing that makes no sense."""

from decimal import Decimal

import msgspec
import pytest

from sekisho.control.services import limits
from sekisho.control.services.limits import LimitDraft
from sekisho.control.services.refusal import Refused
from sekisho.core.limit import Limit


def made(*texts: str, held: tuple[Limit, ...] = ()) -> tuple[Limit, ...]:
    return limits.settled(texts, held, ("key", "key_1"), 7.0)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("usd 0.01/day", 10_000_000),
        ("usd 5/month@Asia/Tokyo", 5_000_000_000),
        ("usd 100/total", 100_000_000_000),
        ("usd 0.000000001/hour", 1),
        ("usd 9223372036.854775807/total", 2**63 - 1),
        ("usd 0/day", 0),
        ("requests 100/minute each=user", 100),
        ("tokens 5000/day model=a/b provider=openai tag=会計 when_lost=admit alerts=none", 5000),
        ("concurrent 5 each=session when_reached=degrade alerts=50,90", 5),
    ],
)
def test_a_limit_is_read_exactly_and_written_as_it_was(text: str, amount: int) -> None:
    [limit] = made(text)
    assert limit.amount == amount
    assert limits.write(limit) == text
    assert limits.settled([limits.draft_of(limit)], [limit], ("key", "key_1"), 7.0) == (limit,)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is no limit"),
        ("usd", "is no limit"),
        ("usd -1/day", "is no amount"),
        ("usd NaN/day", "is no amount"),
        ("usd Infinity/day", "is no amount"),
        ("usd 1e3/day", "is no amount"),
        ("usd １/day", "is no amount"),
        ("usd 1,000/day", "is no amount"),
        ("usd 0.0000000001/day", "nine digits"),
        ("usd 9223372036.854775808/total", "is no amount"),
        ("usd 99999999999999999999/day", "is no amount"),
        ("usd 1", "needs a period"),
        ("usd 1/year", "is no limit"),
        ("usd 1/day@Asia/Tokio", "is no time zone"),
        ("usd 1/day@../../etc/passwd", "is no time zone"),
        ("usd 1/day@America", "is no time zone"),
        ("usd 1/total@Asia/Tokyo", "have a time zone"),
        ("requests 1/day@Asia/Tokyo", "have a time zone"),
        ("requests 1.5/day", "whole numbers"),
        ("requests 1/month", "not by month"),
        ("concurrent 5/day", "not by a period"),
        ("yen 5/day", "is no limit"),
        ("usd 5/day each=key", "is no limit"),
        ("usd 5/day amount=7", "says nothing of a limit"),
        ("usd 5/day each=user each=session", "says nothing of a limit"),
        ("usd 5/day alerts=0", "percents"),
        ("usd 5/day alerts=101", "percents"),
        ("usd 5/day alerts=x", "percents"),
        ("usd 5/day model=" + "m" * 201, "is not a name"),
        ("usd 5/day'; DROP TABLE api_keys; --", "is no limit"),
        ("usd " + "9" * 2_000_000, "a limit of 2000004 characters"),
    ],
)
def test_what_is_no_limit_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        made(text)


@pytest.mark.parametrize("amount", ["NaN", "-0.5", "Infinity", "-Infinity", "1e999999", "sNaN", "1e-10"])
def test_numbers_of_json_that_are_no_amounts_are_refused(amount: str) -> None:
    body = f'{{"measure": "usd", "amount": "{amount}", "period": "day"}}'.encode()
    draft = msgspec.json.decode(body, type=LimitDraft)
    with pytest.raises(Refused) as caught:
        limits.settled([draft], (), ("key", "key_1"), 7.0)
    assert caught.value.field == "limits.0.amount"


def test_a_changed_limit_keeps_its_id_and_so_what_was_counted() -> None:
    day, minute = before = made("usd 1/day", "requests 5/minute")
    after = made("usd 2/day@Asia/Tokyo", "requests 5/minute each=user", held=before)
    assert (after[0].id, after[0].amount) == (day.id, 2_000_000_000)
    assert after[1].id != minute.id
    moved = LimitDraft(measure="requests", amount=Decimal(9), period="hour", id=minute.id)
    assert limits.settled([moved], before, ("key", "key_1"), 7.0)[0].id == minute.id


def test_two_for_the_same_and_ids_of_others_are_refused() -> None:
    before = made("usd 1/day")
    other = LimitDraft(measure="usd", amount=Decimal(9), period="day", id="lim_of_somebody")
    for asked in (["usd 1/day", "usd 2/day"], [other], [f"usd 1/day tag=t{number}" for number in range(33)]):
        with pytest.raises(Refused):
            limits.settled(asked, before, ("key", "key_1"), 7.0)
