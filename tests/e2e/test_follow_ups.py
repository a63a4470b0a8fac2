"""What clients ask of responses that providers keep: by the key that made them, free, and booked once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest
from tests.e2e.live import Live, running

from sekisho.control.services.keys import KeyService
from sekisho.control.store.engine import Store
from sekisho.control.store.tables import calls
from sekisho.core.clock import Clock
from sekisho.testkit.provider import ScriptedProvider

DOCUMENT = """
providers:
  kept:
    like: openai-responses-compatible
    base_url: {url}/v1
    api_key: ${{SCRIPTED_KEY}}
    models: {{acme/echo: {{upstream: echo, price: {{input: 1, output: 2}}}}}}
  both:
    like: openai-compatible
    base_url: {url}/v1
    api_key: ${{SCRIPTED_KEY}}
    also: [openai_responses]
  chat: {{like: openai-compatible, base_url: {url}/v1, api_key: "${{SCRIPTED_KEY}}"}}
models:
  helper: {{targets: [acme/echo]}}
"""
TEXT = "関所はどこですか"


@pytest.fixture
async def gateway(tmp_path: Path, provider: ScriptedProvider) -> AsyncIterator[Live]:
    async with running(tmp_path, provider, DOCUMENT) as live:
        yield live


def store(live: Live) -> Store:
    return Store(f"sqlite:///{live.data_dir / 'sekisho.db'}")


async def booked(live: Live, least: int) -> list[Any]:
    """The rows of all calls, once there are so many."""
    books = store(live)
    try:
        async with asyncio.timeout(10):
            while True:
                with books.read() as connection:
                    rows = connection.execute(calls.select().order_by(calls.c.id)).all()
                if len(rows) >= least:
                    return list(rows)
                await asyncio.sleep(0.02)
    finally:
        books.close()


@pytest.mark.parametrize("model", ["acme/echo", "helper", "both/echo"])
async def test_a_kept_response_is_fetched_listed_and_deleted(gateway: Live, model: str) -> None:
    client = gateway.openai()
    made = await client.responses.create(model=model, input=TEXT)
    fetched = await client.responses.retrieve(made.id, include=["message.output_text.logprobs"])
    assert (fetched.id, fetched.output_text) == (made.id, TEXT)
    items = await client.responses.input_items.list(made.id, limit=3)
    assert len(items.data) == 1
    await client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError, match=made.id):
        await client.responses.retrieve(made.id)
    sent = list(gateway.provider.requests)[1:]
    assert [(request.method, request.query) for request in sent] == [
        ("GET", "include%5B%5D=message.output_text.logprobs"),
        ("GET", "limit=3"),
        ("DELETE", ""),
        ("GET", ""),
    ]
    assert {request.header("authorization") for request in sent} == {"Bearer sk-provider-canary-7f3a"}
    assert [row.operation for row in await booked(gateway, 1)] == ["chat"]


async def test_another_key_and_another_id_learn_nothing(gateway: Live) -> None:
    made = await gateway.openai().responses.create(model="acme/echo", input=TEXT)
    books = store(gateway)
    _, other = KeyService(books, Clock()).create("other")
    books.close()
    asked = len(gateway.provider.requests)
    for client, response_id in (
        (gateway.openai(other), made.id),
        (gateway.openai(), "resp_nobody"),
        (gateway.openai(), "x' OR 1=1"),
    ):
        for ask in (
            client.responses.retrieve(response_id),
            client.responses.cancel(response_id),
            client.responses.delete(response_id),
            client.responses.input_items.list(response_id),
        ):
            with pytest.raises(openai.NotFoundError):
                await ask
    with pytest.raises(openai.AuthenticationError):
        await gateway.openai("sk-wrong").responses.retrieve(made.id)
    assert len(gateway.provider.requests) == asked


async def test_what_was_translated_is_kept_nowhere(gateway: Live) -> None:
    client = gateway.openai()
    made = await client.responses.create(model="chat/echo", input=TEXT)
    assert made.output_text == TEXT
    with pytest.raises(openai.NotFoundError, match="its provider keeps none"):
        await client.responses.retrieve(made.id)


async def test_a_background_response_is_booked_once_when_it_is_seen_finished(gateway: Live) -> None:
    client = gateway.openai()
    queued = await client.responses.create(model="acme/echo", input=TEXT, background=True)
    assert (queued.status, queued.usage) == ("queued", None)
    (row,) = await booked(gateway, 1)
    assert (row.finish, row.usage_input, row.cost, row.unpriced) == ("queued", None, None, False)
    for _ in range(3):
        done = await client.responses.retrieve(queued.id)
        assert done.status == "completed"
    assert done.usage is not None
    first, settled = await booked(gateway, 2)
    assert (first.id, first.cost) == (row.id, None)
    assert (settled.operation, settled.key_id, settled.upstream_id) == ("settlement", row.key_id, queued.id)
    assert settled.usage_input == done.usage.input_tokens
    cost = 1_000 * done.usage.input_tokens + 2_000 * done.usage.output_tokens
    assert settled.cost == cost
    await client.responses.delete(queued.id)
    assert len(await booked(gateway, 2)) == 2
    async with gateway.http() as http:
        metrics = (await http.get("/metrics")).text
        spent = (await http.get("/api/v1/key")).json()["data"]["usage"]
    assert f'sekisho_cost_usd_total{{model="acme/echo",provider="kept"}} {cost / 1e9}' in metrics
    assert 'outcome="ok",provider="kept"} 1.0' in metrics
    assert spent == pytest.approx(cost / 1e9)


async def test_a_response_is_cancelled_where_it_is_made(gateway: Live) -> None:
    client = gateway.openai()
    queued = await client.responses.create(model="acme/echo", input=TEXT, background=True)
    assert (await client.responses.cancel(queued.id)).status == "cancelled"
    finished = await client.responses.create(model="acme/echo", input=TEXT)
    with pytest.raises(openai.BadRequestError, match="Cannot cancel a synchronous response"):
        await client.responses.cancel(finished.id)
    assert [row.cost is None for row in await booked(gateway, 2)] == [True, False]


async def test_paths_of_kept_responses_take_their_own_methods(gateway: Live) -> None:
    async with gateway.http() as http:
        for method, path, allowed in (
            ("POST", "/v1/responses/resp_1", "DELETE, GET"),
            ("GET", "/v1/responses/resp_1/cancel", "POST"),
            ("GET", "/v1/responses", "POST"),
            ("GET", "/v1/responses/input_tokens", "POST"),
        ):
            answer = await http.request(method, path)
            assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
        for path in ("/v1/responses/compact", "/v1/responses/a/b", "/v1/responses/..%2fx"):
            assert (await http.post(path)).status_code == 404


async def test_a_providers_failure_is_worded_and_tells_no_key(gateway: Live) -> None:
    client = gateway.openai()
    made = await client.responses.create(model="acme/echo", input=TEXT)
    gateway.provider.responder.credentials = type(gateway.provider.responder.credentials)(api_key="rotated")
    with pytest.raises(openai.APIStatusError) as raised:
        await client.responses.retrieve(made.id)
    assert raised.value.status_code == 502
    assert "provider kept, 1 attempt" in raised.value.message
    assert "canary" not in raised.value.message
