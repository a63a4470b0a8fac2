"""One call at the edge: its record before its last byte, exactly once, whoever leaves when."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.edge.serving import connected, serving
from tests.pipeline.world import COMMENT, DIALECTS, STREAM, FakeResponse, World, delta, endpoint, route

from sekisho.core.error import ProviderFailed, Truncated
from sekisho.core.limit import Limit
from sekisho.core.port import Spending
from sekisho.core.principal import Principal
from sekisho.core.record import CallRecord
from sekisho.core.route import Snapshot
from sekisho.edge import respond
from sekisho.edge.admin import AdminPages
from sekisho.edge.respond import Responder
from sekisho.edge.routes import Routes
from sekisho.pipeline.build import Pipeline
from sekisho.pipeline.follow_up import FollowUps
from sekisho.pipeline.prepare import Plane
from sekisho.wire import json

BODY = {"model": "acme/model", "messages": [{"role": "user", "content": "x"}]}


class Books:
    """Port to the journal: keeps records, and their releases until the test lets them go."""

    def __init__(self) -> None:
        self.records: list[CallRecord] = []
        self.releases: list[Callable[[], None]] = []
        self.holds = False

    def append(self, record: CallRecord, release: Callable[[], None]) -> None:
        self.records.append(record)
        self.releases.append(release)
        if not self.holds:
            asyncio.get_running_loop().call_soon(self.let_go)

    def let_go(self) -> None:
        while self.releases:
            self.releases.pop(0)()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.records) < count:  # noqa: ASYNC110 - a port has no event for it
                await asyncio.sleep(0.001)


class NoAnswers:
    """Port to the books, in which nothing stands."""

    async def generation(self, call_id: str) -> CallRecord | None:
        return None

    async def answered(self, key_id: str, upstream_id: str) -> CallRecord | None:
        return None

    async def charged(self, paid: Limit) -> int:
        return 0

    async def spending(self, key_id: str) -> Spending:
        return Spending()


class AnyKey:
    """Port to the keys: everybody may call, unless it is out of order."""

    broken = False

    def find(self, digest: bytes) -> Principal | None:
        if self.broken:
            raise RuntimeError("a text that nobody may see")
        return Principal(key_id="key_1", name="test")

    async def refresh(self) -> None: ...


class Gated(FakeResponse):
    """An answer whose pieces come when the test says so."""

    def __init__(self, *pieces: Any) -> None:
        super().__init__(pieces)
        self.gate = asyncio.Semaphore(0)

    async def chunk(self, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - as Response has it
        await self.gate.acquire()
        return await super().chunk(timeout)


class Edge:
    def __init__(self) -> None:
        self.books = Books()
        self.keys = AnyKey()
        self.world = World()
        snapshot = Snapshot(routes={"acme/model": route(endpoint("a"), attempts=1)})
        plane = Plane(snapshot, DIALECTS, {})
        pipeline = Pipeline(plane, self.keys, self.world.attempts(), self.world.clock)
        responder = Responder(pipeline, self.books, lambda _: None, self.world.clock)
        follow_ups = FollowUps(pipeline, NoAnswers(), self.books, lambda _: None)
        admin = AdminPages(pipeline, {})
        self.routes = Routes(DIALECTS, responder, lambda _: None, lambda: None, follow_ups, admin)
        self.server: Any = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        async with serving(self.routes.handle) as (self.server, port), connected(port) as streams:
            async with asyncio.timeout(20):
                yield streams

    async def until_idle(self) -> None:
        async with asyncio.timeout(10):
            while self.server.connections:  # noqa: ASYNC110
                await asyncio.sleep(0.001)


@pytest.fixture
async def edge() -> Edge:
    return Edge()


def call(*headers: bytes, **members: Any) -> bytes:
    body = json.encode({**BODY, **members})
    lines = b"".join(header + b"\r\n" for header in (b"authorization: Bearer k", *headers))
    return b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n%b\r\n%b" % (
        len(body),
        lines,
        body,
    )


async def whole(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """(head, body) of an answer with a length."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return head, await reader.readexactly(length)


