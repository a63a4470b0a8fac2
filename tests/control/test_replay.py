"""Replaying: recorded calls planned against another document, exact to the nano-USD, on both databases."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from sekisho.control.services.keys import KeyService
from sekisho.control.services.replay import Replayed, replay
from sekisho.control.services.terms import KeyDraft
from sekisho.control.store.booking import book
from sekisho.control.store.engine import Store
from sekisho.core.clock import Clock
from sekisho.core.explanation import AutoRecord, Explanation
from sekisho.core.money import cost
from sekisho.core.record import AttemptRecord, CallRecord
from sekisho.core.route import Snapshot
from sekisho.core.usage import Usage
from sekisho.pipeline.replay import DRAWS, Line
from sekisho.providers import catalog
from sekisho.routing import document
from sekisho.routing.compile import compile_document

Make = Callable[..., CallRecord]
NOW = datetime(2026, 11, 22, tzinfo=UTC).timestamp()
CLOCK = Clock(now=lambda: NOW)
PROVIDERS = """
providers:
  slow:
    like: openai-compatible
    base_url: http://127.0.0.1:1/v1
    models:
      acme/chat: {upstream: chat, context_length: 1000, price: {input: 1, output: 2, cache_read: 0.1}}
  quick:
    like: openai-compatible
    base_url: http://127.0.0.1:2/v1
    models:
      acme/chat: {upstream: chat, price: {input: 3, output: 0.000001}}
