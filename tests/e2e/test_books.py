"""What calls cost, and that the books say so: against the scripted provider's own ledger."""

import asyncio
from typing import Any

import httpx2
import pytest
from tests.e2e.live import Live

from sekisho.core.record import CallRecord

USER = [{"role": "user", "content": "関所はどこですか"}]
both = pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])


def chat(model: str, *, stream: bool = False, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": USER, "stream": stream, "max_tokens": 500, **more}


async def post(live: Live, path: str, body: Any, **headers: str) -> httpx2.Response:
    async with httpx2.AsyncClient(base_url=live.url, timeout=20) as client:
        return await client.post(path, json=body, headers={"authorization": f"Bearer {live.key}", **headers})


async def get(live: Live, path: str) -> Any:
    async with httpx2.AsyncClient(base_url=live.url, timeout=20) as client:
        answer = await client.get(path, headers={"authorization": f"Bearer {live.key}"})
        answer.raise_for_status()
        return answer.json()


async def booked(live: Live, call_id: str) -> CallRecord:
    record = await live.gateway.books.generation(call_id)
    assert record is not None
    return record


# 20 plain, 1000 read, 300 written for 5 minutes, 40 for an hour, 60 out, at 3 / 0.3 / 3.75 / 6 / 15 USD a
# million: 60 + 300 + 1125 + 240 + 900 = 2625 millionths of a USD. Nothing is counted twice.
CACHED_COST = 2_625_000
# OpenAI's format cannot say which cache a token was written to: 340 at 3.75 come to 1275 for 1365.
CACHED_COST_OPENAI = 2_535_000


@both
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
@pytest.mark.parametrize("model", ["acme/cached", "acme/claude-cached"])
async def test_cached_tokens_cost_the_same_in_every_pair(
    live: Live, path: str, model: str, stream: bool
) -> None:
    answer = await post(live, path, chat(model, stream=stream))
    assert answer.status_code == 200
    record = await booked(live, answer.headers["x-generation-id"])
    assert record.outcome == "ok"
    assert record.usage is not None
    assert not record.usage.estimated
    served = live.provider.served[-1].usage
    assert (record.usage.prompt, record.usage.output) == (served.prompt, served.output)
    assert record.usage.cache_read == 1000
    if model == "acme/claude-cached":
        assert record.cost == CACHED_COST
    else:
        assert record.cost in (CACHED_COST_OPENAI, 20 * 3_000 + 300_000 + 340 * 3_750 + 60 * 15_000)


@both
@pytest.mark.parametrize("path", ["/api/v1/chat/completions", "/api/v1/messages"])
async def test_the_marketplace_paths_show_the_cost_in_the_reply(live: Live, path: str, stream: bool) -> None:
    answer = await post(live, path, chat("acme/echo", stream=stream))
    record = await booked(live, answer.headers["x-generation-id"])
    assert record.cost
    text = answer.text
    assert f'"cost":{record.cost / 1e9!r}' in text.replace(" ", "") or '"cost":' in text
    plain = await post(live, path.removeprefix("/api"), chat("acme/echo", stream=stream))
    assert '"cost"' not in plain.text


async def test_a_call_without_a_price_is_served_and_flagged(live: Live) -> None:
    answer = await post(live, "/v1/chat/completions", chat("oai/echo"))
    record = await booked(live, answer.headers["x-generation-id"])
    assert (record.cost, record.unpriced) == (None, True)


async def test_generation_and_key_report_in_the_contracts_shape(live: Live) -> None:
    before = (await get(live, "/api/v1/key"))["data"]["usage"]
    answer = await post(live, "/api/v1/chat/completions", chat("acme/echo"))
    call_id = answer.headers["x-generation-id"]
    generation = (await get(live, f"/api/v1/generation?id={call_id}"))["data"]
    cost = answer.json()["usage"]["cost"]
    assert generation["total_cost"] == pytest.approx(cost)
    assert generation["model"] == "acme/echo"
    assert generation["native_tokens_prompt"] == answer.json()["usage"]["prompt_tokens"]
    after = (await get(live, "/api/v1/key"))["data"]["usage"]
    assert after - before == pytest.approx(cost)


async def test_a_fallback_is_invisible_and_both_attempts_are_on_the_books(live: Live) -> None:
    answer = await post(live, "/v1/chat/completions", chat("rescued"))
    assert answer.json()["choices"][0]["message"]["content"] == USER[0]["content"]
    record = await booked(live, answer.headers["x-generation-id"])
    assert record.provider == "ant"
    assert [attempt.provider for attempt in record.attempts][-1] == "ant"
    assert record.attempts[0].code == "upstream_overloaded"
    assert record.attempts[-1].code is None


async def test_a_call_that_no_target_answers_names_provider_and_attempts(live: Live) -> None:
    answer = await post(live, "/v1/chat/completions", chat("doomed"))
    assert answer.status_code == 502
    assert "provider ant" in answer.json()["error"]["message"]
    record = await booked(live, answer.headers["x-generation-id"])
    assert (record.outcome, record.cost) == ("error", None)
    assert f"{len(record.attempts)} attempts" in answer.json()["error"]["message"]


async def test_a_slow_first_token_moves_on(live: Live) -> None:
    answer = await post(live, "/v1/chat/completions", chat("impatient", stream=True))
    assert "[DONE]" in answer.text
    record = await booked(live, answer.headers["x-generation-id"])
    assert [attempt.code for attempt in record.attempts] == ["upstream_timeout", None]


async def test_a_throttled_provider_passes_its_retry_after_on(live: Live) -> None:
    answer = await post(live, "/v1/messages", chat("ant/status-429?retry_after=7"))
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) == 7


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
@pytest.mark.parametrize("provider_name", ["oai", "ant"])
async def test_a_client_that_leaves_stops_the_provider_and_pays_for_what_came(
    live: Live, path: str, provider_name: str
) -> None:
    model = f"{provider_name}/long?chunk_gap=0.02"
    async with httpx2.AsyncClient(base_url=live.url) as client:
        headers = {"authorization": f"Bearer {live.key}"}
        async with client.stream("POST", path, json=chat(model, stream=True), headers=headers) as answer:
            call_id = answer.headers["x-generation-id"]
            seen = 0
            async for chunk in answer.aiter_bytes():
                seen += len(chunk)
                if seen > 2_000:
                    break
    for _ in range(500):
        record = await live.gateway.books.generation(call_id)
        if record is not None and live.provider.aborted:
            break
        await asyncio.sleep(0.01)
    assert live.provider.aborted
    assert record is not None
    assert record.outcome == "cancelled"
    assert record.usage is not None
    assert record.usage.estimated
    assert record.usage.output > 0
    assert record.usage.input > 0
    assert live.provider.served == [] or not live.provider.served[-1].completed


async def test_a_stream_that_breaks_off_is_booked_as_interrupted(live: Live) -> None:
    answer = await post(live, "/v1/chat/completions", chat("oai/cut-after-5", stream=True))
    assert "[DONE]" not in answer.text
    record = await booked(live, answer.headers["x-generation-id"])
    assert (record.outcome, record.error_code) == ("interrupted", "upstream_truncated")
    assert record.usage is not None
    assert record.usage.estimated


async def test_metrics_count_what_the_books_hold(live: Live) -> None:
    for _ in range(3):
        await post(live, "/v1/chat/completions", chat("acme/echo"))
    async with httpx2.AsyncClient(base_url=live.url) as client:
        text = (await client.get("/metrics")).text
    assert 'sekisho_calls_total{code="",model="acme/echo",outcome="ok",provider="priced"} 3.0' in text
