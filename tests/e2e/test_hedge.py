"""A second target beside one that is late, at a live gateway: who answers, who is stopped, who is paid."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.e2e.live import DOCUMENT, Live, running

from sekisho.core.record import OUTRUN, CallRecord
from sekisho.metering.prices import price_call
from sekisho.routing.hedge import LEAST, SHARE
from sekisho.testkit.provider import Script, ScriptedProvider

USER = [{"role": "user", "content": "関所はどこですか"}]
TEXT = " ".join(f"gate{number}" for number in range(40))
NEVER = 60.0
"""Seconds: longer than any test."""
SLOW = Script(text=TEXT, first_token_delay=NEVER, delay_before_headers=NEVER)
LATE = Script(text="late", delay_before_headers=0.4)
PRICE = "price: {{input: 1, output: 2}}"
HEDGED = (
    """
providers:
  one:
    like: openai-compatible
    base_url: {url}/v1
    api_key: ${{SCRIPTED_KEY}}
    models: {{acme/first: {{upstream: first, PRICE}}, acme/third: {{upstream: third, PRICE}}}}
  two:
    like: anthropic-compatible
    base_url: {url}/v1
    api_key: ${{SCRIPTED_KEY}}
    models: {{acme/second: {{upstream: second, PRICE}}}}
""".replace("PRICE", PRICE)
    + DOCUMENT.replace("\nproviders:\n", "")
    + """
  hedged: {{targets: [acme/first, acme/second], hedge: 100ms, retry: {{attempts: 1}}}}
  three: {{targets: [acme/first, acme/second, acme/third], hedge: 100ms, retry: {{attempts: 1}}}}
  measured: {{targets: [acme/first, acme/second], hedge: true}}
