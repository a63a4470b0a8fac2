"""Who and what is turned away: keys, models, content, failing providers, addresses."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from tests.e2e.live import DOCUMENT, Live, scripted
from tests.e2e.refusal import CHAT, MESSAGES, call, dialects, providers, refused, streamed

from sekisho.control.services.keys import KeyService
from sekisho.control.services.terms import KeyDraft
from sekisho.control.store.engine import Store
from sekisho.core.clock import Clock

pytestmark = pytest.mark.asyncio(loop_scope="module")

MORE = """
  spoken:
    targets: [{{model: echo, provider: ant}}, {{model: echo, provider: oai}}]
  late:
    targets: [{{model: stall, provider: oai}}]
    timeouts: {{first_token: 200ms, total: 300ms}}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    async with scripted(tmp_path_factory.mktemp("live"), DOCUMENT + MORE) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(live: Live) -> AsyncIterator[httpx2.AsyncClient]:
    async with live.http() as made:
        yield made


# --- the key --------------------------------------------------------------------------------------


def keys_of(live: Live) -> KeyService:
    return KeyService(Store(f"sqlite:///{live.data_dir / 'sekisho.db'}"), Clock())


@dialects
@streamed
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer"},
        {"authorization": "Bearer sk-wrong"},
        {"authorization": "Basic c2stc2VraXNobw=="},
        {"authorization": ""},
        {"x-api-key": "sk-wrong"},
        {"x-api-key": ""},
        {"x-api-key": "鍵".encode()},
    ],
    ids=str,
)
async def test_without_a_known_key_nothing_is_served(
    live: Live, path: str, stream: bool, headers: dict[str, Any]
) -> None:
    async with httpx2.AsyncClient(base_url=live.url) as anonymous:
        # Before anything of the body is looked at: a stranger learns nothing of what is served.
        for body in (call(stream=stream), call("no/such", stream=stream), {}):
            refused(await anonymous.post(path, json=body, headers=headers), 401)
        for page in ("/v1/models", "/api/v1/models", "/api/v1/key", "/api/v1/generation?id=gen-1"):
            assert (await anonymous.get(page, headers=headers)).status_code == 401


@dialects
async def test_a_revoked_and_an_expired_key_are_refused(live: Live, path: str) -> None:
    keys = keys_of(live)
    revoked, revoked_text = await asyncio.to_thread(keys.create, f"leaver {path}")
    ends = time.time() + 0.4
    _, expiring_text = await asyncio.to_thread(
        lambda: keys.create(f"guest {path}", KeyDraft(expires=datetime.fromtimestamp(ends, UTC)))
    )
    async with live.http(revoked_text) as client:
        assert (await client.post(path, json=call())).status_code == 200
        await asyncio.to_thread(keys.revoke, revoked.id)
        assert "revoked" in await refused_in_time(client, path)
    async with live.http(expiring_text) as client:
        assert "expired" in await refused_in_time(client, path)


async def refused_in_time(client: httpx2.AsyncClient, path: str) -> str:
    for _ in range(200):
        answer = await client.post(path, json=call())
        if answer.status_code != 200:
            break
        await asyncio.sleep(0.05)
    return refused(answer, 401)


@dialects
@streamed
async def test_a_key_for_some_models_may_use_no_other_by_any_of_its_names(
    live: Live, path: str, stream: bool
) -> None:
    keys = keys_of(live)
    _, text = await asyncio.to_thread(lambda: keys.create(f"narrow {path}", KeyDraft(models=("acme/echo",))))
    async with live.http(text) as client:
        for allowed in ("acme/echo", "priced/acme/echo"):
            assert (await client.post(path, json=call(allowed, stream=stream))).status_code == 200
        for other in ("acme/cached", "cached", "priced/acme/cached", "rescued", "oai/echo", "priced/cached"):
            answer = await client.post(path, json=call(other, stream=stream))
            refused(answer, 403 if answer.status_code != 404 else 404, "model")
        listed = (await client.get("/v1/models")).json()["data"]
        assert [model["id"] for model in listed] == ["acme/echo"]


