"""What bad input gets: a status, the error in the client's own dialect, and the field that is wrong."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from tests.e2e.live import DOCUMENT, Live, scripted
from tests.e2e.refusal import CHAT, MESSAGES, call, dialects, providers, refused, streamed

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    async with scripted(tmp_path_factory.mktemp("live")) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(live: Live) -> AsyncIterator[httpx2.AsyncClient]:
    async with live.http() as made:
        yield made


# --- the body -------------------------------------------------------------------------------------


@dialects
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b'{"model":"oai/echo","messages":[{"role":"user","content":"x"}]',
        b'[{"model":"oai/echo"}]',
        b'"oai/echo"',
        b"null",
        b"\xff\xfe{}",
        b'\xef\xbb\xbf{"model":"oai/echo"}',
        b'{"mod\xffel":"oai/echo"}',
        b'{"messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
    ids=["empty", "text", "cut", "list", "string", "null", "binary", "mark", "name", "nested"],
)
async def test_what_is_no_json_object_is_refused(client: httpx2.AsyncClient, path: str, body: bytes) -> None:
    assert "not a JSON object" in refused(await client.post(path, content=body), 400)


@dialects
@streamed
@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 7}, "model"),
        ({"model": ["oai/echo"]}, "model"),
        ({"model": ""}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": "x"}, "messages"),
        ({"messages": {}}, "messages"),
        ({"messages": []}, "messages"),
        ({"stream": "yes"}, "stream"),
        ({"stream": 1}, "stream"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"max_tokens": {}}, "max_tokens"),
    ],
    ids=str,
)
async def test_a_wrong_member_is_named(
    client: httpx2.AsyncClient, path: str, stream: bool, changes: dict[str, Any], param: str
) -> None:
    refused(await client.post(path, json=call(stream=stream) | changes), 400, param)


@dialects
@streamed
@pytest.mark.parametrize("name", ["model", "messages"])
async def test_a_missing_member_is_named(
    client: httpx2.AsyncClient, path: str, stream: bool, name: str
) -> None:
    body = call(stream=stream)
    del body[name]
    refused(await client.post(path, json=body), 400, name)


@streamed
@pytest.mark.parametrize(
    ("path", "model", "changes", "param"),
    [
        (CHAT, "ant/echo", {"messages": [1]}, "messages.0"),
        (CHAT, "ant/echo", {"messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
        (CHAT, "ant/echo", {"messages": [{"role": "king", "content": "x"}]}, "messages.0.role"),
        (CHAT, "ant/echo", {"temperature": "hot"}, "temperature"),
        (CHAT, "ant/echo", {"tools": [{"type": "function"}]}, "tools.0.function"),
        (MESSAGES, "oai/echo", {"messages": [1]}, "messages.0"),
        (MESSAGES, "oai/echo", {"messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
        (MESSAGES, "oai/echo", {"messages": [{"role": "king", "content": "x"}]}, "messages.0.role"),
        (MESSAGES, "oai/echo", {"temperature": "hot"}, "temperature"),
        (MESSAGES, "oai/echo", {"tools": [{"name": "x"}]}, "tools.0.input_schema"),
    ],
    ids=str,
)
async def test_what_is_wrong_deep_inside_is_named_before_a_translated_call_is_made(
    client: httpx2.AsyncClient,
    live: Live,
    path: str,
    stream: bool,
    model: str,
    changes: dict[str, Any],
    param: str,
) -> None:
    before = len(live.provider.requests)
    refused(await client.post(path, json=call(model, stream=stream) | changes), 400, param)
    assert len(live.provider.requests) == before


@streamed
async def test_what_is_wrong_deep_inside_a_spliced_call_is_the_providers_to_say(
    client: httpx2.AsyncClient, stream: bool
) -> None:
    wrong = [{"role": "user", "content": 5}]
    answer = await client.post(CHAT, json=call("oai/echo", messages=wrong, stream=stream))
    refused(answer, 400, "messages[0].content")
    answer = await client.post(MESSAGES, json=call("ant/echo", messages=wrong, stream=stream))
    refused(answer, 400)
    assert "messages.0.content" in answer.json()["error"]["message"]


@providers
@streamed
@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@pytest.mark.parametrize(
    "content",
    [b'"\xff\xfe"', b'"\xed\xa0\x80"', rb'"\ud800"', rb'"\udc00\ud800"', b"[" * 5_000 + b"]" * 5_000],
    ids=["not utf-8", "encoded surrogate", "escaped surrogate", "swapped surrogates", "nested"],
)
async def test_text_that_is_none_and_endless_nesting_are_the_senders_mistake(
    client: httpx2.AsyncClient, path: str, provider_name: str, stream: bool, content: bytes
) -> None:
    body = b'{"model":"%b/echo","max_tokens":9,"stream":%b,"messages":[{"role":"user","content":%b}]}' % (
        provider_name.encode(),
        json.dumps(stream).encode(),
        content,
    )
    assert (await client.post(path, content=body)).status_code == 400


async def test_a_member_given_twice_counts_once_and_the_same_for_us_and_the_provider(
    client: httpx2.AsyncClient, live: Live
) -> None:
    """Else a key that may use only the last model named could have the first one served."""
    last = '"messages": [{"role": "user", "content": "x"}]'
    body = '{"model": "other", "max_tokens": 9, "\\u006dodel": "hello", "model": "acme/echo", ' + last + "}"
    for path in (CHAT, MESSAGES):
        for body_model in ("acme/echo", "echo"):
            text = body.replace("acme/echo", body_model)
            answer = await client.post(path, content=text.encode())
            assert answer.status_code == 200
            seen = json.loads(live.provider.requests[-1].body, object_pairs_hook=list)
            assert [value for name, value in seen if name == "model"] == ["echo"]


# --- the model ------------------------------------------------------------------------------------


@dialects
@streamed
async def test_an_unknown_model_is_told_with_the_nearest_names(
    client: httpx2.AsyncClient, path: str, stream: bool
) -> None:
    answer = await client.post(path, json=call("acme/ecko", stream=stream))
    assert "acme/echo" in refused(answer, 404, "model")
    nothing_like_it = refused(await client.post(path, json=call("zzzzzzzz", stream=stream)), 404, "model")
    assert "/v1/models" in nothing_like_it


HOSTILE = [
    "x" * 200_000,
    "oai/" + "x" * 200_000,
    "oai/echo\r\nx-injected: yes",
    "oai/echo\0",
    "echo\x1b[31m",
    "'; DROP TABLE calls; --",
    "oai/'; DROP TABLE calls; --",
    "../../etc/passwd",
    "oai/../../admin?x=1#y",
    "oai//echo",
    "oai/%2e%2e%2fadmin",
    "oai/http://169.254.169.254/",
    "oai/${SCRIPTED_KEY}",
    "oai/{0.__class__}",
    "/",
    "oai/",
    "😀/\u202eohce",
    "__proto__",
]


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@providers
@streamed
async def test_a_hostile_model_name_is_data_and_nothing_else(
    client: httpx2.AsyncClient, live: Live, path: str, provider_name: str, stream: bool
) -> None:
    before = len(live.provider.requests)
    for name in HOSTILE:
        model = name.replace("oai/", f"{provider_name}/")
        answer = await client.post(path, json=call(model, stream=stream))
        assert answer.status_code in (200, 400, 404)
        assert "x-injected" not in answer.headers
        assert len(answer.content) < 5_000
        if answer.status_code == 200:
            record = await live.gateway.books.generation(answer.headers["x-generation-id"])
            assert record is not None
            assert record.requested_model == model
            sent = json.loads(live.provider.requests[-1].body)["model"]
            assert sent == model.partition("/")[2]
        else:
            refused(answer, answer.status_code, "model")
    reached = list(live.provider.requests)[before:]
    assert reached
    assert {request.path for request in reached} <= {"/v1/chat/completions", "/v1/messages"}


# --- too much -------------------------------------------------------------------------------------


async def test_a_body_over_the_limit_is_refused_without_being_read(tmp_path: Path) -> None:
    async with scripted(tmp_path, DOCUMENT + "server: {{body_limit: 1KiB}}\n") as live, live.http() as client:
        for path in (CHAT, MESSAGES):
            small = call(messages=[{"role": "user", "content": "x" * 700}])
            assert (await client.post(path, json=small)).status_code == 200
            large = call(messages=[{"role": "user", "content": "x" * 1_000}])
            answer = await client.post(path, json=large)
            kind = "request_too_large" if path == MESSAGES else "invalid_request_error"
            assert "1024 bytes" in refused(answer, 413, kind=kind)
            # Announced, but never sent: the answer does not wait for it.
            status = await first_line(live, path, b"content-length: 30000000\r\n\r\n")
            assert b" 413 " in status
            chunk = b"400\r\n" + b"x" * 0x400 + b"\r\n"
            assert b" 413 " in await first_line(live, path, b"transfer-encoding: chunked\r\n\r\n" + chunk * 2)
        assert len(live.provider.requests) == 2


async def first_line(live: Live, path: str, rest: bytes) -> bytes:
    """The status line of the answer to a request that stays unfinished."""
    host, _, port = live.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {live.key}\r\n"
    try:
        writer.write(head.encode() + rest)
        async with asyncio.timeout(10):
            return await reader.readline()
    finally:
        writer.close()