async def streamed(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head
    pieces = []
    while size := int(await reader.readline(), 16):
        pieces.append(await reader.readexactly(size))
        await reader.readline()
    await reader.readline()
    return b"".join(pieces)


async def test_an_answer_goes_out_once_its_record_is_safe(edge: Edge) -> None:
    edge.books.holds = True
    edge.world.answers("a", FakeResponse())
    async with edge.open() as (reader, writer):
        writer.write(call())
        await edge.books.until(1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await reader.read(1)
        edge.books.let_go()
        head, body = await whole(reader)
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"Hakone." in body


async def test_who_asks_is_told_why_in_the_head_of_the_answer(edge: Edge) -> None:
    edge.world.answers("a", FakeResponse(), FakeResponse(), Truncated("cut"))
    async with edge.open() as (reader, writer):
        writer.write(call(b"X-Sekisho-Explain: 1"))
        head, _ = await whole(reader)
        assert b'\r\nx-sekisho-explain: {"attempts":[{"provider":"a"' in head
        writer.write(call())
        head, _ = await whole(reader)
        assert b"x-sekisho-explain" not in head
        writer.write(call(b"X-Sekisho-Explain: 1"))
        head, _ = await whole(reader)
        assert head.startswith(b"HTTP/1.1 502 ")
        assert b'"code":"upstream_truncated"' in head


async def test_of_a_stream_only_the_end_waits_for_the_record(edge: Edge) -> None:
    edge.books.holds = True
    edge.world.answers("a", FakeResponse(STREAM))
    async with edge.open() as (reader, writer):
        writer.write(call(stream=True))
        await edge.books.until(1)
        assert b"ne." in await reader.readuntil(b"ne.")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await reader.readuntil(b"[DONE]")
        edge.books.let_go()
        await reader.readuntil(b"0\r\n\r\n")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_client_that_leaves_between_record_and_last_byte_is_booked_once(
    edge: Edge, stream: bool
) -> None:
    edge.books.holds = True
    edge.world.answers("a", FakeResponse(STREAM) if stream else FakeResponse())
    async with edge.open() as (_reader, writer):
        writer.write(call(stream=stream))
        await edge.books.until(1)
        writer.transport.abort()
        await edge.until_idle()
        edge.books.let_go()
        assert [record.outcome for record in edge.books.records] == ["ok"]


async def test_the_next_call_of_a_connection_waits_for_the_record_of_the_one_before(edge: Edge) -> None:
    edge.books.holds = True
    edge.world.answers("a", FakeResponse(), FakeResponse())
    async with edge.open() as (reader, writer):
        writer.write(call() + call())
        await edge.books.until(1)
        await asyncio.sleep(0.02)
        assert len(edge.world.sent) == 1
        edge.books.let_go()
        await whole(reader)
        await edge.books.until(2)
        edge.books.let_go()
        await whole(reader)


async def test_a_client_that_leaves_a_stream_before_it_begins_pays_for_the_prompt(edge: Edge) -> None:
    silent = Gated(*STREAM)
    edge.world.answers("a", silent)
    async with edge.open() as (_reader, writer):
        writer.write(call(stream=True))
        async with asyncio.timeout(10):
            while not edge.world.sent:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        writer.transport.abort()
        await edge.books.until(1)
    (record,) = edge.books.records
    assert (record.outcome, record.status) == ("cancelled", 499)
    assert record.usage is not None
    assert (record.usage.input > 0, record.usage.output, record.usage.estimated) == (True, 0, True)
    assert silent.closed


async def test_a_client_that_leaves_a_stream_got_200_and_stops_the_provider(edge: Edge) -> None:
    answer = Gated(*STREAM)
    answer.gate.release()
    edge.world.answers("a", answer)
    async with edge.open() as (reader, writer):
        writer.write(call(stream=True))
        await reader.readuntil(b"Hako")
        writer.transport.abort()
        await edge.books.until(1)
    (record,) = edge.books.records
    assert (record.outcome, record.status) == ("cancelled", 200)
    assert record.usage is not None
    assert record.usage.estimated
    assert answer.closed


@pytest.mark.parametrize(
    "failure", [ProviderFailed("it failed"), Truncated("cut"), b"data: {broken\n\n", None]
)
async def test_a_stream_that_breaks_off_says_so_and_its_connection_serves_on(
    edge: Edge, failure: Any
) -> None:
    pieces = [delta("Hako"), *([] if failure is None else [failure])]
    broken = FakeResponse(pieces)
    edge.world.answers("a", broken, FakeResponse())
    async with edge.open() as (reader, writer):
        writer.write(call(stream=True))
        got = await streamed(reader)
        error = json.decode(got.split(b"data: ")[2])["error"]
        assert "(provider a, 1 attempt)" in error["message"]
        assert b"[DONE]" not in got
        writer.write(call())
        await whole(reader)
    assert [record.outcome for record in edge.books.records] == ["interrupted", "ok"]
    assert broken.closed


async def test_a_client_of_http_1_0_gets_a_stream_that_ends_with_its_connection(edge: Edge) -> None:
    edge.world.answers("a", FakeResponse([COMMENT, *STREAM]))
    async with edge.open() as (reader, writer):
        writer.write(call(b"connection: keep-alive", stream=True).replace(b"HTTP/1.1", b"HTTP/1.0", 1))
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert b"connection: close" in head
    assert body.endswith(b"data: [DONE]\n\n")


async def test_a_bug_is_told_as_its_request_id_only_and_the_connection_serves_on(edge: Edge) -> None:
    edge.keys.broken = True
    edge.world.answers("a", FakeResponse())
    async with edge.open() as (reader, writer):
        writer.write(call())
        head, body = await whole(reader)
        assert head.startswith(b"HTTP/1.1 500 ")
        assert b"nobody may see" not in body
        assert edge.books.records[0].id.encode() in body
        edge.keys.broken = False
        writer.write(call())
        assert (await whole(reader))[0].startswith(b"HTTP/1.1 200 ")
    assert [record.outcome for record in edge.books.records] == ["error", "ok"]


async def test_a_bug_in_the_books_does_not_keep_the_client_waiting(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> CallRecord:
        raise RuntimeError("a bug")

    monkeypatch.setattr(respond, "record_call", fail)
    edge.world.answers("a", FakeResponse())
    async with edge.open() as (reader, writer):
        writer.write(call())
        assert b"Hakone." in (await whole(reader))[1]


async def test_a_call_that_came_through_too_many_gateways_is_refused_before_its_key_is_looked_up(
    edge: Edge,
) -> None:
    edge.keys.broken = True
    async with edge.open() as (reader, writer):
        writer.write(call(b"x-sekisho-hops: 5"))
        head, body = await whole(reader)
    assert head.startswith(b"HTTP/1.1 508 Loop Detected\r\n")
    assert json.decode(body)["error"]["code"] == "loop_detected"
