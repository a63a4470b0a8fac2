"""Where client and provider speak the same dialect, what goes through is what was sent, byte for byte."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
import pytest_asyncio
from tests.e2e.live import ADMIN_KEY, PROVIDER_KEY, Live, running
from tests.e2e.tape import Tape, tape

from sekisho.core.message import Reasoning, Text, ToolCall
from sekisho.core.reply import Choice, Finish, Reply
from sekisho.core.usage import Usage
from sekisho.testkit import golden
from sekisho.testkit.golden import Case
from sekisho.testkit.provider.format import Asked
from sekisho.testkit.provider.openai_chat import OPENAI_CHAT
from sekisho.testkit.provider.script import Script

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT = Path(__file__).parents[1] / "golden"
PATHS = {"openai_chat": "/v1/chat/completions", "anthropic_messages": "/v1/messages"}
SAME = {"openai_chat": "acme/chat", "anthropic_messages": "acme/messages"}
"""Models whose names are the provider's own."""
OTHER = {"openai_chat": "acme/chat-2", "anthropic_messages": "acme/messages-2"}
DOCUMENT = """
providers:
  chat:
    like: openai-compatible
    base_url: {url}/v1
    api_key: ${{SCRIPTED_KEY}}
    models: {{acme/chat: {{upstream: acme/chat}}, acme/chat-2: {{upstream: "gpt-秘/2"}}}}
  messages:
    like: anthropic-compatible
    base_url: {url}/v1
    api_key: ${{SCRIPTED_KEY}}
    models: {{acme/messages: {{upstream: acme/messages}}, acme/messages-2: {{upstream: "gpt-秘/2"}}}}
"""
CASES = [case for dialect in PATHS for case in golden.cases(ROOT, dialect)]
ANSWERS = {
    "openai_chat": (
        b'{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,'
        b'"message":{"role":"assistant","content":"x"},"finish_reason":"stop"}]}',
        b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":'
        b'[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
    ),
    "anthropic_messages": (
        b'{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":"end_turn"}',
        b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","type":"message",'
        b'"role":"assistant","model":"m","content":[]}}\n\n'
        b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
    ),
}
both = pytest.mark.parametrize("dialect", PATHS)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def provider() -> AsyncIterator[Tape]:
    async with tape() as player:
        yield player


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(tmp_path_factory: pytest.TempPathFactory, provider: Tape) -> AsyncIterator[Live]:
    async with running(tmp_path_factory.mktemp("live"), provider, DOCUMENT) as started:  # type: ignore[arg-type]
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(live: Live) -> AsyncIterator[httpx2.AsyncClient]:
    async with live.http() as made:
        yield made


def members(body: bytes) -> dict[str, bytes]:
    """Name -> the value's bytes, in order."""
    found = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return {name: bytes(raw) for name, raw in found.items()}


def for_model(body: bytes, model: str) -> bytes:
    """The same request, of another model: nothing else of it changes."""
    named = re.compile(rb'("model"\s*:\s*)' + re.escape(members(body)["model"]))
    changed, count = named.subn(lambda found: found[1] + json.dumps(model).encode(), body, count=1)
    assert count == 1
    return changed


