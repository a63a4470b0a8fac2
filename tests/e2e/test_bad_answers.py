"""What a provider answers instead of an answer, over the wire: whoever asks, in whatever language, gets a
typed error of that language, and never the provider's page."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from tests.e2e.languages import PROVIDERS, call
from tests.e2e.live import Live, running, scripted
from tests.e2e.tape import Tape, tape

from sekisho.app import DIALECTS
from sekisho.core.error import Malformed, Truncated, UpstreamError
from sekisho.testkit import eventframes, golden
from sekisho.testkit.laws import streams
from sekisho.testkit.laws.framing import frames
from sekisho.wire.json import decode, encode

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT = Path(__file__).parents[1] / "golden" / "transcripts"
PAGE = b"<!DOCTYPE html>\r\n<html><body><h1>502 Bad Gateway</h1>\n\n<p>canary</p></body></html>\n"
HEAD = b"HTTP/1.1 %d x\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n"
pairs = pytest.mark.parametrize(
    ("client_dialect", "provider_dialect"), [(one, other) for one in PROVIDERS for other in PROVIDERS]
)
streamed = pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def provider() -> AsyncIterator[Tape]:
    async with tape() as player:
        yield player


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(tmp_path_factory: pytest.TempPathFactory, provider: Tape) -> AsyncIterator[Live]:
    async with running(tmp_path_factory.mktemp("live"), provider) as started:  # type: ignore[arg-type]
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(live: Live) -> AsyncIterator[httpx2.AsyncClient]:
    async with live.http() as made:
        yield made


def call_of(client_dialect: str, provider_dialect: str, model: str) -> tuple[str, bytes]:
    path, body = call(client_dialect, f"{PROVIDERS[provider_dialect]}/{model}", stream=True)
    return path, encode(body)


async def asked(
    client: httpx2.AsyncClient, client_dialect: str, provider_dialect: str, *, stream: bool
) -> httpx2.Response:
    path, body = call(client_dialect, f"{PROVIDERS[provider_dialect]}/some-model", stream=stream)
    return await client.post(path, json=body)


def refused(answer: httpx2.Response, dialect: str) -> None:
    """A JSON error of the client's own language that blames the provider and says nothing of its page."""
    assert answer.status_code == 502, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert "canary" not in answer.text
    assert "Bad Gateway" not in answer.text
    assert isinstance(decode(answer.content), dict)
    message = DIALECTS[dialect].read_error(502, (), answer.content)
    assert isinstance(message, UpstreamError)
    assert b"provider" in answer.content


@pairs
@streamed
@pytest.mark.parametrize("status", [200, 502])
@pytest.mark.parametrize("kind", [b"text/html", b"text/event-stream"], ids=["as a page", "as a stream"])
async def test_a_page_in_place_of_an_answer_is_a_typed_error(
    client: httpx2.AsyncClient,
    provider: Tape,
    client_dialect: str,
    provider_dialect: str,
    *,
    stream: bool,
    status: int,
    kind: bytes,
) -> None:
    provider.answers.clear()
    # A failure that may pass is tried once more.
    provider.answers.extend([[HEAD % (status, kind, len(PAGE)) + PAGE]] * 2)
    refused(await asked(client, client_dialect, provider_dialect, stream=stream), client_dialect)


@pairs
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'""', b"\xff"], ids=repr)
async def test_an_answer_in_which_nothing_is_said_is_an_answer_or_a_typed_error(
    client: httpx2.AsyncClient, provider: Tape, client_dialect: str, provider_dialect: str, body: bytes
) -> None:
    provider.answers.clear()
    provider.answers.extend([[HEAD % (200, b"application/json", len(body)) + body]] * 2)
    answer = await asked(client, client_dialect, provider_dialect, stream=False)
    if answer.status_code != 200:
        refused(answer, client_dialect)
    elif client_dialect == provider_dialect:
        assert answer.content == body
    else:
        DIALECTS[client_dialect].read_reply(answer.content)


def begun(dialect: str) -> bytes:
    """A stream that has brought something, and goes on."""
    stream = golden.cases(ROOT, dialect)[0].stream
    assert stream is not None
    return b"".join(frame.raw for frame in frames(stream)[:5])


def breaking(dialect: str) -> list[bytes]:
    """What may follow that no reader can read."""
    if dialect == "bedrock_converse":
        start = eventframes.from_lines(b'{"event":"contentBlockStop","payload":{"contentBlockIndex":0}}')
        wrong = start[:-1] + bytes([start[-1] ^ 1])
        text = eventframes.headers(
            event_type="contentBlockDelta", content_type="application/json", message_type="event"
        )
        bad_text = eventframes.message(text, b'{"contentBlockIndex":0,"delta":{"text":"\xe9\x96"}}')
        return [wrong, b"\x7f\xff\xff\xff" + start[4:], bad_text, PAGE, start[:20]]
    return [b"data: {broken\n\n", b'data: {"x":"\xe9\x96"}\n\n', b"data: {", b"data: [1]\n\n"]


@pairs
async def test_a_stream_that_breaks_ends_in_an_error_of_the_clients_language(
    client: httpx2.AsyncClient, provider: Tape, client_dialect: str, provider_dialect: str
) -> None:
    for broken in breaking(provider_dialect):
        data = begun(provider_dialect) + broken
        for piece in (1, None):
            provider.answers.clear()
            provider.play(data, stream=True, piece=piece)
            answer = await asked(client, client_dialect, provider_dialect, stream=True)
            assert b"canary" not in answer.content
            if answer.status_code != 200:  # it broke before anything had to be said
                refused(answer, client_dialect)
                continue
            with pytest.raises(UpstreamError) as raised:
                streams.read(DIALECTS[client_dialect], [answer.content])
            assert raised.value.code != Truncated.code
            assert client_dialect == provider_dialect or raised.value.code != Malformed.code


async def test_clients_of_all_languages_that_leave_leave_nothing_behind(tmp_path: Path) -> None:
    async with scripted(tmp_path) as live, live.http() as client:
        path, body = call_of("openai_chat", "openai_chat", "echo")
        assert (await client.post(path, content=body)).status_code == 200
        await asyncio.sleep(0.05)
        tasks = len(asyncio.all_tasks())

        async def leave(one: str, other: str, after: float) -> None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(after):
                    path, body = call_of(one, other, "long?chunk_gap=0.02&delay_before_headers=0.02")
                    await client.post(path, content=body)

        await asyncio.gather(
            *(
                leave(one, other, after)
                for one in PROVIDERS
                for other in PROVIDERS
                for after in (0.05, 0.2, 0.4)
            )
        )
        async with asyncio.timeout(10):
            while len(asyncio.all_tasks()) > tasks or live.gateway._server.connections:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert not any(connection.in_use for connection in live.gateway._client._pool._open)