"""


def compiled(text: str) -> Snapshot:
    return compile_document(document.read(text.encode(), "new.yaml"), catalog.load(), {})


def keep(store: Store, *records: CallRecord) -> None:
    with store.write() as connection:
        book(connection, records)


def replayed(store: Store, models: str, since: float = 0.0) -> Replayed:
    return replay(store, compiled(PROVIDERS + models), since, NOW)


def only(found: Replayed) -> Line:
    (line,) = found.lines
    return line


@pytest.fixture
def call(record: Make) -> Make:
    """One that went to `slow`."""

    def make(prompt: int = 100, **more: Any) -> CallRecord:
        provider = more.pop("provider", "slow")
        usage = Usage(input=prompt, cache_read=more.pop("cached", 0), output=more.pop("output", 7))
        members: dict[str, Any] = {
            "requested_model": "chat",
            "model": "acme/chat",
            "provider": provider,
            "upstream_model": "chat",
            "usage": usage,
            "cost": 1_000,
            "started": NOW - 100,
            "attempts": (AttemptRecord(provider=provider, upstream_model="chat", milliseconds=9),),
        }
        return record(more.pop("id", "gen-1"), **(members | more))

    return make


SAME = "models: {chat: {targets: [{model: acme/chat, provider: slow}]}}"
OTHER = "models: {chat: {targets: [{model: acme/chat, provider: quick}]}}"


def test_what_calls_would_cost_is_exact_for_each_of_them(store: Store, call: Make) -> None:
    calls = [
        call(prompt, cached=prompt % 7, output=prompt % 5, id=f"gen-{prompt}") for prompt in range(1, 400)
    ]
    keep(store, *calls)
    line = only(replayed(store, OTHER))
    rates = compiled(PROVIDERS + OTHER).routes["chat"].targets[0].endpoint.price
    assert rates is not None
    assert line.cost_after == sum(cost(each.usage, rates.base) for each in calls if each.usage)
    assert (line.cost_before, line.calls, line.moved) == (399_000, 399, True)
    assert (line.before, line.after) == ("slow/acme/chat", "quick/acme/chat")


def test_nothing_changes_where_nothing_does(store: Store, call: Make) -> None:
    prompt = call(50)
    rates = compiled(PROVIDERS + SAME).routes["chat"].targets[0].endpoint.price
    assert rates is not None
    assert prompt.usage is not None
    keep(store, call(50, cost=cost(prompt.usage, rates.base)))
    line = only(replayed(store, SAME))
    assert not line.changes
    assert not line.moved


def test_a_prompt_that_is_too_long_goes_elsewhere_at_the_very_token(store: Store, call: Make) -> None:
    keep(store, *(call(prompt, id=f"gen-{prompt}") for prompt in range(990, 1011)))
    found = replayed(store, "models: {chat: {targets: [acme/chat]}}")
    assert {line.after: line.calls for line in found.lines} == {"slow/acme/chat": 11, "quick/acme/chat": 10}


def test_who_would_be_refused_is_told_with_the_reason(store: Store, call: Make) -> None:
    service = KeyService(store, CLOCK)
    fenced, _ = service.create("fenced", KeyDraft(providers=("quick",)))
    made, _ = service.create("narrow", KeyDraft(models=("acme/other",)))
    keep(
        store,
        call(id="gen-1", requested_model="gone", key_id="key_gone"),
        call(id="gen-2", requested_model="chat", key_id=made.id),
        call(2000, id="gen-3", requested_model="fenced", key_id=fenced.id),
        call(
            id="gen-4", requested_model="new", provider=None, model=None, upstream_model=None, usage=None,
            cost=None, attempts=(), outcome="error", error_code="model_not_found", status=404,
        ),
        call(id="gen-5", attempts=(), outcome="error", error_code="rate_limited", usage=None, cost=None),
    )  # fmt: skip
    found = replayed(
        store,
        "models: {chat: {targets: [acme/chat]}, new: {targets: [acme/chat]},"
        " fenced: {targets: [{model: acme/chat, provider: slow}], prefer: {price_cap: {input: 2}}}}",
    )
    told = {line.requested_model: (line.refused, line.after) for line in found.lines}
    assert told["gone"] == (True, "model_not_found")
    assert told["chat"] == (True, "forbidden")
    assert told["fenced"] == (True, "slow is not among the providers asked for")
    assert told["new"][0] is False, "what nobody served then is served"
    assert (found.others, found.unknown_keys) == (1, 2)


def test_calls_that_go_by_chance_are_spread_as_the_weights_say_and_always_alike(
    store: Store, call: Make
) -> None:
    keep(store, *(call(id=f"gen-{at}") for at in range(10 * DRAWS)))
    models = (
        "models: {chat: {select: weighted, targets: [{model: acme/chat, provider: slow, weight: 3},"
        " {model: acme/chat, provider: quick}]}}"
    )
    first, again = ({line.after: line.calls for line in replayed(store, models).lines} for _ in range(2))
    assert first == again
    assert sum(first.values()) == 10 * DRAWS
    assert first["slow/acme/chat"] > first["quick/acme/chat"] > DRAWS


def test_a_named_session_stays_where_it_is_and_fast_ones_are_found_by_what_was_measured(
    store: Store, call: Make
) -> None:
    keep(
        store,
        *(
            call(
                id=f"gen-{at}-{name}",
                session=f"s{at % 5}",
                provider=name,
                total_ms=ms,
                first_token_ms=ms // 2,
            )
            for name, ms in (("slow", 900), ("quick", 90))
            for at in range(20)
        ),
    )
    sticky = replayed(store, "models: {chat: {select: sticky, targets: [acme/chat]}}")
    assert sum(line.calls for line in sticky.lines) == 40
    fast = replayed(store, "models: {chat: {select: fastest, targets: [acme/chat]}}")
    assert {line.after for line in fast.lines} == {"quick/acme/chat"}
    total, first = fast.expected()
    assert max(total) == max(only_of(fast, "quick").expected.total)  # type: ignore[union-attr]
    assert first


def only_of(found: Replayed, provider: str) -> Line:
    return next(line for line in found.lines if line.before.startswith(provider))


def test_only_the_time_that_is_asked_for_counts_and_calls_without_price_stand_apart(
    store: Store, call: Make
) -> None:
    keep(
        store,
        call(id="gen-old", started=NOW - 9_000),
        call(id="gen-unpriced", cost=None, unpriced=True),
        call(id="gen-failed", usage=None, cost=None, outcome="error", error_code="upstream_timeout"),
        call(id="gen-good"),
    )
    line = only(replayed(store, OTHER, since=NOW - 1_000))
    assert (line.calls, line.unpriced, line.uncounted, line.cost_before) == (3, 1, 1, 1_000)


def test_calls_that_are_led_by_their_task_are_led_by_the_new_document(store: Store, call: Make) -> None:
    for number, (tier, score) in enumerate((("general", 0.2), ("general", 0.5), ("coding", 0.9))):
        judged = Explanation(auto=AutoRecord(tier=tier, score=score))  # type: ignore[arg-type]
        keep(store, call(id=f"gen-{number}", requested_model="sekisho/auto", explanation=judged))
    keep(store, call(id="gen-9", requested_model="sekisho/auto"))
    auto = "auto: {default: slow/acme/chat, strong: quick/acme/chat, threshold: "
    shares = {}
    for threshold in (0.1, 0.4, 1.0):
        lines = replayed(store, f"{auto}{threshold}}}").lines
        shares[threshold] = {line.after: line.calls for line in lines}
    assert shares == {
        0.1: {"quick/acme/chat": 3, "slow/acme/chat": 1},
        0.4: {"quick/acme/chat": 2, "slow/acme/chat": 2},
        1.0: {"slow/acme/chat": 4},
    }
