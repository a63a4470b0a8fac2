"""Status pages read by a running gateway: what they say moves calls, and a page that lies moves nothing."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.e2e.live import DOCUMENT, PROVIDER_KEY, Live, running
from tests.e2e.serving import environment, program
from tests.providers.pages import incident, statuspage

from sekisho.control.services import status_pages
from sekisho.providers.status import kept
from sekisho.routing.status_entry import StatusEntry
from sekisho.testkit.provider import ScriptedProvider


@dataclass
class Page:
    """A status page on loopback; serves `text`, and 304 to who has it."""

    text: bytes
    status: str = "200 OK"
    url: str = ""
    asked: list[str] = field(default_factory=list)
    """Conditions of the requests that came."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        version = f'"{hash(self.text)}"'
        condition = next((line for line in head.splitlines() if line.startswith("if-none-match")), "")
        self.asked.append(condition)
        status, body = (self.status, self.text) if version not in condition else ("304 Not Modified", b"")
        writer.write(
            f"HTTP/1.1 {status}\r\netag: {version}\r\ncontent-length: {len(body)}\r\n"
            "connection: close\r\n\r\n".encode()
            + body
        )
        await writer.drain()
        writer.close()


@asynccontextmanager
async def served(page: Page) -> AsyncIterator[Page]:
    server = await asyncio.start_server(page.serve, "127.0.0.1", 0)
    page.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/v2/incidents.json"
    async with server:
        yield page


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - what a gateway does in the background has no event
            await asyncio.sleep(0.02)


def document(page: Page, *, avoid: bool = True) -> str:
    """Two providers of one model, the first of which is like DeepSeek."""
    return DOCUMENT.replace(
        "models:\n  rescued:",
        "  seek:\n    like: deepseek\n    base_url: {url}/v1\n    api_key: ${{SCRIPTED_KEY}}\n"
        "    models:\n      acme/echo: {{upstream: echo, price: {{input: 1, output: 2}}}}\n"
        "models:\n  twice:\n    targets: [{{model: acme/echo, provider: seek}},"
        " {{model: acme/echo, provider: priced}}]\n  rescued:",
        1,
    ) + (f"status:\n  every: 1m\n  avoid: {str(avoid).lower()}\n  pages: {{{{deepseek: '{page.url}'}}}}\n")


async def provider_of(live: Live) -> str:
    async with live.http() as client:
        body = {"model": "twice", "messages": [{"role": "user", "content": "関所"}]}
        answer = await client.post("/v1/chat/completions", json=body, headers={"x-sekisho-explain": "1"})
    assert answer.status_code == 200, answer.text
    (first, _, standing), *_ = json.loads(answer.headers["x-sekisho-explain"])["candidates"]
    assert standing == "fit"
    return str(first.partition("/")[0])


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_pages, "TICK", 0.02)


def read_often(live: Live, page: Page) -> None:
    """As no document may ask for it."""
    entry = StatusEntry(every=0.05, pages=(("deepseek", page.url),), avoid=True)
    providers = live.gateway._pipeline.plane.snapshot.providers.values()
    live.gateway._status_pages.configure(entry, providers)


def down(now: float) -> bytes:
    told = incident("API 故障", now - 60, hours=None, impact="critical", components=["API 服务"])
    return statuspage(told, url="https://status.deepseek.com")


async def test_an_open_incident_moves_calls_and_its_end_brings_them_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    now = time.time()
    over = incident("API 故障", now - 60, hours=0.01, impact="critical", components=["API 服务"])
    calm = statuspage(over, url="https://status.deepseek.com")
    printed: list[str] = []

    def said() -> str:
        printed.append(capsys.readouterr().out)
        return "".join(printed)

    async with (
        served(Page(calm)) as page,
        ScriptedProvider(api_key=PROVIDER_KEY) as provider,
        running(tmp_path, provider, document(page)) as live,
    ):
        board = live.gateway._board
        read_often(live, page)
        await until(lambda: len(page.asked) > 2)
        assert page.asked[0] == ""
        assert page.asked[1].startswith("if-none-match"), "asked for something newer only"
        assert await provider_of(live) == "seek"

        page.text = down(now)
        await until(lambda: board.troubled == {"seek"})
        assert await provider_of(live) == "priced"
        arguments = ("explain", "--model", "twice", "--config", str(live.document))
        _, text, _ = await program(*arguments, environment=environment(live.data_dir, SCRIPTED_KEY="k"))
        assert "incident" in text, text

        for page.text, page.status, words in (
            (b"<html>Just a moment...</html>", "200 OK", "is not what statuspage pages say"),
            (statuspage(incident("x", now + 9e5)), "200 OK", "in the future"),
            (statuspage(*[incident("x", now - 60)] * 10_000), "200 OK", "lists 10,000 incidents"),
            (b"", "503 Service Unavailable", "answered 503"),
        ):
            await until(lambda words=words: words in said())  # type: ignore[misc]
        assert board.troubled == {"seek"}, "the last good reading holds"

        page.text, page.status = calm, "200 OK"
        await until(lambda: not board.troubled)
        assert await provider_of(live) == "seek"
        history = kept.read(live.data_dir / "status", "deepseek")
        assert history is not None
        assert [each.ended is None for each in history.incidents] == [False]
    assert "status_page_answers" in said()
    assert "provider_incident_over" in said()


async def test_pages_brought_by_hand_count_where_the_document_says_so_and_nobody_is_asked(
    tmp_path: Path,
) -> None:
    brought = tmp_path / "deepseek.json"
    brought.write_bytes(down(time.time()))
    async with (
        served(Page(b"")) as page,
        ScriptedProvider(api_key=PROVIDER_KEY) as provider,
        running(tmp_path, provider, document(page).replace("  every: 1m\n", "")) as live,
    ):
        arguments = ("status", "update", str(brought))
        code, _, err = await program(*arguments, environment=environment(live.data_dir))
        assert code == 0, err
        await until(lambda: live.gateway._board.troubled == {"seek"})
        assert await provider_of(live) == "priced"
        text = live.document.read_text(encoding="utf-8")
        live.document.write_text(text.replace("avoid: true", "avoid: false"), encoding="utf-8")
        await until(lambda: not live.gateway._board.troubled)
        assert await provider_of(live) == "seek"
        assert page.asked == []


async def test_what_pages_say_stands_beside_what_calls_met(tmp_path: Path) -> None:
    """Of calls that went to `oai` first, all failed there, though all were rescued."""
    async with (
        ScriptedProvider(api_key=PROVIDER_KEY) as provider,
        running(tmp_path, provider) as live,
        live.http() as client,
    ):
        for model in ("rescued", "rescued", "acme/echo"):
            body = {"model": model, "messages": [{"role": "user", "content": "関所"}]}
            assert (await client.post("/v1/chat/completions", json=body)).status_code == 200
        arguments = ("providers", "stability", "--json")
        code, told, err = await program(*arguments, environment=environment(live.data_dir))
        assert code == 0, err
        rows = {row["provider"]: row for row in json.loads(told)}
        assert (rows["oai"]["measured"], rows["oai"]["calls"]) == ("0.000%", 2)
        assert (rows["priced"]["measured"], rows["priced"]["calls"]) == ("100.000%", 1)
        assert rows["deepseek"]["measured"] is None
