"""What a caller is told whose limit has no room for the call."""

import math

from sekisho.core.admission import Refusal
from sekisho.core.error import BudgetReached, CountersLost, LimitReached, SekishoError
from sekisho.core.limit import Limit
from sekisho.core.money import usd_text

AGAIN = 1.0
"""Seconds after which asking again makes sense where only calls under way are in the way."""
_UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
_TOP_UP = "`sekisho credits add`"
_NAMES = {"requests": "requests", "tokens": "tokens", "concurrent": "calls at the same time"}


def error_of(refusal: Refusal) -> SekishoError:
    """The error that the call ends in. Names the limit, what is used and held of it, and when it has room."""
    limit = refusal.limit
    if refusal.reason == "lost":
        return CountersLost(
            f"{_name(limit)} cannot be counted at the moment, and it is set to refuse calls then",
            retry_after=AGAIN if refusal.reset is None else refusal.reset,
        )
    if refusal.reason == "crowded":
        return LimitReached(
            f"{_name(limit)} is for each {limit.each}, and more of them call at the moment than can be told "
            "apart",
            retry_after=AGAIN if refusal.reset is None else refusal.reset,
        )
    wait = refusal.reset
    if wait is None and limit.measure == "concurrent" and limit.amount:
        wait = AGAIN
    used, held, claimed = (_amount(limit, each) for each in (refusal.used, refusal.held, refusal.claimed))
    if limit.measure == "concurrent":
        message = f"{_name(limit)} is reached: {held} are under way"
    else:
        has = "has" if limit.tariffs is None else "have"
        under_way = f", {held} held for calls under way" if refusal.held else ""
        message = f"{_name(limit)} {has} no room for this call: {used} used{under_way}, and it may come to "
        message += claimed
    message += f"; {_when(refusal, wait)} (limit {limit.id})"
    if limit.measure == "usd" and refusal.used + refusal.claimed > limit.amount:
        return BudgetReached(message, retry_after=wait)
    return LimitReached(message, retry_after=wait)


def _when(refusal: Refusal, wait: float | None) -> str:
    limit = refusal.limit
    if limit.tariffs is not None and wait is None:
        return f"have credits added ({_TOP_UP}), or ask for fewer tokens (`max_tokens`)"
    if refusal.claimed > limit.amount and refusal.limit.measure != "concurrent":
        if limit.amount == 0:
            return "it allows no calls"
        return "that is more than it ever has: ask for fewer tokens (`max_tokens`), or let it be raised"
    if wait is None:
        return "no time brings it back, it must be raised"
    return f"try again in {_duration(wait)}"


def _name(limit: Limit) -> str:
    """`this key's budget of 5 USD a month for the model acme/m`."""
    whose = f"this {'account' if limit.level == 'person' else limit.level}'s"
    if limit.tariffs is not None:
        return f"{whose} credits of {usd_text(limit.amount)} USD"
    if limit.measure == "usd":
        what = f"budget of {usd_text(limit.amount)} USD"
    else:
        what = f"limit of {limit.amount} {_NAMES[limit.measure]}"
    period = ""
    if limit.period is not None:
        article = "an" if limit.period == "hour" else "a"
        period = " in total" if limit.period == "total" else f" {article} {limit.period}"
    each = f" for each {limit.each}" if limit.each else ""
    about = "".join(
        f" for the {word} {said}"
        for word, said in (("model", limit.model), ("provider", limit.provider), ("tag", limit.tag))
        if said is not None
    )
    return f"{whose} {what}{period}{each}{about}"


def _amount(limit: Limit, amount: int) -> str:
    return f"{usd_text(amount)} USD" if limit.measure == "usd" else str(amount)


def _duration(seconds: float) -> str:
    """The two largest units, rounded up: `2 hours 5 minutes`."""
    left = max(1, math.ceil(seconds))
    words = []
    for length, unit in _UNITS:
        count, left = divmod(left, length)
        if count:
            words.append(f"{count} {unit}{'s' if count > 1 else ''}")
    return " ".join(words[:2])