"""
)
both = pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])


@pytest.fixture
async def live(tmp_path: Path, provider: ScriptedProvider) -> AsyncIterator[Live]:
    scripts(provider, first=Script(text="first"), second=Script(text=TEXT), third=Script(text="third"))
    async with running(tmp_path, provider, HEDGED) as started:
        yield started


def scripts(provider: ScriptedProvider, **named: Script) -> None:
    provider.responder.scripts.update(named)


async def ask(live: Live, model: str = "hedged", path: str = "/v1", **more: Any) -> httpx2.Response:
    body = {"model": model, "messages": USER, "max_tokens": 500, **more}
    async with live.http() as client:
        return await client.post(f"{path}/chat/completions", json=body)


def said(answer: httpx2.Response) -> str:
    """The text of an answer, streamed or whole."""
    if not answer.headers["content-type"].startswith("text/event-stream"):
        text: str = answer.json()["choices"][0]["message"]["content"]
        return text
    events = [line[6:] for line in answer.text.split("\n") if line.startswith("data: {")]
    assert answer.text.endswith("data: [DONE]\n\n")
    choices = [choice for event in events for choice in json.loads(event)["choices"]]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


async def booked(live: Live, answer: httpx2.Response) -> CallRecord:
    record = await live.gateway.books.generation(answer.headers["x-generation-id"])
    assert record is not None
    return record


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def codes(record: CallRecord) -> list[tuple[str, str | None]]:
    return [(attempt.provider, attempt.code) for attempt in record.attempts]


async def check_books(live: Live, record: CallRecord) -> None:
    """Every answer that the provider began is on the books once, and paid for."""
    served = live.provider.served
    await until(lambda: len(served) == len(record.attempts))
    upstream = {each.model: each for each in served}
    for attempt in record.attempts:
        assert attempt.usage is not None
        counted = upstream[attempt.upstream_model]
        assert counted.completed == (attempt.code is None)
        assert attempt.usage.estimated == (attempt.code is not None)
        if attempt.code is None:
            assert (attempt.usage.prompt, attempt.usage.output) == (
                counted.usage.prompt,
                counted.usage.output,
            )
        else:
            assert attempt.usage.prompt > 0
            assert attempt.usage.output == 0
    assert record.cost == sum(attempt.cost or 0 for attempt in record.attempts)
    assert not record.unpriced


@both
async def test_a_faster_second_answers_and_the_first_is_stopped_and_paid(live: Live, stream: bool) -> None:
    scripts(live.provider, first=SLOW)
    answer = await ask(live, stream=stream)
    assert said(answer) == TEXT
    assert answer.headers["x-sekisho-provider"] == "two"
    await until(lambda: live.provider.aborted)
    record = await booked(live, answer)
    assert codes(record) == [("one", OUTRUN), ("two", None)]
    assert (record.outcome, record.provider, record.model) == ("ok", "two", "acme/second")
    await check_books(live, record)
    assert record.usage == record.attempts[1].usage
    assert record.explanation is not None
    assert record.explanation.hedged_ms is not None
    async with live.http() as client:
        metrics = (await client.get("/metrics")).text
    assert "sekisho_failed_attempts_total{" not in metrics
    assert 'sekisho_calls_underway{provider="one"} 0.0' in metrics
    assert 'state="closed"' in metrics
    assert 'state="open"' not in metrics


@both
async def test_a_first_that_answers_after_all_wins_and_the_second_is_stopped_and_paid(
    live: Live, stream: bool
) -> None:
    scripts(live.provider, first=LATE, second=SLOW)
    answer = await ask(live, stream=stream)
    assert said(answer) == "late"
    assert answer.headers["x-sekisho-provider"] == "one"
    await until(lambda: live.provider.aborted)
    record = await booked(live, answer)
    assert codes(record) == [("one", None), ("two", OUTRUN)]
    await check_books(live, record)


@both
async def test_a_client_that_sees_money_sees_what_both_cost(live: Live, stream: bool) -> None:
    scripts(live.provider, first=SLOW)
    answer = await ask(live, path="/api/v1", stream=stream)
    record = await booked(live, answer)
    assert record.cost
    lines = [line[6:] for line in answer.text.split("\n") if '"cost":' in line] if stream else [answer.text]
    usage = json.loads(lines[-1])["usage"]
    assert round(usage["cost"] * 1e9) == record.cost


async def test_where_both_fail_both_are_told_and_the_next_is_asked(live: Live) -> None:
    scripts(
        live.provider,
        first=Script(status=500, delay_before_headers=0.4),
        second=Script(status=529, delay_before_headers=0.1),
    )
    answer = await ask(live, "three")
    assert said(answer) == "third"
    record = await booked(live, answer)
    assert [(each.model or record.model, each.status) for each in record.attempts] == [
        ("acme/first", 500),
        ("acme/second", 529),
        ("acme/third", None),
    ]
    assert record.cost == price_call(live.provider.served[0].usage, _price(live))
    scripts(live.provider, third=Script(status=500))
    refused = await ask(live, "three")
    assert refused.status_code == 502
    message = refused.json()["error"]["message"]
    for told in ("one upstream_failed 500", "two upstream_overloaded 529"):
        assert told in message
    record = await booked(live, refused)
    assert {attempt.code for attempt in record.attempts} == {"upstream_failed", "upstream_overloaded"}
    assert record.cost is None


def _price(live: Live) -> Any:
    route = live.gateway._pipeline.plane.snapshot.find("acme/third")
    assert route is not None
    return route.targets[0].endpoint.price


async def test_a_second_that_fails_leaves_the_first_to_answer(live: Live) -> None:
    scripts(live.provider, first=LATE, second=Script(status=400))
    answer = await ask(live)
    assert said(answer) == "late"
    record = await booked(live, answer)
    assert codes(record) == [("one", None), ("two", "upstream_rejected")]
    assert record.cost == price_call(live.provider.served[0].usage, _price(live))


async def test_a_refusal_of_the_first_is_the_end_of_both(live: Live) -> None:
    scripts(live.provider, first=Script(status=400, error="filter", delay_before_headers=0.4), second=SLOW)
    answer = await ask(live, stream=True)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "content_filter")
    await until(lambda: live.provider.aborted)
    record = await booked(live, answer)
    assert codes(record) == [("one", "content_filter"), ("two", OUTRUN)]
    assert record.cost
    assert record.cost == record.attempts[1].cost  # it had its prompt when it was given up


async def test_hedges_stay_below_their_share(live: Live) -> None:
    calls = 40
    scripts(live.provider, first=LATE)
    answers = await asyncio.gather(*(ask(live) for _ in range(calls)))
    assert {said(answer) for answer in answers} == {TEXT, "late"}
    hedged = sum(said(answer) == TEXT for answer in answers)
    assert 1 <= hedged <= 1 + SHARE * calls
    assert len(live.provider.requests) == calls + hedged


async def test_what_is_late_is_measured(live: Live) -> None:
    assert {said(await ask(live, "measured", stream=True)) for _ in range(LEAST)} == {"first"}
    scripts(live.provider, first=SLOW)
    assert said(await ask(live, "measured", stream=True)) == TEXT


async def test_a_target_that_is_out_of_order_is_not_asked_as_second(live: Live) -> None:
    scripts(live.provider, first=Script(status=500), second=Script(status=500), third=Script(status=500))
    for _ in range(3):
        await ask(live, "acme/second")
    scripts(live.provider, first=LATE, second=Script(text=TEXT))
    live.provider.requests.clear()
    assert said(await ask(live)) == "late"
    assert len(live.provider.requests) == 1


async def test_an_answer_of_the_second_that_breaks_off_is_carried_on(live: Live) -> None:
    scripts(live.provider, first=SLOW, second=Script(text=TEXT, cut_after_events=20, chunk_gap=0.05))
    call = asyncio.create_task(ask(live, stream=True))
    await until(lambda: live.provider.aborted)
    scripts(live.provider, first=Script(text=TEXT))
    answer = await call
    assert said(answer) == TEXT
    record = await booked(live, answer)
    assert [code for _, code in codes(record)] == [OUTRUN, "upstream_truncated", None]
    assert record.cost == sum(attempt.cost or 0 for attempt in record.attempts)


async def test_a_client_that_leaves_a_stream_stops_both_and_pays_for_both_prompts(live: Live) -> None:
    scripts(live.provider, first=SLOW, second=SLOW)
    call = asyncio.create_task(ask(live, stream=True))
    await until(lambda: len(live.provider.requests) == 2)
    call.cancel()
    await until(lambda: len(live.provider.aborted) == 2)
    [record] = await live.booked(1)
    assert (record.outcome, codes(record)) == ("cancelled", [("one", None), ("two", OUTRUN)])
    assert [attempt.usage and attempt.usage.output for attempt in record.attempts] == [0, 0]
    assert record.cost == 2 * (record.attempts[0].cost or 0) > 0


async def test_of_an_answer_in_one_piece_whose_client_left_the_faster_one_is_made_to_its_end(
    live: Live,
) -> None:
    scripts(live.provider, first=SLOW, second=LATE)
    call = asyncio.create_task(ask(live))
    await until(lambda: len(live.provider.requests) == 2)
    call.cancel()
    [record] = await live.booked(1)
    assert (record.outcome, codes(record)) == ("cancelled", [("one", OUTRUN), ("two", None)])
    await check_books(live, record)


async def test_who_could_not_even_be_reached_is_not_paid(tmp_path: Path, provider: ScriptedProvider) -> None:
    scripts(provider, second=Script(text=TEXT))
    with unreachable() as port:
        document = HEDGED.replace("base_url: {url}/v1", f"base_url: http://127.0.0.1:{port}/v1", 1)
        async with running(tmp_path, provider, document) as live:
            answer = await ask(live)
            assert said(answer) == TEXT
            record = await booked(live, answer)
    assert codes(record) == [("one", OUTRUN), ("two", None)]
    assert record.attempts[0].usage is None
    assert record.usage is not None
    assert record.cost == record.usage.prompt * 1000 + record.usage.output * 2000


@contextmanager
def unreachable() -> Iterator[int]:
    """A port at which nobody takes connections, nor refuses them: its queue is full."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(listening.getsockname())
        try:
            yield listening.getsockname()[1]
        finally:
            for each in waiting:
                each.close()
