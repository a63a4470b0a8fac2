"""What came of a call: whole, an honest error, or lost; and whether the books say so."""

from dataclasses import dataclass
from typing import Literal

from sekisho.core.provider import Endpoint
from sekisho.core.record import CallRecord
from sekisho.core.usage import Usage
from sekisho.metering.prices import price_call
from sekisho.testkit.chaos.caller import Heard
from sekisho.testkit.chaos.scenario import STORY
from sekisho.testkit.provider import Served

Verdict = Literal["answered", "rescued", "refused", "lost"]
"""answered: at the first try. rescued: whole, though something failed on the way. refused: a typed error, in
time. lost: everything else: an answer that is not whole and says it is, a broken connection, a call that
hangs, an error of the gateway's own."""
FILTERED = ("content_filter", "refusal")
"""Ends of answers that say honestly that there is none."""
OURS = frozenset({"internal_error", "shutting_down", "unavailable"})


@dataclass(frozen=True, slots=True)
class Happened:
    """One call, from all sides."""

    heard: Heard
    record: CallRecord | None
    requests: int
    """That reached the wall."""
    served: tuple[Served, ...]
    """Answers that the wall began for it."""


def verdict(happened: Happened) -> tuple[Verdict, str]:
    """The verdict, and what is wrong where it is `lost`."""
    heard, record = happened.heard, happened.record
    if heard.broken:
        return "lost", heard.broken
    if heard.finish in FILTERED:
        return "refused", ""
    if heard.finish is not None:
        if heard.finish != "stop" or heard.text != STORY:
            return "lost", "the answer looks complete, but is not what the providers said"
        rescued = record is not None and any(attempt.code for attempt in record.attempts)
        return ("rescued" if rescued else "answered"), ""
    if not heard.error:
        return "lost", "neither an answer nor an error"
    if record is not None and record.error_code in OURS:
        return "lost", f"an error of the gateway's own: {record.error_code}"
    return "refused", ""


def books(happened: Happened, endpoints: dict[str, Endpoint]) -> list[str]:
    """Where the books differ from what happened; `endpoints` are those of the case, by their provider."""
    heard, record = happened.heard, happened.record
    if record is None:
        return ["the call is not on the books"]
    wrong = []
    if (record.outcome == "ok") != (heard.finish is not None):
        wrong.append(f"the books say {record.outcome}")
    if len(record.attempts) != happened.requests:
        wrong.append(f"{len(record.attempts)} attempts on the books, {happened.requests} at the providers")
    if heard.finish == "stop":
        wrong += _counted(happened, record, endpoints)
    return wrong


def _counted(happened: Happened, record: CallRecord, endpoints: dict[str, Endpoint]) -> list[str]:
    """Of an answer that is whole: the last who spoke is billed to the token, and the client sees what is
    booked."""
    complete = [each for each in happened.served if each.completed]
    if not complete:
        return [] if any(attempt.code is None for attempt in record.attempts) else ["nobody answered"]
    last, parts = complete[-1].usage, [attempt for attempt in record.attempts if attempt.usage is not None]
    booked = parts[-1].usage if parts else record.usage
    cost = parts[-1].cost if parts else record.cost
    if booked is None:
        return ["no usage on the books"]
    wrong = []
    if _counts(booked) != _counts(last):
        wrong.append(f"{_counts(booked)} tokens on the books, {_counts(last)} at the provider")
    endpoint = endpoints.get(record.provider or "")
    if endpoint is not None and cost != price_call(booked, endpoint.price):
        wrong.append(f"a cost of {cost} that is not the price of its tokens")
    if parts and record.cost != sum(part.cost or 0 for part in parts):
        wrong.append("a cost that is not the sum of its parts")
    if record.usage is None or happened.heard.usage is None:
        wrong.append("no usage for the client")
    elif _counts(happened.heard.usage) != _counts(record.usage):
        wrong.append(f"{_counts(happened.heard.usage)} tokens shown, {_counts(record.usage)} booked")
    if not parts and happened.heard.provider != record.provider:
        wrong.append(f"{happened.heard.provider} is named, {record.provider} answered")
    return wrong


def _counts(usage: Usage) -> tuple[int, int]:
    """(prompt, output)"""
    return usage.prompt, usage.output
