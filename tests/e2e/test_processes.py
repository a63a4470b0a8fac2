"""`sekisho serve` as operators run it: several processes, signals, first starts and refusals."""

import asyncio
import json
import os
import re
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from tests.e2e.serving import ADMIN_KEY, Serving, environment, free_port, program, serving
from tests.e2e.tape import Tape, tape

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHAT = "/v1/chat/completions"
WORKERS = 2
DOCUMENT = """
providers:
  own:
    like: openai-compatible
    base_url: {url}/v1
    api_key: any
    models: {{acme/one: {{}}, acme/two: {{}}}}
"""
REPLY = b'{"id":"1","model":"m","choices":[{"index":0,"message":{"content":"x"},"finish_reason":"stop"}]}'
CHUNK = (
    b'data: {"id":"1","model":"m","choices":[{"index":0,"delta":{"content":"%b"},"finish_reason":%b}]}\n\n'
)
FIRST, LAST = CHUNK % (b"a", b"null"), CHUNK % (b"z", b'"stop"') + b"data: [DONE]\n\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def provider() -> AsyncIterator[Tape]:
    async with tape() as player:
        yield player


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def document(provider: Tape, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("document") / "sekisho.yaml"
    path.write_text(DOCUMENT.format(url=provider.base_url), encoding="utf-8")
    return path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(document: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Serving]:
    folder = tmp_path_factory.mktemp("server")
    async with serving(
        folder, "--config", str(document), workers=WORKERS, SEKISHO_ADMIN_KEY=ADMIN_KEY
    ) as started:
        yield started


def asking(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "x"}], **more}


async def ask(client: httpx2.AsyncClient, provider: Tape, model: str) -> int:
    provider.play(REPLY, stream=False)
    status = (await client.post(CHAT, json=asking(model))).status_code
    provider.answers.clear()
    return status


# --- several workers -------------------------------------------------------------------------------


async def test_all_workers_answer_and_any_of_them_counts_for_all(server: Serving, provider: Tape) -> None:
    async with server.http() as client:
        for _ in range(30):
            assert await ask(client, provider, "acme/one") == 200
        await exported(server)
        assert [b"acme/one" in file.read_bytes() for file in counts_of(server)] == [True] * WORKERS
        for _ in range(6):
            assert await counted(client, "acme/one") == 30


async def test_a_worker_that_dies_is_replaced_and_its_counts_stay(server: Serving, provider: Tape) -> None:
    listening = len(server.events("listening"))
    async with server.http() as client:
        for _ in range(10):
            assert await ask(client, provider, "acme/two") == 200
        await exported(server)
        os.kill(server.events("listening")[-1]["pid"], signal.SIGKILL)
        await server.logged("listening", listening + 1)
        assert server.events("worker_died")[-1]["code"] == -signal.SIGKILL
        for _ in range(10):
            assert await ask(client, provider, "acme/two") == 200
        await exported(server)
        for _ in range(6):
            assert await counted(client, "acme/two") == 20


def counts_of(server: Serving) -> list[Path]:
    return sorted((server.data_dir / "run").glob("*.metrics"))


