"""The document changes under a running gateway."""

import asyncio
import gc
import os
import weakref
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
import structlog
from tests.e2e.live import Live, running, scripted
from tests.e2e.tape import Tape, tape

from sekisho.app import configuration
from sekisho.providers import catalog

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHAT = "/v1/chat/completions"
DOCUMENT = """
providers:
  oai:
    like: openai-compatible
    base_url: {url}/v1
    api_key: ${{SCRIPTED_KEY}}
    models:
      acme/old: {{upstream: echo}}
      acme/new: {{upstream: echo}}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    async with scripted(tmp_path_factory.mktemp("live"), DOCUMENT) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def client(live: Live) -> AsyncIterator[httpx2.AsyncClient]:
    """Every test begins with the document as it was at first."""
    write(live, text(live))
    async with live.http() as made:
        yield made


def text(live: Live) -> str:
    return DOCUMENT.format(url=live.provider.base_url)


def write(live: Live, document: str) -> None:
    draft = live.document.with_suffix(".draft")
    draft.write_text(document, encoding="utf-8")
    os.replace(draft, live.document)


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(1_000):
        if await check():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came to be")


async def served(client: httpx2.AsyncClient) -> set[str]:
    listed = (await client.get("/v1/models")).json()["data"]
    return {model["id"] for model in listed}


async def ask(client: httpx2.AsyncClient, model: str, **more: Any) -> httpx2.Response:
    body = {"model": model, "messages": [{"role": "user", "content": "x"}], **more}
    return await client.post(CHAT, json=body)


async def write_atomically(live: Live, document: str) -> None:
    write(live, document)


async def write_in_place(live: Live, document: str) -> None:
    live.document.write_text(document, encoding="utf-8")


async def write_piece_by_piece(live: Live, document: str) -> None:
    with live.document.open("w", encoding="utf-8") as file:
        for piece in document.splitlines(keepends=True):
            file.write(piece)
            file.flush()
            await asyncio.sleep(0.02)


async def link_to_another(live: Live, document: str) -> None:
    """As Kubernetes does with what it mounts."""
    other = live.document.with_name("other.yaml")
    other.write_text(document, encoding="utf-8")
    link = live.document.with_suffix(".link")
    link.symlink_to(other)
    os.replace(link, live.document)


@pytest.mark.parametrize(
    "change",
    [write_atomically, write_in_place, write_piece_by_piece, link_to_another],
    ids=lambda each: each.__name__,
)
async def test_a_change_is_served_however_the_file_was_written(
    client: httpx2.AsyncClient, live: Live, change: Callable[[Live, str], Awaitable[None]]
) -> None:
    await until(lambda: has(client, {"acme/old", "acme/new"}))
    await change(live, text(live).replace("acme/new", "acme/newer"))
    await until(lambda: has(client, {"acme/old", "acme/newer"}))
    assert (await ask(client, "acme/newer")).status_code == 200
    assert (await ask(client, "acme/new")).status_code == 404


async def has(client: httpx2.AsyncClient, models: set[str]) -> bool:
    return await served(client) == models


async def test_a_broken_document_is_refused_with_its_problems_and_the_last_good_one_goes_on(
    client: httpx2.AsyncClient, live: Live
) -> None:
    await until(lambda: has(client, {"acme/old", "acme/new"}))
    broken = text(live).replace("acme/new: {", "acme/new: {prise: 1, ") + "modles: {}\n"
    with structlog.testing.capture_logs() as logs:
        write(live, broken)
        await until(lambda: told(logs, "document_refused"))
        await asyncio.to_thread(live.document.unlink)
        await until(lambda: told(logs, "document_refused", times=2))
        assert (await ask(client, "acme/new")).status_code == 200
        write(live, text(live).replace("acme/new", "acme/mended"))
        await until(lambda: has(client, {"acme/old", "acme/mended"}))
    refused = [event["problems"] for event in logs if event["event"] == "document_refused"]
    lines = refused[0].splitlines()
    assert len(refused) == len(lines) == 2
    assert "sekisho.yaml:9:" in lines[0]
    assert "providers.oai.models.acme/new.prise" in lines[0]
    assert "sekisho.yaml:10:1 modles" in lines[1]
    assert "No such file" in refused[1]


async def told(logs: list[Any], event: str, times: int = 1) -> bool:
    return sum(each["event"] == event for each in logs) == times


# --- calls under way -------------------------------------------------------------------------------

STREAM = (
    b'data: {"id":"1","model":"m","choices":[{"index":0,"delta":{"content":"%b"},"finish_reason":%b}]}\n\n'
)
FIRST, LAST = STREAM % (b"a", b"null"), STREAM % (b"z", b'"stop"') + b"data: [DONE]\n\n"
HELD = """
providers:
  one: {{like: openai-compatible, base_url: {url}/one, api_key: any}}
  two: {{like: openai-compatible, base_url: {url}/two, api_key: any}}
models:
  pair: {{targets: [{{model: a, provider: one}}, {{model: b, provider: two}}]}}
