"""Limits as people write them: `usd 5/month@Asia/Tokyo each=user`, or the same as members of JSON."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal, get_args

import msgspec

from sekisho.control.services.refusal import Refused
from sekisho.core.calendar import is_zone
from sekisho.core.limit import Each, Level, Limit, Measure, Period
from sekisho.core.money import nano_from_usd, usd_text

MOST = 32
"""Limits of one holder."""
LARGEST = 2**63 - 1
"""Nano-USD, or a number: what every store holds."""
LONGEST_TEXT = 1000
_AMOUNT = re.compile(r"([^/@\s]+)(?:/([a-z]+))?(?:@(\S+))?")
_NUMBER = re.compile(r"\d{1,20}(?:\.\d{1,20})?", re.ASCII)
_WORDS = frozenset({"each", "model", "provider", "tag", "when_lost", "when_reached", "alerts"})
_EXAMPLE = "write like `usd 5/month@Asia/Tokyo`, `requests 100/minute each=user` or `concurrent 5`"
PERIODS: Mapping[Measure, tuple[Period, ...]] = MappingProxyType(
    {
        "usd": get_args(Period),
        "requests": ("minute", "hour", "day"),
        "tokens": ("minute", "hour", "day"),
        "concurrent": (),
    }
)
"""What each may be limited by."""


class LimitDraft(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A limit as it is asked for. `amount`: USD, or a number."""

    measure: Measure
    amount: Decimal
    period: Period | None = None
    time_zone: str = "UTC"
    each: Each | None = None
    model: str | None = None
    provider: str | None = None
    tag: str | None = None
    when_lost: Literal["refuse", "admit"] = "refuse"
    when_reached: Literal["refuse", "degrade"] = "refuse"
    alerts: tuple[int, ...] = (50, 80, 100)
    id: str | None = None
    """Of one of the holder's limits, that this is to replace; else the one of the same scope is replaced."""


def read(text: str) -> LimitDraft:
    """Raises Refused, which says what is wrong and shows how it is written."""
    if len(text) > LONGEST_TEXT:
        msg = f"a limit of {len(text)} characters; {_EXAMPLE}"
        raise Refused(msg, "limits")
    words = text.split()
    found = _AMOUNT.fullmatch(words[1]) if len(words) > 1 else None
    if found is None:
        msg = f"{text!r} is no limit: {_EXAMPLE}"
        raise Refused(msg, "limits")
    if not _NUMBER.fullmatch(found[1]):
        msg = f"{found[1]!r} is no amount: write digits, like 100 or 0.01"
        raise Refused(msg, "limits")
    members: dict[str, Any] = {"measure": words[0], "amount": found[1]}
    members.update({name: said for name, said in (("period", found[2]), ("time_zone", found[3])) if said})
    for word in words[2:]:
        name, _, said = word.partition("=")
        if name not in _WORDS or not said or name in members:
            names = ", ".join(sorted(_WORDS))
            msg = (
                f"{word!r} says nothing of a limit; write NAME=VALUE, where NAME is one of {names}, each once"
            )
            raise Refused(msg, "limits")
        members[name] = _alerts(said) if name == "alerts" else said
    try:
        return msgspec.convert(members, LimitDraft)
    except msgspec.ValidationError as error:
        msg = f"{text!r} is no limit: {error}; {_EXAMPLE}"
        raise Refused(msg, "limits") from None


def write(limit: Limit) -> str:
    """The text that `read` reads; of credits, which are no text of anybody's, what they are."""
    if limit.tariffs is not None:
        return f"credits {amount_text(limit)}"
    zone = "" if limit.time_zone == "UTC" else f"@{limit.time_zone}"
    period = "" if limit.period is None else f"/{limit.period}"
    words = [f"{limit.measure} {amount_text(limit)}{period}{zone}"]
    for name in ("each", "model", "provider", "tag"):
        said = getattr(limit, name)
        words += [] if said is None else [f"{name}={said}"]
    words += ["when_lost=admit"] if limit.when_lost == "admit" else []
    words += ["when_reached=degrade"] if limit.when_reached == "degrade" else []
    if limit.alerts != (50, 80, 100):
        words.append(f"alerts={','.join(map(str, limit.alerts)) or 'none'}")
    return " ".join(words)


def amount_text(limit: Limit) -> str:
    """USD, or the number."""
    return usd_text(limit.amount) if limit.measure == "usd" else str(limit.amount)


def draft_of(limit: Limit) -> LimitDraft:
    """What asks for the limit as it is."""
    members = {name: getattr(limit, name) for name in LimitDraft.__struct_fields__}
    return LimitDraft(**{**members, "amount": Decimal(amount_text(limit))})


