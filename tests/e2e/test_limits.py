"""Limits of keys, over a live gateway: never more than they allow, and never less."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import openai
import pytest
import pytest_asyncio
from tests.e2e.live import PROVIDER_KEY, Live, running

from sekisho.control.services.keys import KeyService
from sekisho.control.services.terms import KeyDraft
from sekisho.control.store.engine import Store
from sekisho.core.clock import Clock
from sekisho.core.money import NANO
from sekisho.metering.counters.memory import MemoryCounters
from sekisho.testkit.provider import ScriptedProvider

pytestmark = pytest.mark.asyncio(loop_scope="module")

CENT = NANO // 100
DOCUMENT = """
providers:
  flat:
    like: openai-compatible
    base_url: {url}/v1
    api_key: ${{SCRIPTED_KEY}}
    models:
      acme/flat: {{upstream: echo, price: &cent {{input: 0, output: 0, request: 0.01}}}}
      acme/slow: {{upstream: "slow?chunk_gap=0.1&first_token_delay=0.2", price: *cent}}
      acme/broken: {{upstream: status-500, price: *cent}}
      acme/cut: {{upstream: cut-after-3, price: *cent}}
      acme/torn: {{upstream: cut-after-3, price: *cent}}
      acme/wrong: {{upstream: status-400, price: *cent}}
      acme/cheap: {{upstream: echo, price: {{input: 0, output: 0, request: 0.001}}}}
  other:
    like: anthropic-compatible
    base_url: {url}/v1
    api_key: ${{SCRIPTED_KEY}}
    models:
      acme/other: {{upstream: echo, price: {{input: 0, output: 0, request: 0.01}}}}
  kept:
    like: openai-responses-compatible
    base_url: {url}/v1
    api_key: ${{SCRIPTED_KEY}}
    models: {{acme/kept: {{upstream: echo, price: *cent}}}}
models:
  dear: {{targets: [acme/flat], degrade: acme/cheap}}
  mended: {{targets: [acme/torn, acme/other]}}