async def reached(
    client: httpx2.AsyncClient, provider: Tape, dialect: str, body: bytes, **headers: str
) -> tuple[dict[bytes, bytes], bytes]:
    """Headers and body that the provider received of a request."""
    stream = members(body).get("stream") == b"true"
    provider.play(ANSWERS[dialect][stream], stream=stream)
    answer = await client.post(PATHS[dialect], content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.content == ANSWERS[dialect][stream]
    return provider.heads[-1], provider.bodies[-1]


def counted(sent: dict[str, bytes], dialect: str) -> dict[str, bytes]:
    """What the provider should receive: the one member that metering adds to a stream of OpenAI's format."""
    options = members(sent.get("stream_options", b"{}").replace(b"null", b"{}"))
    if dialect == "openai_chat" and sent.get("stream") == b"true" and options.get("include_usage") != b"true":
        options["include_usage"] = b"true"
        written = b",".join(json.dumps(name).encode() + b":" + raw for name, raw in options.items())
        return {**sent, "stream_options": b"{" + written + b"}"}
    return sent


# --- what the provider receives --------------------------------------------------------------------


@pytest.mark.parametrize("case", [case for case in CASES if case.request], ids=lambda case: case.name)
async def test_a_request_reaches_the_provider_as_it_was_sent(
    client: httpx2.AsyncClient, provider: Tape, case: Case
) -> None:
    assert case.request is not None
    for stream in (False, True):
        body = for_model(case.request, SAME[case.dialect])
        if stream and "stream" not in members(body):
            body = body.rstrip()[:-1].rstrip() + b', "stream": true}'
        _, received = await reached(client, provider, case.dialect, body)
        expected = counted(members(body), case.dialect)
        assert received == body if expected == members(body) else members(received) == expected
        renamed = for_model(body, OTHER[case.dialect])
        _, received = await reached(client, provider, case.dialect, renamed)
        expected = counted(members(renamed), case.dialect) | {"model": '"gpt-秘/2"'.encode()}
        assert list(members(received).items()) == list(expected.items())


ODD = r"""
{ "z_unknown"	: {"b":1,  "a" : [ ] ,"big":123456789012345678901234567890, "exact": 1.10e+05, "zero":-0.0},
  "messages":[{"content":"\u95a2\u6240 \/ \ud83c\udfef é \u0000 \" \\"  ,"role":"user","x_new":null}],
  "max_tokens" :64,"temperature": 0.70,
  "" : "no name", "tools":[],"metadata" : {"twice":1,"twice":2},
  "seed":  9007199254740993
,"model"  :"MODEL"  }
""".encode()


@both
async def test_odd_spellings_survive(client: httpx2.AsyncClient, provider: Tape, dialect: str) -> None:
    body = ODD.replace(b"MODEL", SAME[dialect].encode())
    _, received = await reached(client, provider, dialect, body)
    assert received == body
    renamed = ODD.replace(b"MODEL", OTHER[dialect].encode())
    _, received = await reached(client, provider, dialect, renamed)
    expected = members(renamed) | {"model": '"gpt-秘/2"'.encode()}
    assert list(members(received).items()) == list(expected.items())


async def test_to_a_streams_options_only_the_count_is_added(
    client: httpx2.AsyncClient, provider: Tape
) -> None:
    start = b'{"model":"acme/chat","messages":[{"role":"user","content":"x"}],"stream":true'
    asked = start + b', "stream_options": {"x_new":[ 1 ], "include_usage": true} }'
    _, received = await reached(client, provider, "openai_chat", asked)
    assert received == asked
    for options in (b"", b',"stream_options":null', b',"stream_options":{}'):
        _, received = await reached(client, provider, "openai_chat", start + options + b"}")
        assert received == start + b',"stream_options":{"include_usage":true}}'
    more = start + b',"stream_options":{"include_obfuscation":false, "x":[ 1 ]}}'
    _, received = await reached(client, provider, "openai_chat", more)
    assert json.loads(received)["stream_options"] == {
        "include_obfuscation": False,
        "x": [1],
        "include_usage": True,
    }


SENT = {
    "user-agent": "somebody/1.0",
    "cookie": "session=secret",
    "x-api-key": "sk-somebody-elses",
    "x-forwarded-for": "192.0.2.7",
    "openai-organization": "org-the-clients",
    "openai-project": "proj-the-clients",
    "http-referer": "https://app.example",
    "x-title": "App",
    "x-stainless-lang": "python",
    "accept": "application/json",
    "accept-encoding": "gzip, br",
    "openai-beta": "assistants=v2",
    "anthropic-beta": "context-1m-2025-08-07",
    "anthropic-version": "2026-10-21",
    "anthropic-dangerous-direct-browser-access": "true",
    "x-script": '{"status": 503}',
    "transfer-encoding": "chunked",
    "x-http-method-override": "DELETE",
}
FRAME = {b"host", b"accept-encoding", b"content-type", b"content-length", b"x-sekisho-hops", b""}


@both
async def test_of_the_clients_headers_only_those_of_the_dialect_go_on(
    client: httpx2.AsyncClient, provider: Tape, dialect: str
) -> None:
    body = b'{"model":"%b","max_tokens":9,"messages":[{"role":"user","content":"x"}]}'
    head, _ = await reached(client, provider, dialect, body % SAME[dialect].encode(), **SENT)
    assert head[b""] == f"POST {PATHS[dialect]} HTTP/1.1".encode()
    assert head[b"accept-encoding"] == b"identity"
    if dialect == "openai_chat":
        assert head.keys() - FRAME == {b"authorization", b"openai-beta"}
        assert head[b"authorization"] == f"Bearer {PROVIDER_KEY}".encode()
        assert head[b"openai-beta"] == b"assistants=v2"
    else:
        assert head.keys() - FRAME == {b"x-api-key", b"anthropic-version", b"anthropic-beta"}
        assert head[b"x-api-key"] == PROVIDER_KEY.encode()
        assert head[b"anthropic-beta"] == b"context-1m-2025-08-07"
        # The body is written in the client's version, so that is what the provider must read it in.
        assert head[b"anthropic-version"] == b"2026-10-21"
    assert ADMIN_KEY.encode() not in b"".join(head.values())
    head, _ = await reached(client, provider, dialect, body % SAME[dialect].encode())
    assert head.get(b"anthropic-version") == (None if dialect == "openai_chat" else b"2023-06-01")


@both
async def test_a_provider_of_the_other_dialect_sees_none_of_them(
    client: httpx2.AsyncClient, provider: Tape, dialect: str
) -> None:
    other = next(name for name in PATHS if name != dialect)
    provider.play(ANSWERS[other][0], stream=False)
    body = {"model": SAME[other], "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}
    answer = await client.post(PATHS[dialect], json=body, headers=SENT)
    assert answer.status_code == 200
    head = provider.heads[-1]
    own = {b"authorization"} if other == "openai_chat" else {b"x-api-key", b"anthropic-version"}
    assert head.keys() - FRAME == own
    assert head.get(b"anthropic-version", b"2023-06-01") == b"2023-06-01"
    assert ADMIN_KEY.encode() not in b"".join(head.values())


# --- what the client receives ----------------------------------------------------------------------


def asking(dialect: str, **more: Any) -> dict[str, Any]:
    return {"model": OTHER[dialect], "max_tokens": 9, "messages": [{"role": "user", "content": "x"}], **more}


@pytest.mark.parametrize("case", [case for case in CASES if case.reply], ids=lambda case: case.name)
async def test_an_answer_reaches_the_client_as_the_provider_gave_it(
    client: httpx2.AsyncClient, provider: Tape, case: Case
) -> None:
    assert case.reply is not None
    provider.play(case.reply, stream=False)
    answer = await client.post(PATHS[case.dialect], json=asking(case.dialect))
    assert answer.status_code == 200, answer.text
    assert answer.content == case.reply


@pytest.mark.parametrize("case", [case for case in CASES if case.stream], ids=lambda case: case.name)
async def test_a_stream_reaches_the_client_as_the_provider_gave_it(
    client: httpx2.AsyncClient, provider: Tape, case: Case
) -> None:
    assert case.stream is not None
    for piece in (None, 1, 61):
        provider.play(case.stream, stream=True, piece=piece)
        body = asking(case.dialect, stream=True)
        if case.dialect == "openai_chat":
            body["stream_options"] = {"include_usage": True}
        answer = await client.post(PATHS[case.dialect], json=body)
        assert answer.status_code == 200, answer.text
        assert answer.content == case.stream


async def test_a_stream_looks_to_who_did_not_ask_for_usage_as_if_nobody_had(
    client: httpx2.AsyncClient, provider: Tape
) -> None:
    parts = (
        Reasoning(text="深く考える"),
        Text(text='関所: "usage":null, and more'),
        ToolCall(id="1", name="clock", arguments='{"usage": null}'),
    )
    choice = Choice(parts=parts, finish=Finish(reason="tool_calls"))
    reply = Reply(id="chatcmpl-1", model="m", created=1, choices=(choice,), usage=Usage(input=5, output=7))
    asked = Asked(model="m", stream=True, include_usage=True)
    counted, plain = (
        b"".join(OPENAI_CHAT.frames(reply, each, Script()))
        for each in (asked, Asked(model="m", stream=True, include_usage=False))
    )
    assert counted != plain
    provider.play(counted, stream=True)
    answer = await client.post(PATHS["openai_chat"], json=asking("openai_chat", stream=True))
    assert answer.content == plain