"""
GONE = "providers:\n  three: {like: openai-compatible, base_url: 'http://127.0.0.1:9/v1', api_key: any}\n"


@pytest.fixture
async def held(tmp_path: Path) -> AsyncIterator[tuple[Live, Tape]]:
    async with tape() as player, running(tmp_path, player, HELD) as live:  # type: ignore[arg-type]
        yield live, player


@pytest.mark.asyncio(loop_scope="function")
async def test_a_stream_under_way_ends_on_the_snapshot_it_began_with(held: tuple[Live, Tape]) -> None:
    live, player = held
    released = asyncio.Event()
    player.play(FIRST + LAST, stream=True, piece=len(FIRST))
    player.answers[-1].insert(2, released)
    asked = {"model": "one/a", "messages": [{"role": "user", "content": "x"}], "stream": True}
    async with live.http() as client, client.stream("POST", CHAT, json=asked) as answer:
        pieces = answer.aiter_bytes()
        assert await anext(pieces) == FIRST
        write(live, GONE)
        await until(lambda: has(client, set()))
        assert (await ask(client, "one/a")).status_code == 404
        released.set()
        assert b"".join([piece async for piece in pieces]) == LAST


@pytest.mark.asyncio(loop_scope="function")
async def test_a_call_under_way_falls_back_to_the_targets_it_began_with(held: tuple[Live, Tape]) -> None:
    live, player = held
    released = asyncio.Event()
    player.answers.append([released, b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n"])
    player.play(FIRST.replace(b"delta", b"message").removeprefix(b"data: ").strip(), stream=False)
    async with live.http() as client:
        call = asyncio.create_task(ask(client, "pair"))
        await until(lambda: received(player, 1))
        write(live, GONE)
        await until(lambda: has(client, set()))
        released.set()
        assert (await call).headers["x-sekisho-provider"] == "two"
    assert [head[b""] for head in player.heads] == [
        b"POST /one/chat/completions HTTP/1.1",
        b"POST /two/chat/completions HTTP/1.1",
    ]


async def received(player: Tape, count: int) -> bool:
    return len(player.bodies) == count


# --- what does not stay behind ---------------------------------------------------------------------


async def test_two_hundred_reloads_leave_nothing_behind(client: httpx2.AsyncClient, live: Live) -> None:
    await until(lambda: has(client, {"acme/old", "acme/new"}))
    known = catalog.load()

    async def publish(number: int) -> None:
        changed = text(live).replace("upstream: echo", f"upstream: 'echo?chunk_size={number}'").encode()
        await live.gateway._publish(configuration(changed, "sekisho.yaml", known, {}))

    planes: weakref.WeakSet[object] = weakref.WeakSet()

    async def counts_after(numbers: range) -> Counter[str]:
        for number in numbers:
            await publish(number)
            assert (await ask(client, "acme/new")).status_code == 200
            planes.add(live.gateway._pipeline.plane)
        live.provider.requests.clear()
        live.provider.served.clear()
        gc.collect()
        return Counter(type(found).__qualname__ for found in gc.get_objects())

    before = await counts_after(range(1, 20))
    middle = await counts_after(range(20, 120))
    after = await counts_after(range(120, 220))
    # Each has a snapshot and what was prepared for it. The last call may hold on to the one before the last.
    assert len(planes) <= 2
    # One object left behind by each reload grows by a hundred in both halves; what else this process keeps
    # (caches that fill once) does not do so twice.
    grown = {name for name in after if min(middle[name] - before[name], after[name] - middle[name]) >= 100}
    assert grown == set()


# --- what the document says of the server ----------------------------------------------------------

ORIGIN = "https://chat.example.jp"


async def test_cross_origin_requests_are_answered_only_while_the_document_says_so(
    client: httpx2.AsyncClient, live: Live
) -> None:
    asking = {"origin": ORIGIN, "access-control-request-method": "POST"}
    asking["access-control-request-headers"] = "authorization, content-type"

    async def open_to(origin: str) -> bool:
        answer = await client.options(CHAT, headers=asking | {"origin": origin})
        allowed = answer.headers.get("access-control-allow-origin")
        assert (allowed is not None) == ("access-control-allow-methods" in answer.headers)
        return answer.status_code == 204 and allowed == origin

    async def closed() -> bool:
        answer = await client.options(CHAT, headers=asking)
        return answer.status_code == 405 and "access-control-allow-origin" not in answer.headers

    await until(closed)
    assert "access-control-allow-origin" not in (await client.get("/healthz", headers=asking)).headers
    write(live, text(live) + f"server: {{cors: [{ORIGIN}]}}\n")
    await until(lambda: open_to(ORIGIN))
    assert not await open_to("https://elsewhere.example")
    allowed = (await client.options(CHAT, headers=asking)).headers
    assert {"authorization", "content-type"} <= set(allowed["access-control-allow-headers"].split(", "))
    headers = {"origin": ORIGIN}
    body = {"model": "acme/old", "messages": [{"role": "user", "content": "x"}]}
    for answer in (
        await client.get("/v1/models", headers=headers),
        await client.post(CHAT, json=body, headers=headers),
        await client.post(CHAT, json=body | {"stream": True}, headers=headers),
        await client.post(CHAT, json=body | {"model": "no/such"}, headers=headers),
        await client.post(CHAT, json=body, headers=headers | {"authorization": "Bearer sk-wrong"}),
        await client.get("/v1/none", headers=headers),
    ):
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert "origin" in answer.headers["vary"].lower()
    write(live, text(live) + 'server: {cors: ["*"]}\n')
    await until(lambda: open_to("https://elsewhere.example"))
    write(live, text(live))
    await until(closed)


async def test_limits_change_with_the_document(client: httpx2.AsyncClient, live: Live) -> None:
    async def refused() -> bool:
        return (await ask(client, "acme/old", user="x" * 2_000)).status_code == 413

    async def taken() -> bool:
        return (await ask(client, "acme/old", user="x" * 2_000)).status_code == 200

    await until(taken)
    write(live, text(live) + "server: {body_limit: 1KiB}\n")
    await until(refused)
    write(live, text(live))
    await until(taken)