def settled(
    asked: Sequence[LimitDraft | str], held: Sequence[Limit], whose: tuple[Level, str], now: float
) -> tuple[Limit, ...]:
    """All limits of a holder that now has these, in place of those it `held`.

    A limit keeps its id, and with it what was counted, while its amount or time zone changes. Calls from
    before `now` do not count for a new one. Raises Refused.
    """
    if len(asked) > MOST:
        msg = f"there are {len(asked)} limits; {MOST} are allowed"
        raise Refused(msg, "limits")
    by_id = {limit.id: limit for limit in held}
    by_scope = {scope(limit): limit for limit in held}
    found: dict[tuple[object, ...], Limit] = {}
    for at, each in enumerate(asked):
        draft = read(each) if isinstance(each, str) else each
        before = by_scope.get(scope(draft)) if draft.id is None else by_id.get(draft.id)
        if before is None and draft.id is not None:
            msg = f"{draft.id!r} is none of the limits here; leave `id` out to add one"
            raise Refused(msg, f"limits.{at}.id")
        limit_id = f"lim_{secrets.token_hex(8)}" if before is None else before.id
        if scope(draft) in found or any(limit.id == limit_id for limit in found.values()):
            raise Refused("two limits are for the same; write one", f"limits.{at}")
        limit = _limit(draft, limit_id, whose, f"limits.{at}")
        found[scope(draft)] = replace(limit, since=now if before is None else before.since)
    return tuple(found.values())


def scope(limit: Limit | LimitDraft) -> tuple[object, ...]:
    """What it counts: one holder has one limit for the same."""
    return (limit.measure, limit.period, limit.each, limit.model, limit.provider, limit.tag)


def _limit(draft: LimitDraft, limit_id: str, whose: tuple[Level, str], field: str) -> Limit:
    _check_period(draft, field)
    for name in ("model", "provider", "tag"):
        said = getattr(draft, name)
        if said is not None and not (0 < len(said) <= 200 and said.isprintable() and " " not in said):
            msg = f"`{name}` is not a name of 1 to 200 printable characters without blanks"
            raise Refused(msg, f"{field}.{name}")
    alerts = tuple(sorted(set(draft.alerts)))
    if not all(1 <= percent <= 100 for percent in alerts):
        raise Refused("alerts are percents from 1 to 100", f"{field}.alerts")
    return Limit(
        id=limit_id,
        level=whose[0],
        holder=whose[1],
        measure=draft.measure,
        amount=_amount(draft, f"{field}.amount"),
        period=draft.period,
        time_zone=draft.time_zone,
        each=draft.each,
        model=draft.model,
        provider=draft.provider,
        tag=draft.tag,
        when_lost=draft.when_lost,
        when_reached=draft.when_reached,
        alerts=alerts,
    )


def _check_period(draft: LimitDraft, field: str) -> None:
    periods = PERIODS[draft.measure]
    if draft.period is None and periods:
        msg = f"a limit of {draft.measure} needs a period: {', '.join(periods)}"
        raise Refused(msg, f"{field}.period")
    if draft.period is not None and not periods:
        raise Refused("calls under way are limited at any moment, not by a period", f"{field}.period")
    if draft.period is not None and draft.period not in periods:
        msg = f"{draft.measure} are limited by {', '.join(periods)}, not by {draft.period}"
        raise Refused(msg, f"{field}.period")
    if draft.time_zone == "UTC":
        return
    if draft.measure != "usd" or draft.period in (None, "minute", "total"):
        raise Refused("only budgets by hour, day, week or month have a time zone", f"{field}.time_zone")
    if len(draft.time_zone) > 100 or not is_zone(draft.time_zone):
        msg = f"{draft.time_zone[:100]!r} is no time zone; write one like Asia/Tokyo"
        raise Refused(msg, f"{field}.time_zone")


def _amount(draft: LimitDraft, field: str) -> int:
    amount, in_usd = draft.amount, draft.measure == "usd"
    most = usd_text(LARGEST) if in_usd else str(LARGEST)
    if not amount.is_finite() or not 0 <= amount <= Decimal(most):
        msg = f"{str(amount)[:40]} is no amount: write a number from 0 to {most}"
        raise Refused(msg, field)
    if in_usd:
        try:
            return nano_from_usd(amount)
        except ValueError:
            raise Refused("a budget has at most nine digits after the point", field) from None
    if amount != int(amount):
        msg = f"{draft.measure} are counted in whole numbers"
        raise Refused(msg, field)
    return int(amount)


def _alerts(text: str) -> list[int]:
    percents = [] if text == "none" else text.split(",")
    if not all(percent.isascii() and percent.isdigit() and len(percent) < 4 for percent in percents):
        raise Refused("alerts are percents from 1 to 100, separated by commas, or none", "limits")
    return [int(percent) for percent in percents]