# --- what the target cannot express ---------------------------------------------------------------


SOUND = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
SPEECH = [{"role": "user", "content": [SOUND, {"type": "text", "text": "what is this?"}]}]
PAGE = {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}}
PAPER = [{"role": "user", "content": [PAGE, {"type": "text", "text": "what is this?"}]}]
SEARCH = {"type": "web_search_20250305", "name": "web_search"}
GRAMMAR = {"type": "custom", "custom": {"name": "lark"}}


@streamed
@pytest.mark.parametrize(
    ("path", "model", "changes", "param"),
    [
        (CHAT, "ant/echo", {"messages": SPEECH}, "messages.0.parts.0"),
        (CHAT, "ant/echo", {"n": 2}, "choices"),
        (CHAT, "ant/echo", {"response_format": {"type": "json_object"}}, "output"),
        (CHAT, "ant/echo", {"tools": [GRAMMAR]}, "tools.0"),
        (MESSAGES, "oai/echo", {"messages": PAPER}, "messages.0.parts.0"),
        (MESSAGES, "oai/echo", {"tools": [SEARCH]}, "tools.0"),
    ],
    ids=["audio", "choices", "format", "grammar", "document", "search"],
)
async def test_content_that_the_target_cannot_express_is_refused_by_name(
    client: httpx2.AsyncClient,
    live: Live,
    path: str,
    stream: bool,
    model: str,
    changes: dict[str, Any],
    param: str,
) -> None:
    before = len(live.provider.requests)
    refused(await client.post(path, json=call(model, stream=stream) | changes), 422, param)
    assert len(live.provider.requests) == before


@streamed
@pytest.mark.parametrize("changes", [{"messages": SPEECH}, {"n": 2}], ids=["audio", "choices"])
async def test_a_later_target_that_can_express_it_answers(
    client: httpx2.AsyncClient, live: Live, stream: bool, changes: dict[str, Any]
) -> None:
    answer = await client.post(CHAT, json=call("spoken", stream=stream) | changes)
    assert answer.status_code == 200
    assert answer.headers["x-sekisho-provider"] == "oai"
    sent = json.loads(live.provider.requests[-1].body)
    assert {name: sent[name] for name in changes} == changes


@streamed
@pytest.mark.parametrize(
    ("path", "model", "changes", "dropped"),
    [
        (CHAT, "ant/echo", {"seed": 7, "logit_bias": {"5": 1}}, {"sampling.seed", "sampling.logit_bias"}),
        (CHAT, "ant/echo", {"temperature": 1.7}, {"sampling.temperature"}),
        (MESSAGES, "oai/echo", {"top_k": 5}, {"sampling.top_k"}),
        (CHAT, "oai/echo", {"seed": 7}, set()),
        (MESSAGES, "ant/echo", {"top_k": 5}, set()),
    ],
    ids=["to anthropic", "out of range", "to openai", "openai alike", "anthropic alike"],
)
async def test_a_tuning_knob_that_the_target_lacks_is_dropped_and_named(
    client: httpx2.AsyncClient,
    path: str,
    stream: bool,
    model: str,
    changes: dict[str, Any],
    dropped: set[str],
) -> None:
    answer = await client.post(path, json=call(model, stream=stream) | changes)
    assert answer.status_code == 200
    named = answer.headers.get("x-sekisho-dropped", "")
    assert set(named.split(", ") if named else ()) == dropped


