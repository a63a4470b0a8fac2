"""One call's record, for people and for machines."""

from collections.abc import Iterator
from typing import Any

import msgspec
from rich.console import Group, RenderableType
from rich.text import Text

from sekisho.cli.screen import iso, table
from sekisho.core.explanation import AutoRecord, Explanation, PlanRecord
from sekisho.core.money import usd_text
from sekisho.core.record import OUTRUN, AttemptRecord, CallRecord

MILLION = 1_000_000


def told(record: CallRecord) -> dict[str, Any]:
    """The record's members as they are, candidates and rejections as maps."""
    members: dict[str, Any] = msgspec.to_builtins(record)
    plan = members.get("explanation", {}).get("plan")
    if plan is not None:
        for name, keys in (
            ("candidates", ("endpoint", "score", "standing")),
            ("rejected", ("endpoint", "reason")),
        ):
            plan[name] = [dict(zip(keys, row, strict=True)) for row in plan.get(name, ())]
    return members


def shown(record: CallRecord) -> RenderableType:
    return Group(*_parts(record))


def _parts(record: CallRecord) -> Iterator[RenderableType]:
    explanation = record.explanation or Explanation()
    yield _summary(record)
    if explanation.auto is not None:
        yield _title("Task")
        yield Text(task(explanation.auto))
    yield from _plan(explanation.plan)
    if record.attempts:
        yield _title("Attempts")
        yield _attempts(record)
        if explanation.hedged_ms is not None:
            yield Text(
                f"After {explanation.hedged_ms} ms without an answer a second target was asked as well"
            )
        yield from _shares(record)
    if explanation.coalesced is not None:
        yield _title("Attempts")
        yield Text(f"none: the answer is that of {explanation.coalesced}, an identical call at the same time")
    yield _title("Price")
    yield Text(_price(record, explanation))
    yield from _remarks(explanation)


def _remarks(explanation: Explanation) -> Iterator[RenderableType]:
    if explanation.dropped:
        yield Text(f"Dropped on the way: {', '.join(explanation.dropped)}")
    if explanation.compression is not None:
        yield Text(f"The prompt was too long for every target: {explanation.compression}")
    if explanation.uncounted:
        yield Text("Admitted though the counters of its limits could not be asked (when_lost=admit)")
    if explanation.healing is not None:
        yield Text(f"JSON that was asked for: {explanation.healing.replace('_', ' ')}")
    if explanation.preset is not None:
        yield Text(f"Preset: {explanation.preset}")
    if explanation.prompt_cache is not None:
        yield Text(f"Marks of the prompt cache: {explanation.prompt_cache}")


def task(auto: AutoRecord) -> str:
    """What a scorer made of a call, and where that led it."""
    signs = f" ({', '.join(auto.signs)})" if auto.signs else ""
    judged = f"{auto.tier}, score {auto.score:.2f}{signs}"
    if auto.model is None:
        return f"{judged}: only scored, since the call named its model"
    instead = "" if auto.instead_of is None else f" instead of {auto.instead_of}, which its key may not use"
    return f"{judged}: led to {auto.model}{instead}"


def _title(words: str) -> Text:
    return Text(f"\n{words}", style="bold")


def _summary(record: CallRecord) -> Text:
    good = record.outcome == "ok"
    ended = f"{record.outcome} {record.status}" + (f" {record.error_code}" if record.error_code else "")
    kind = "stream" if record.stream else "unary"
    where = f"{record.model or '?'} at {record.provider}" if record.provider else "no provider was asked"
    first = (
        f", first token after {record.first_token_ms} ms" if record.stream and record.first_token_ms else ""
    )
    return Text.assemble(
        (record.id, "bold"),
        f"  {iso(record.started)}  {record.operation}, {kind}, {record.dialect}",
        f"\n{record.requested_model} → {where}\n",
        (ended, "green" if good else "red"),
        f"  {record.total_ms} ms{first}" + (f", finish {record.finish}" if record.finish else ""),
    )


def _plan(plan: PlanRecord | None) -> Iterator[RenderableType]:
    if plan is None:
        yield _title("Plan")
        yield Text("one target, nothing to choose")
        return
    yield _title(f"Plan ({plan.select})")
    rows = (
        (at + 1, each.endpoint, number(each.score), each.standing) for at, each in enumerate(plan.candidates)
    )
    yield table(("#", "ENDPOINT", "SCORE", "STANDING"), rows, right={"#", "SCORE"})
    if plan.rejected:
        yield _title("Not allowed, or not able")
        yield table(("ENDPOINT", "REASON"), ((each.endpoint, each.reason) for each in plan.rejected))
    if plan.more:
        yield Text(f"and {plan.more} more")


def number(score: float | None) -> str | None:
    return None if score is None else f"{score:.6g}"


def _attempts(record: CallRecord) -> RenderableType:
    headings = ("#", "ENDPOINT", "CAME TO", "BEGAN", "CONNECT", "FIRST TOKEN", "LONGEST GAP", "TOOK")
    rows = ((at + 1, *_attempt(each, record)) for at, each in enumerate(record.attempts))
    return table(headings, rows, right={"#", "BEGAN", "CONNECT", "FIRST TOKEN", "LONGEST GAP", "TOOK"})


def _attempt(attempt: AttemptRecord, record: CallRecord) -> tuple[object, ...]:
    came_to = " ".join(str(word) for word in (attempt.code or "answered", attempt.status) if word is not None)
    times = (
        attempt.began_ms,
        attempt.connect_ms or None,
        attempt.first_token_ms,
        attempt.gap_ms,
        attempt.milliseconds,
    )
    return (
        f"{attempt.provider}/{attempt.model or record.model}={attempt.upstream_model}",
        Text(came_to, style=_STYLES.get(attempt.code, "red")),
        *(None if time is None else f"{time} ms" for time in times),
    )


_STYLES = {None: "green", OUTRUN: ""}
"""What an attempt came to -> how that looks; the rest are failures."""


def _shares(record: CallRecord) -> Iterator[RenderableType]:
    """Of an answer that several targets made, or ran for."""
    for at, attempt in enumerate(record.attempts):
        if attempt.usage is not None:
            cost = "unpriced" if attempt.cost is None else f"{usd_text(attempt.cost)} USD"
            yield Text(
                f"{at + 1} was sent {attempt.usage.prompt} tokens and made {attempt.usage.output}: {cost}"
            )


def _price(record: CallRecord, explanation: Explanation) -> str:
    usage, rates = record.usage, explanation.rates
    if usage is None:
        asked = explanation.asked_tokens
        return "nothing was counted" + ("" if asked is None else f"; the prompt has about {asked} tokens")
    counted = f"{usage.prompt} tokens in, {usage.output} out" + (", estimated" if usage.estimated else "")
    if record.waived is not None:
        return f"nothing: it brought nothing. {usd_text(record.waived)} USD were paid for it all the same"
    if record.cost is None:
        return f"{counted}: unpriced"
    if rates is None or any(attempt.usage is not None for attempt in record.attempts):
        return f"{counted}: {usd_text(record.cost)} USD"
    per = f"{usd_text(rates.input)} USD in, {usd_text(rates.output)} USD out for a million tokens"
    return f"{counted}: {usd_text(record.cost)} USD, at {per}"
