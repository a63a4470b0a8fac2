"""What stands in front of three gateways with PostgreSQL and Valkey: Caddy as compose runs it, and a balancer
that looks on while all of them are replaced."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from tests.debian import tool
from tests.deploy.conftest import DEPLOY
from tests.e2e.serving import ADMIN_KEY, Serving, serving
from tests.services import Postgres, free_port

from sekisho.testkit.provider import Script, ScriptedProvider

DOCUMENT = """
providers:
  oai: {{like: openai-compatible, base_url: {url}/v1, api_key: any}}
models:
  whole: {{targets: [{{model: echo, provider: oai}}]}}
  stream: {{targets: [{{model: gates, provider: oai}}]}}
  slow: {{targets: [{{model: slow-gates, provider: oai}}]}}
"""
TEXT = " ".join(f"第{number}の関所" for number in range(20))
SCRIPTS = {"gates": Script(text=TEXT, chunk_gap=0.02), "slow-gates": Script(text=TEXT, chunk_gap=30)}
CALLERS = 6
CHAT = "/v1/chat/completions"


def asking(model: str, *, stream: bool) -> dict[str, object]:
    return {"model": model, "stream": stream, "messages": [{"role": "user", "content": "関所"}]}


@dataclass
class Fleet:
    folder: Path
    environment: dict[str, str]
    ports: list[int] = field(default_factory=lambda: [free_port() for _ in range(3)])
    running: dict[int, tuple[AsyncExitStack, Serving]] = field(default_factory=dict)

    async def start(self, number: int) -> None:
        folder = self.folder / f"gateway-{number}"
        folder.mkdir(exist_ok=True)
        document = str(self.folder / "sekisho.yaml")
        arguments = ("--config", document, "--port", str(self.ports[number]))
        stack = AsyncExitStack()
        started = await stack.enter_async_context(serving(folder, *arguments, **self.environment))
        self.running[number] = stack, started

    async def stop(self, number: int) -> None:
        stack, started = self.running.pop(number)
        async with stack:
            assert await started.stop() == 0


@asynccontextmanager
async def balancer(folder: Path, ports: list[int]) -> AsyncIterator[str]:
    """Its address, once it knows a gateway that is ready."""
    url = f"http://127.0.0.1:{free_port()}"
    around = {
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder),
        "SEKISHO_SITE": url,
        "SEKISHO_GRACE": "1s",
        "SEKISHO_GATEWAYS": " ".join(f"127.0.0.1:{port}" for port in ports),
    }
    # Debian's Caddy is older than this option, which keeps it from writing down what it was told.
    text = (DEPLOY / "Caddyfile").read_text("utf-8").replace("\tpersist_config off\n", "")
    (folder / "Caddyfile").write_text(text, encoding="utf-8")
    with (folder / "caddy.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(tool("caddy"), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"),
            env=around,
            stdout=log,
            stderr=log,
        )
    try:
        async with httpx2.AsyncClient() as client, asyncio.timeout(60):
            while not await answers(client, url):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        yield url
    finally:
        process.terminate()
        await process.wait()


async def answers(client: httpx2.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(f"{url}/readyz")).status_code == 200
    except httpx2.TransportError:
        return False


@pytest.fixture
async def fleet(
    tmp_path: Path, postgres_url: str, valkey_url: str, scripted: ScriptedProvider
) -> AsyncIterator[Fleet]:
    (tmp_path / "sekisho.yaml").write_text(DOCUMENT.format(url=scripted.base_url), encoding="utf-8")
    made = Fleet(
        tmp_path,
        {
            "SEKISHO_ADMIN_KEY": ADMIN_KEY,
            "SEKISHO_DATABASE_URL": postgres_url,
            "SEKISHO_STATE_URL": valkey_url,
            "SEKISHO_DRAIN_DELAY": "5",
        },
    )
    await asyncio.gather(*(made.start(number) for number in range(3)))
    try:
        yield made
    finally:
        for stack, started in made.running.values():
            async with stack:
                started.process.kill()


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedProvider]:
    async with ScriptedProvider() as provider:
        provider.responder.scripts.update(SCRIPTS)
        yield provider


def client_of(url: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        base_url=url, headers={"authorization": f"Bearer {ADMIN_KEY}"}, timeout=60, trust_env=False
    )


async def test_a_stream_comes_through_as_it_is_made_and_ends_with_its_client(
    fleet: Fleet, scripted: ScriptedProvider, tmp_path: Path
) -> None:
    async with balancer(tmp_path, fleet.ports) as url, client_of(url) as client:
        async with client.stream("POST", CHAT, json=asking("slow", stream=True)) as answer:
            assert answer.status_code == 200
            first = await anext(answer.aiter_bytes())
            assert first.startswith(b"data: {")
        async with asyncio.timeout(20):  # the next piece would come later than that
            while not scripted.ledger.counts["aborted"]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert (await client.get("/metrics")).status_code == 404


class Chooser:
    """A balancer as the guide asks for one: it sends calls where `/readyz` says yes, the least busy first,
    and asks another gateway only where a connection was refused."""

    def __init__(self, fleet: Fleet):
        self.clients = [client_of(f"http://127.0.0.1:{port}") for port in fleet.ports]
        self.busy = [0] * len(self.clients)
        self.ready: set[int] = set()

    async def watch(self) -> None:
        while True:
            for number, client in enumerate(self.clients):
                ready = await answers(client, str(client.base_url).rstrip("/"))
                (self.ready.add if ready else self.ready.discard)(number)
            await asyncio.sleep(0.2)

    async def post(self, body: dict[str, object]) -> httpx2.Response:
        while True:
            number = min(self.ready, key=self.busy.__getitem__)
            self.busy[number] += 1
            try:
                return await self.clients[number].post(CHAT, json=body)
            except httpx2.ConnectError:
                self.ready.discard(number)
            finally:
                self.busy[number] -= 1


@pytest.mark.timeout(300)
async def test_gateways_that_are_replaced_one_after_the_other_under_load_lose_no_call(
    fleet: Fleet, postgres: Postgres
) -> None:
    finished, replaced, chooser = 0, asyncio.Event(), Chooser(fleet)

    async def caller(number: int) -> None:
        nonlocal finished
        for turn in itertools.count(number):
            stream = turn % 2 == 0
            answer = await chooser.post(asking("stream" if stream else "whole", stream=stream))
            assert answer.status_code == 200, answer.text
            assert not stream or answer.content.endswith(b"data: [DONE]\n\n")
            finished += 1
            if replaced.is_set():
                return

    chooser.ready.update(range(3))
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(chooser.watch())
        callers = [tasks.create_task(caller(number)) for number in range(CALLERS)]
        for number in range(3):
            before = finished
            await fleet.stop(number)
            await fleet.start(number)
            while number not in chooser.ready:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            assert finished > before
        replaced.set()
        await asyncio.gather(*callers)
        watching.cancel()
    for client in chooser.clients:
        await client.aclose()
    for number in range(3):
        await fleet.stop(number)
    database = urlsplit(fleet.environment["SEKISHO_DATABASE_URL"]).path[1:]
    assert int(postgres.sql("SELECT count(*) FROM calls", database)) == finished