async def exported(server: Serving) -> None:
    """Until every worker has let the others know what it has counted up to now."""
    now = time.time()
    async with asyncio.timeout(30):
        while not all(file.stat().st_mtime > now for file in counts_of(server)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def counted(client: httpx2.AsyncClient, model: str) -> float:
    """Calls of a model that ended well, as whichever worker is asked knows it."""
    page = (await client.get("/metrics")).text
    pattern = rf'^sekisho_calls_total\{{[^}}]*model="{model}",outcome="ok"[^}}]*\}} (\S+)$'
    return sum(float(found) for found in re.findall(pattern, page, re.MULTILINE))


async def test_keys_are_made_and_revoked_beside_the_running_server(server: Serving, provider: Tape) -> None:
    around = environment(server.data_dir)
    code, out, _ = await program("keys", "create", "--name", "ci", "--json", environment=around)
    assert code == 0
    made = json.loads(out)
    async with server.http(made["key"]) as client:
        for _ in range(8):  # whichever worker it reaches, and each for the first time
            assert (await client.get("/v1/models")).status_code == 200
        code, out, _ = await program("keys", "revoke", made["id"], "--json", environment=around)
        assert (code, json.loads(out)["status"]) == (0, "revoked")
        refused = 0
        for _ in range(1_000):
            refused = refused + 1 if (await client.get("/v1/models")).status_code == 401 else 0
            if refused == 20:
                break
            await asyncio.sleep(0.01)
        assert refused == 20


@pytest.mark.parametrize("workers", [1, WORKERS])
async def test_a_stream_under_way_ends_before_the_server_does(
    tmp_path: Path, document: Path, provider: Tape, workers: int
) -> None:
    released = asyncio.Event()
    provider.play(FIRST + LAST, stream=True, piece=len(FIRST))
    provider.answers[-1].insert(2, released)
    async with (
        serving(tmp_path, "--config", str(document), workers=workers, SEKISHO_ADMIN_KEY=ADMIN_KEY) as started,
        started.http() as client,
        client.stream("POST", CHAT, json=asking("acme/one", stream=True)) as answer,
    ):
        pieces = answer.aiter_bytes()
        assert await anext(pieces) == FIRST
        started.process.send_signal(signal.SIGTERM)
        await started.logged("draining", workers)
        await until_closed(client)
        assert started.process.returncode is None
        released.set()
        assert b"".join([piece async for piece in pieces]) == LAST
        assert await started.stop() == 0
    assert len(started.events("stopped")) == workers


@pytest.mark.parametrize("workers", [1, WORKERS])
async def test_told_to_stop_it_says_so_before_it_stops_taking_calls(
    tmp_path: Path, document: Path, provider: Tape, workers: int
) -> None:
    more = {"SEKISHO_ADMIN_KEY": ADMIN_KEY, "SEKISHO_DRAIN_DELAY": "3600"}
    async with serving(tmp_path, "--config", str(document), workers=workers, **more) as started:
        async with started.http() as client:
            assert (await client.get("/readyz")).headers.get("connection") is None
            started.process.send_signal(signal.SIGTERM)
            await started.logged("draining", workers)
            for _ in range(5):
                readiness = await client.get("/readyz")
                assert (readiness.status_code, readiness.headers["connection"]) == (503, "close")
                assert (await client.get("/healthz")).status_code == 200
                assert await ask(client, provider, "acme/one") == 200
        for event in started.events("listening"):
            os.kill(event["pid"], signal.SIGKILL)
        await started.process.wait()


async def until_closed(client: httpx2.AsyncClient) -> None:
    """Until nobody listens any more."""
    for _ in range(500):
        try:
            await client.get("/healthz")
        except httpx2.TransportError:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it still takes connections")


async def test_workers_end_with_the_process_that_looks_after_them(tmp_path: Path, document: Path) -> None:
    async with serving(
        tmp_path, "--config", str(document), workers=WORKERS, SEKISHO_ADMIN_KEY=ADMIN_KEY
    ) as started:
        started.process.kill()
        assert await started.process.wait() == -signal.SIGKILL
        async with asyncio.timeout(30):
            while len(started.events("stopped")) < WORKERS:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


# --- starting --------------------------------------------------------------------------------------


async def test_a_first_start_shows_an_admin_key_once_and_keeps_its_digest_only(
    tmp_path: Path, document: Path
) -> None:
    shown = []
    for _ in range(2):
        async with serving(tmp_path, "--config", str(document), workers=WORKERS) as started:
            found = re.findall(r"sk-sekisho-[\w-]{43}", started.log.read_text(encoding="utf-8"))
            for key in {*shown, *found}:
                async with started.http(key) as client:
                    assert (await client.get("/api/v1/key")).json()["data"]["is_management_key"] is True
        shown += found
    assert len(shown) == 1
    files = [path for path in started.data_dir.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if shown[0].encode() in path.read_bytes()]


async def test_without_any_provider_it_starts_and_says_what_it_looks_for(tmp_path: Path) -> None:
    async with serving(tmp_path, SEKISHO_ADMIN_KEY=ADMIN_KEY) as started, started.http() as client:
        assert (await client.get("/readyz")).status_code == 200
        assert (await client.get("/v1/models")).json()["data"] == []
        assert (await client.post(CHAT, json=asking("openai/gpt-4o"))).status_code == 404
        reason = started.events("no_providers")[0]["reason"]
        for named in ("--config", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
            assert named in reason


async def test_providers_are_found_by_their_usual_variables(tmp_path: Path, provider: Tape) -> None:
    found = {"OPENAI_API_KEY": "sk-any", "OPENAI_BASE_URL": f"{provider.base_url}/v1"}
    async with serving(tmp_path, SEKISHO_ADMIN_KEY=ADMIN_KEY, **found) as started, started.http() as client:
        listed = {model["id"] for model in (await client.get("/v1/models")).json()["data"]}
        assert "openai/gpt-4o-mini" in listed
        assert await ask(client, provider, "gpt-4o-mini") == 200
        assert provider.heads[-1][b"authorization"] == b"Bearer sk-any"


@pytest.mark.parametrize("workers", [1, WORKERS])
async def test_a_bad_document_is_refused_with_every_problem_located(tmp_path: Path, workers: int) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(
        "providers:\n  x: {like: nobody}\nmodels:\n  y: {targets: []}\nodd: 1\n", encoding="utf-8"
    )
    code, out, err = await program(
        *("serve", "--config", str(path), "--port", str(free_port()), "--workers", str(workers)),
        environment=environment(tmp_path / "data"),
    )
    assert (code, out) == (1, "")
    for place in (":2:", ":4:", ":5:"):
        assert f"{path}{place}" in err
    assert "Traceback" not in err


async def test_several_workers_do_not_start_while_a_key_has_a_limit(tmp_path: Path) -> None:
    known = environment(tmp_path / "data")
    code, _, err = await program("keys", "create", "--name", "k", "--rpm", "5", environment=known)
    assert code == 0, err
    serve = ("serve", "--port", str(free_port()), "--workers", "2")
    code, _, err = await program(*serve, environment=known)
    assert (code, "set SEKISHO_STATE_URL to a Valkey or Redis" in err) == (1, True), err


async def test_two_do_not_count_limits_apart_on_one_database_but_one_starts_again_after_a_kill(
    tmp_path: Path, document: Path, provider: Tape
) -> None:
    for _ in range(2):
        provider.play(REPLY, stream=False)
    shared = {"SEKISHO_DATABASE_URL": f"sqlite:///{tmp_path / 'sekisho.db'}", "SEKISHO_ADMIN_KEY": ADMIN_KEY}
    start = (tmp_path, "--config", str(document))
    async with (
        serving(*start, data_dir=tmp_path / "one", **shared) as first,
        serving(*start, data_dir=tmp_path / "two", **shared) as second,
        first.http() as admin,
    ):
        assert f"process {first.process.pid} on" in second.events("not_alone")[0]["beside"][0]
        made = await admin.post("/admin/v1/keys", json={"name": "k", "limits": ["requests 2/hour"]})
        key = made.json()["key"]
        body = {"model": "acme/one", "messages": [{"role": "user", "content": "x"}]}
        async with first.http(key) as one, second.http(key) as two:
            assert (await one.post(CHAT, json=body)).status_code == 200
            assert (await two.post(CHAT, json=body)).status_code == 503, "it would count for itself"
        code, _, err = await program(
            *("serve", "--config", str(document), "--port", str(free_port())),
            environment=environment(tmp_path / "three", **shared),
        )
        assert code == 1
        assert re.search(r"process \d+ on \S+ serves on the same database", err)
        assert "set the same SEKISHO_STATE_URL" in err
        await second.stop()
        first.process.kill()
        await first.process.wait()
    async with serving(*start, data_dir=tmp_path / "one", **shared) as again, again.http(key) as client:
        assert again.events("process_watched") == [], "nobody waits to see whether a process of its own lives"
        answers = [(await client.post(CHAT, json=body)).status_code for _ in range(2)]
        assert answers == [200, 429]


async def test_what_keeps_it_from_starting_is_told_in_a_line(tmp_path: Path, server: Serving) -> None:
    taken = server.url.rpartition(":")[2]
    missing = tmp_path / "no.yaml"
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the data should go", encoding="utf-8")
    cases: list[tuple[tuple[str, ...], Path, str]] = [
        (("--port", taken), tmp_path / "1", rf"127\.0\.0\.1:{taken}: .*in use"),
        (("--port", taken, "--workers", "2"), tmp_path / "2", rf"127\.0\.0\.1:{taken}: .*in use"),
        (("--port", "0", "--workers", "2"), tmp_path / "3", "several workers need a port"),
        (("--config", str(missing)), tmp_path / "4", rf"error: {missing}: No such file"),
        (("--config", str(missing), "--workers", "2"), tmp_path / "5", rf"error: {missing}: No such file"),
        (("--config", str(tmp_path)), tmp_path / "6", rf"error: {tmp_path}: Is a directory"),
        ((), blocked / "data", rf"error: .*{blocked}.*"),
        (("--host", "192.0.2.1"), tmp_path / "7", r"192\.0\.2\.1:4000: "),
    ]
    runs = (program("serve", *arguments, environment=environment(data)) for arguments, data, _ in cases)
    for (arguments, _, reason), (code, _, err) in zip(cases, await asyncio.gather(*runs), strict=True):
        errors = [line for line in err.splitlines() if line.startswith("error: ")]
        assert code == 1, (arguments, err)
        assert len(errors) == 1, (arguments, err)
        assert re.search(reason, errors[0]), (arguments, err)
        assert "Traceback" not in err
        assert "sk-sekisho" not in err


@pytest.mark.parametrize("text", ["10s", "-1", "1e9", "86401", "٣"])
async def test_a_time_to_drain_that_is_none_is_told_in_a_line(tmp_path: Path, text: str) -> None:
    around = environment(tmp_path / "data", SEKISHO_DRAIN_LIMIT=text)
    code, _, err = await program("serve", "--port", "4999", environment=around)
    assert (code, err) == (
        1,
        "error: SEKISHO_DRAIN_LIMIT must be a whole number of seconds from 0 to 86400\n",
    )