async def test_a_members_name_cannot_write_headers(client: httpx2.AsyncClient) -> None:
    names = (
        "a\r\nx-injected: yes",
        "\0",
        "関所",
        "a, b",
        "x" * 100_000,
        *(f"many{at}" for at in range(3_000)),
    )
    for name in names[:5]:
        answer = await client.post(CHAT, json=call("ant/echo") | {name: 1})
        assert answer.status_code == 200
        assert "x-injected" not in answer.headers
        assert answer.headers["x-sekisho-dropped"].startswith("vendor.openai_chat.")
    answer = await client.post(CHAT, json=call("ant/echo") | dict.fromkeys(names, 1))
    assert len(answer.headers["x-sekisho-dropped"]) < 8_000


# --- what goes wrong behind it --------------------------------------------------------------------


@providers
@streamed
@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@pytest.mark.parametrize(
    ("script", "status"),
    [("reset", 502), ("close", 502), ("status-429?retry_after=0", 429), ("malformed-after-0", 502)],
)
async def test_a_providers_failure_names_it_and_the_attempts(
    client: httpx2.AsyncClient, path: str, provider_name: str, stream: bool, script: str, status: int
) -> None:
    answer = await client.post(path, json=call(f"{provider_name}/{script}", stream=stream))
    message = refused(answer, status)
    assert f"provider {provider_name}" in message
    assert "attempt" in message
    assert ("retry-after" in answer.headers) == (status == 429)


@dialects
@streamed
async def test_a_provider_that_says_nothing_in_time_is_named(
    client: httpx2.AsyncClient, path: str, stream: bool
) -> None:
    message = refused(await client.post(path, json=call("late", stream=stream)), 504)
    assert "provider oai, 1 attempt" in message


@dialects
@streamed
async def test_of_what_nobody_foresaw_the_client_learns_only_the_requests_id(
    client: httpx2.AsyncClient, live: Live, path: str, stream: bool
) -> None:
    pipeline = live.gateway._pipeline
    plane, pipeline.plane = pipeline.plane, "a broken part"  # type: ignore[assignment]
    try:
        answer = await client.post(path, json=call(stream=stream))
    finally:
        pipeline.plane = plane
    message = refused(answer, 500)
    assert "attribute" not in answer.text
    assert "broken" not in answer.text
    assert answer.headers["x-request-id"] in (answer.json()["request_id"], message)
    assert (await client.post(path, json=call(stream=stream))).status_code == 200


# --- the address ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
@dialects
async def test_a_call_takes_post_only(client: httpx2.AsyncClient, path: str, method: str) -> None:
    answer = await client.request(method, path)
    assert answer.headers["allow"] == "POST"
    if method == "HEAD":
        assert (answer.status_code, answer.content) == (405, b"")
    else:
        assert "POST" in refused(answer, 405)


@pytest.mark.parametrize(
    "path", ["/v1/models", "/api/v1/models", "/api/v1/key", "/api/v1/generation", "/healthz", "/metrics"]
)
async def test_a_page_takes_get_only(client: httpx2.AsyncClient, path: str) -> None:
    for method in ("POST", "DELETE"):
        answer = await client.request(method, path, json={})
        assert answer.headers["allow"] == "GET, HEAD"
        assert "GET" in refused(answer, 405)


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/chat/completions/", "/v1/none", "/v1//messages", "/V1/messages", "/%2e%2e/x"]
)
async def test_an_unknown_path_is_told(client: httpx2.AsyncClient, path: str) -> None:
    for method in ("GET", "POST"):
        answer = await client.request(method, path, json=call())
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "not_found"
    await client.get("/" + "x" * 20_000)


async def test_a_generation_is_shown_to_its_own_key_only(client: httpx2.AsyncClient, live: Live) -> None:
    refused(await client.get("/api/v1/generation"), 400, "id")
    refused(await client.get("/api/v1/generation?id=gen-0"), 404, "id")
    _, text = await asyncio.to_thread(keys_of(live).create, "nosy")
    answer = await client.post(CHAT, json=call())
    mine = f"/api/v1/generation?id={answer.headers['x-generation-id']}"
    assert (await client.get(mine)).status_code == 200
    async with live.http(text) as other:
        refused(await other.get(mine), 404, "id")
