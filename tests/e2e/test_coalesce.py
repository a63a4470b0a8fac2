"""Identical calls at the same time, at a live gateway: one request, one bill, and nobody hangs on another."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.e2e.live import DOCUMENT, Live, running

from sekisho.cli.explain_call import shown
from sekisho.control.services.keys import KeyService
from sekisho.control.store.engine import Store
from sekisho.core.clock import Clock
from sekisho.core.record import CallRecord
from sekisho.metering.prices import price_call
from sekisho.testkit.provider import Script, ScriptedProvider

USER = [{"role": "user", "content": "関所はどこですか"}]
CROWD = 100
SHARED = (
    DOCUMENT
    + """
  shared: {{targets: [{{model: acme/echo, provider: priced}}], coalesce: true, retry: {{attempts: 1}}}}
  each: {{targets: [{{model: acme/echo, provider: priced}}], retry: {{attempts: 1}}}}
"""
)


@pytest.fixture
async def live(tmp_path: Path, provider: ScriptedProvider) -> AsyncIterator[Live]:
    provider.responder.scripts["echo"] = Script(text="Hakone.", delay_before_headers=1.5)
    async with running(tmp_path, provider, SHARED) as started:
        yield started


async def ask(live: Live, model: str = "shared", path: str = "/v1/chat/completions", **more: Any) -> Any:
    key, headers = more.pop("key", None), more.pop("headers", None)
    async with live.http(key) as client:
        body = {"model": model, "messages": USER, "max_tokens": 50, **more}
        return await client.post(path, json=body, headers=headers)


async def crowd(live: Live) -> list[httpx2.Response]:
    async with live.http() as client:
        body = {"model": "shared", "messages": USER, "max_tokens": 50}
        calls = (client.post("/v1/chat/completions", json=body) for _ in range(CROWD))
        return await asyncio.gather(*calls)


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def records(live: Live, answers: list[httpx2.Response]) -> list[CallRecord]:
    found = [await live.gateway.books.generation(answer.headers["x-generation-id"]) for answer in answers]
    return [record for record in found if record is not None]


def led(booked: list[CallRecord]) -> tuple[list[CallRecord], list[CallRecord]]:
    """(those that led, those that followed)"""
    following = [record for record in booked if record.explanation and record.explanation.coalesced]
    return [record for record in booked if record not in following], following


async def test_a_crowd_of_identical_calls_makes_one_request_and_one_bill(live: Live) -> None:
    answers = await crowd(live)
    assert {answer.json()["choices"][0]["message"]["content"] for answer in answers} == {"Hakone."}
    assert len({answer.content for answer in answers}) == 1
    assert len({answer.headers["x-generation-id"] for answer in answers}) == CROWD
    assert {answer.headers["x-sekisho-provider"] for answer in answers} == {"priced"}
    (request,), (served,) = live.provider.requests, live.provider.served
    booked = await records(live, answers)
    (leader,), followers = led(booked)
    route = live.gateway._pipeline.plane.snapshot.find("acme/echo")
    assert request.path == "/v1/chat/completions"
    assert route is not None
    assert sum(record.cost or 0 for record in booked) == price_call(
        served.usage, route.targets[0].endpoint.price
    )
    for record in followers:
        assert record.explanation is not None
        assert record.explanation.coalesced == leader.id
        assert (record.outcome, record.cost, record.attempts) == ("ok", 0, ())
        assert record.usage == leader.usage
        assert not record.unpriced
    assert leader.cost
    assert shown(followers[0])


async def test_when_the_leader_leaves_the_others_get_its_answer_and_it_pays(live: Live) -> None:
    live.provider.script(Script(text="Hakone.", delay_before_headers=5.0))
    leader = asyncio.create_task(ask(live))
    await until(lambda: live.provider.requests)
    async with live.http() as client:
        body = {"model": "shared", "messages": USER, "max_tokens": 50}
        others = [asyncio.create_task(client.post("/v1/chat/completions", json=body)) for _ in range(10)]
        await until(lambda: len(live.gateway._server.connections) == 11)
        leader.cancel()
        answers = await asyncio.gather(*others)
    assert {answer.status_code for answer in answers} == {200}
    assert len(live.provider.requests) == 1
    nobody, followers = led(await records(live, answers))
    assert (nobody, len(followers)) == ([], 10)
    assert followers[0].explanation is not None
    paid = await live.gateway.books.generation(followers[0].explanation.coalesced or "")
    assert paid is not None
    assert (paid.outcome, paid.usage) == ("cancelled", followers[0].usage)
    assert paid.cost


async def test_a_follower_that_leaves_takes_nobody_with_it(live: Live) -> None:
    calls = [asyncio.create_task(ask(live)) for _ in range(10)]
    await until(lambda: live.provider.requests)
    await asyncio.sleep(0.3)
    for call in calls[5:]:
        call.cancel()
    left = await asyncio.gather(*calls, return_exceptions=True)
    answers = [answer for answer in left if isinstance(answer, httpx2.Response)]
    assert {answer.status_code for answer in answers} == {200}
    assert len(answers) == 5
    assert len(live.provider.requests) <= 2, "the one that left may have led"
    assert not live.gateway._pipeline.coalescing._underway


async def test_an_error_of_the_providers_is_told_to_all_and_nobody_storms_them(live: Live) -> None:
    live.provider.responder.scripts["echo"] = Script(status=500, delay_before_headers=1.5)
    answers = await crowd(live)
    assert {answer.status_code for answer in answers} == {502}
    assert len({answer.json()["error"]["message"] for answer in answers}) == 1
    assert len(live.provider.requests) == 1
    (leader,), followers = led(await records(live, answers))
    assert len(leader.attempts) == 1
    for record in followers:
        assert (record.outcome, record.error_code) == ("error", leader.error_code)
        assert (record.cost, record.usage, record.attempts) == (None, None, ())


async def test_a_leader_whose_own_time_is_over_fails_alone(
    tmp_path: Path, provider: ScriptedProvider
) -> None:
    document = SHARED.replace("coalesce: true", "coalesce: true, timeouts: {{total: 1600ms}}")
    async with running(tmp_path, provider, document) as live:
        provider.script(Script(text="never", delay_before_headers=60.0))
        leader = asyncio.create_task(ask(live))
        await until(lambda: provider.requests)
        await asyncio.sleep(1.3)
        follower = asyncio.create_task(ask(live))
        assert (await leader).status_code == 504
        assert (await follower).status_code == 200
    assert len(provider.requests) == 2


async def test_what_differs_is_not_shared(live: Live) -> None:
    store = Store(f"sqlite:///{live.data_dir / 'sekisho.db'}")
    _, key = KeyService(store, Clock()).create("another")
    store.close()
    unlike: list[dict[str, Any]] = [
        {},
        {"temperature": 0.5},
        {"key": key},
        {"path": "/v1/messages"},
        {"headers": {"x-sekisho-prefer": '{"ignore": ["oai"]}'}},
        {"headers": {"x-sekisho-hops": "1"}},
        {"stream": True},
    ]
    never: list[dict[str, Any]] = [{"model": "each"}, {"path": "/api/v1/chat/completions"}]
    answers = await asyncio.gather(*(ask(live, **each) for each in (*unlike, *never) for _ in range(2)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(live.provider.requests) == len(unlike) + 2 * len(never)