"""
BODY = {"messages": [{"role": "user", "content": "関所はどこですか"}], "max_tokens": 50}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    async with (
        ScriptedProvider(api_key=PROVIDER_KEY) as provider,
        running(tmp_path_factory.mktemp("live"), provider, DOCUMENT) as started,
    ):
        yield started


async def key_with(live: Live, *limits: str) -> str:
    """The text of a new key."""
    store = Store(f"sqlite:///{live.data_dir / 'sekisho.db'}")
    try:
        _, text = await asyncio.to_thread(KeyService(store, Clock()).create, "k", KeyDraft(limits=limits))
    finally:
        store.close()
    return text


async def chat(client: httpx2.AsyncClient, model: str = "acme/flat", **more: Any) -> httpx2.Response:
    return await client.post("/v1/chat/completions", json={"model": model, **BODY, **more})


def counters(live: Live) -> MemoryCounters:
    found = live.gateway._pipeline.attempts.counters
    assert isinstance(found, MemoryCounters)
    return found


def held(live: Live) -> int:
    """Of money, tokens and places, over all limits."""
    return sum(cell.held for cell in counters(live)._cells.values())


async def all_ended(live: Live) -> None:
    async with asyncio.timeout(20):
        while held(live):  # noqa: ASYNC110 - calls whose clients have left tell nobody of their end
            await asyncio.sleep(0.01)


# --- never more, never less -----------------------------------------------------------------------


async def test_of_200_calls_at_once_a_budget_for_10_admits_10(live: Live) -> None:
    key = await key_with(live, "usd 0.1/month")
    before = live.provider.ledger.counts["requests"]
    async with live.http(key) as client:
        answers = await asyncio.gather(*(chat(client) for _ in range(200)))
        assert {answer.status_code for answer in answers} <= {200, 402, 429}
        assert sum(answer.status_code == 200 for answer in answers) == 10
        assert live.provider.ledger.counts["requests"] - before == 10
        assert held(live) == 0
        spent = (await client.get("/api/v1/key")).json()["data"]["usage"]
    assert spent == 0.1


async def test_clients_that_leave_and_providers_that_fail_leave_nothing_held_and_nothing_overspent(
    live: Live,
) -> None:
    key, dice = await key_with(live, "usd 0.2/month", "tokens 100000/day", "concurrent 30"), random.Random(7)
    models = ("acme/flat", "acme/slow", "acme/broken", "acme/cut")
    served = 0
    async with live.http(key) as client:

        async def call(number: int) -> None:
            nonlocal served
            asked = chat(client, dice.choice(models), stream=dice.random() < 0.5)
            with suppress(TimeoutError, httpx2.HTTPError):
                answer = await asyncio.wait_for(asked, dice.choice((0.001, 0.05, 0.1, 20)))
                whole = "data:" not in answer.text or "[DONE]" in answer.text
                served += answer.status_code == 200 and whole

        await asyncio.gather(*(call(number) for number in range(150)))
        await all_ended(live)
        # Not what the provider completed: an answer in one piece whose client has left may be made, and is
        # booked by nobody.
        assert served <= 20
        spent = (await client.get("/api/v1/key")).json()["data"]["usage"]
        assert 0 < spent <= 0.2
        left = round((0.2 - spent) * 100)  # what the books have is what the counters have: no more, no less
        more = [await chat(client) for _ in range(left + 1)]
        assert [answer.status_code for answer in more] == [200] * left + [402]
        assert held(live) == 0


async def test_what_is_used_outlives_the_process_and_new_limits_begin_with_all_they_have(
    tmp_path: Path,
) -> None:
    async with ScriptedProvider(api_key=PROVIDER_KEY) as provider:
        async with running(tmp_path, provider, DOCUMENT) as live, live.http() as admin:
            each, other = "requests 3/hour each=user", "usd 0.02/day provider=other"
            key = await key_with(live, "usd 0.03/month", "tokens 1000/day", each, other)
            async with live.http(key) as client:
                assert (await chat(client, user="ann")).status_code == 200
                assert (await chat(client, "acme/other", user="ann", stream=True)).status_code == 200
            await admin.get("/api/v1/key")
            before = sorted(limits_of(live))
        async with running(tmp_path, provider, DOCUMENT) as live:
            assert sorted(limits_of(live)) == before
            assert {used for _, used in before} >= {2 * CENT, CENT, 2}
            async with live.http(key) as client:
                assert (await chat(client, user="ben")).status_code == 200
                assert (await chat(client, user="cid")).status_code == 402
            late = await key_with(live, "requests 1/day")
            async with live.http(late) as client:
                assert [(await chat(client)).status_code for _ in range(2)] == [200, 429]


def limits_of(live: Live) -> list[tuple[str, int]]:
    return [(counter, cell.used) for counter, cell in counters(live)._cells.items()]


async def test_a_changed_limit_holds_from_the_next_call_on(live: Live) -> None:
    store = Store(f"sqlite:///{live.data_dir / 'sekisho.db'}")
    service = KeyService(store, Clock())
    key, text = await asyncio.to_thread(service.create, "changing", KeyDraft(limits=("requests 1/day",)))
    async with live.http(text) as client:
        assert [(await chat(client)).status_code for _ in range(2)] == [200, 429]
        await asyncio.to_thread(service.update, key.id, KeyDraft(limits=("requests 2/day",)))
        async with asyncio.timeout(10):
            while (await chat(client)).status_code == 429:  # noqa: ASYNC110 - read twice a second
                await asyncio.sleep(0.05)
        assert (await chat(client)).status_code == 429
    store.close()


async def test_each_user_has_an_amount_for_itself_and_those_who_ended_do_not_pile_up(live: Live) -> None:
    key = await key_with(live, "requests 1/minute each=user", "concurrent 1 each=user", "usd 100/day")
    async with live.http(key) as client:
        assert [(await chat(client, user="ann")).status_code for _ in range(2)] == [200, 429]
        assert (await chat(client, user="ben")).status_code == 200
        assert [(await chat(client)).status_code for _ in range(2)] == [200, 429]  # nobody's share one
        before = len(counters(live))
        for _ in range(10):
            answers = [chat(client, user=f"user-{random.random()}") for _ in range(40)]
            assert {answer.status_code for answer in await asyncio.gather(*answers)} == {200}
        assert len(counters(live)) - before < 600  # of the 400 places most are gone


async def test_filters_claim_what_may_answer_and_settle_what_did(live: Live) -> None:
    key = await key_with(
        live, "usd 0.01/month model=acme/flat", "requests 1/hour provider=other", "requests 1/day tag=x"
    )
    async with live.http(key) as client:
        assert (await chat(client)).status_code == 200
        refused = await chat(client)
        assert refused.status_code == 402
        assert "for the model acme/flat" in refused.json()["error"]["message"]
        assert [(await chat(client, "acme/other")).status_code for _ in range(2)] == [200, 429]
        client.headers["x-sekisho-tags"] = "x"
        assert [(await chat(client, "acme/cheap")).status_code for _ in range(2)] == [200, 429]
        client.headers["x-sekisho-tags"] = "y"
        assert (await chat(client, "acme/cheap")).status_code == 200


async def test_counting_tokens_and_refused_requests_count_for_nothing(live: Live) -> None:
    key = await key_with(live, "requests 1/day", "usd 0.01/day")
    async with live.http(key) as client:
        for _ in range(3):
            counted = await client.post("/v1/messages/count_tokens", json={"model": "acme/other", **BODY})
            assert counted.status_code == 200
            assert (await chat(client, "no/such")).status_code == 404
            assert (await chat(client, max_tokens="x")).status_code >= 400
        assert (await chat(client)).status_code == 200


async def test_a_failed_call_costs_nothing_and_one_that_was_left_what_it_came_to(live: Live) -> None:
    key = await key_with(live, "usd 0.02/day")
    async with live.http(key) as client:
        for _ in range(5):
            assert (await chat(client, "acme/wrong")).status_code == 400
        async with client.stream(
            "POST", "/v1/chat/completions", json={"model": "acme/slow", **BODY, "stream": True}
        ) as answer:
            async for _ in answer.aiter_bytes():
                break
        await all_ended(live)
        assert [(await chat(client)).status_code for _ in range(2)] == [200, 402]


async def test_another_target_goes_on_with_a_stream_only_where_limits_have_room_for_it(live: Live) -> None:
    for budget, whole, spent in (("0.019", False, 0.01), ("0.02", True, 0.02)):
        key = await key_with(live, f"usd {budget}/day", "tokens 100000/day", "requests 1/day", "concurrent 1")
        text = "Whoever came to Hakone showed a pass, and waited to be let through."
        async with live.http(key) as client:
            asked = {"messages": [{"role": "user", "content": text}], "stream": True}
            answer = await chat(client, "mended", **asked)
            assert ("[DONE]" in answer.text, "error" in answer.text) == (whole, not whole)
            await all_ended(live)
            assert (await client.get("/api/v1/key")).json()["data"]["usage"] == spent


async def test_only_so_many_calls_at_once(live: Live) -> None:
    key = await key_with(live, "concurrent 3")
    async with live.http(key) as client:
        answers = await asyncio.gather(*(chat(client, "acme/slow", stream=True) for _ in range(10)))
        assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 7
        [refused, *_] = [answer for answer in answers if answer.status_code == 429]
        assert refused.headers["retry-after"] == "1"
        assert "3 calls at the same time" in refused.json()["error"]["message"]
        assert (await chat(client)).status_code == 200


# --- what clients are told ------------------------------------------------------------------------


async def test_headers_fall_from_call_to_call(live: Live) -> None:
    key = await key_with(live, "requests 20/hour", "requests 1000/day", "tokens 5000/day")
    told: list[tuple[int, int]] = []
    async with live.http(key) as client:
        for number in range(8):
            text = "word " * (60 if number % 2 else 5)
            body = {
                "model": "acme/flat",
                "messages": [{"role": "user", "content": text}],
                "max_tokens": 9 * number + 1,
            }
            answer = await client.post("/v1/chat/completions", json={**body, "stream": number % 3 == 0})
            assert answer.headers["x-ratelimit-limit-requests"] == "20"
            assert answer.headers["x-ratelimit-limit-tokens"] == "5000"
            assert answer.headers["x-ratelimit-reset-requests"] in ("1h0m0s", "59m59s")
            told.append(
                (
                    int(answer.headers["x-ratelimit-remaining-requests"]),
                    int(answer.headers["x-ratelimit-remaining-tokens"]),
                )
            )
        assert [requests for requests, _ in told] == list(range(19, 11, -1))
        tokens = [tokens for _, tokens in told]
        assert tokens == sorted(tokens, reverse=True)
        messages = await client.post("/v1/messages", json={"model": "acme/other", **BODY})
        assert messages.headers["anthropic-ratelimit-requests-remaining"] == "11"
        assert messages.headers["anthropic-ratelimit-tokens-reset"].endswith("Z")
        assert "x-ratelimit-limit-requests" not in messages.headers
    async with live.http() as unlimited:
        assert not [name for name in (await chat(unlimited)).headers if "ratelimit" in name]


async def test_every_sdk_raises_its_own_error_and_repeats_no_budget(live: Live) -> None:
    poor, slow = await key_with(live, "usd 0/month"), await key_with(live, "requests 0/minute")
    before = live.provider.ledger.counts["requests"]
    for key, kind in ((poor, openai.APIStatusError), (slow, openai.RateLimitError)):
        with pytest.raises(kind) as caught:
            await live.openai(key).chat.completions.create(model="acme/flat", **BODY)  # type: ignore[call-overload]
        assert caught.value.status_code == (402 if key == poor else 429)
        assert caught.value.code == ("insufficient_quota" if key == poor else "rate_limit_exceeded")
        assert caught.value.response.headers["x-should-retry"] == "false"
    for key, kind in ((poor, anthropic.APIStatusError), (slow, anthropic.RateLimitError)):
        with pytest.raises(kind) as found:
            await live.anthropic(key).messages.create(model="acme/other", **BODY)  # type: ignore[call-overload]
        assert found.value.type == ("billing_error" if key == poor else "rate_limit_error")
    async with live.http(poor) as client:
        gemini = await client.post(
            "/v1beta/models/acme/flat:generateContent", json={"contents": [{"parts": [{"text": "x"}]}]}
        )
        assert (gemini.status_code, gemini.json()["error"]["status"]) == (402, "RESOURCE_EXHAUSTED")
        bedrock = await client.post(
            "/model/acme%2Fflat/converse", json={"messages": [{"role": "user", "content": [{"text": "x"}]}]}
        )
        assert (bedrock.status_code, bedrock.json()["__type"]) == (402, "ServiceQuotaExceededException")
    assert live.provider.ledger.counts["requests"] == before


async def test_a_refusal_names_limit_use_and_time(live: Live) -> None:
    key = await key_with(live, "usd 0.01/hour")
    async with live.http(key) as client:
        await chat(client)
        refused = await chat(client)
    message = refused.json()["error"]["message"]
    assert "this key's budget of 0.01 USD an hour" in message
    assert "0.01 USD used" in message
    assert "it may come to 0.01 USD" in message
    assert "try again in" in message
    assert 0 < int(refused.headers["retry-after"]) <= 3600


# --- what else a limit may do ---------------------------------------------------------------------


async def test_where_the_limit_and_the_route_allow_it_a_call_goes_to_a_cheaper_model(live: Live) -> None:
    key = await key_with(live, "usd 0.015/day when_reached=degrade")
    async with live.http(key) as client:
        first = await chat(client, "dear")
        assert "x-sekisho-degraded" not in first.headers
        second = await client.post(
            "/v1/chat/completions", json={"model": "dear", **BODY}, headers={"x-sekisho-explain": "1"}
        )
        assert second.headers["x-sekisho-degraded"] == "acme/cheap"
        assert '"degraded":"acme/cheap"' in second.headers["x-sekisho-explain"]
        record = await live.gateway.books.generation(second.headers["x-generation-id"])
        assert record is not None
        assert record.explanation is not None
        assert (record.requested_model, record.model) == ("dear", "acme/cheap")
        assert record.explanation.degraded == "acme/cheap"
        assert (await chat(client, "acme/flat")).status_code == 402  # this one names no cheaper model
        assert [(await chat(client, "dear")).status_code for _ in range(5)] == [200] * 4 + [402]


async def test_what_is_made_in_the_background_stays_held_until_it_is_known(live: Live) -> None:
    key = await key_with(live, "usd 0.015/day", "concurrent 5")
    client = live.openai(key)
    queued = await client.responses.create(model="acme/kept", input="x", background=True)
    assert held(live) == CENT + 1
    with pytest.raises(openai.RateLimitError, match="held for calls under way"):
        await client.responses.create(model="acme/kept", input="x", background=True)
    for _ in range(2):
        assert (await client.responses.retrieve(queued.id)).status == "completed"
        assert held(live) == 0
    with pytest.raises(openai.APIStatusError, match=r"0\.01 USD used, and") as caught:
        await client.responses.create(model="acme/kept", input="x")
    assert caught.value.status_code == 402
