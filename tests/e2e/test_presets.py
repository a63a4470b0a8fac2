"""Presets: kept by versions, applied where a request names them, in every API; they only ever narrow."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from tests.e2e.live import PROVIDER_KEY, Live, running, scripted
from tests.e2e.test_admin import made
from tests.e2e.test_market import DOCUMENT

from sekisho.testkit.provider import ScriptedProvider

pytestmark = pytest.mark.asyncio(loop_scope="module")
USER = [{"role": "user", "content": "関所はどこですか"}]
PROMPT = "You keep the gate."


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    async with scripted(tmp_path_factory.mktemp("live"), DOCUMENT) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(live: Live) -> AsyncIterator[httpx2.AsyncClient]:
    async with live.http() as found:
        yield found


async def keep(
    client: httpx2.AsyncClient, slug: str, body: dict[str, Any], api: str = "chat/completions"
) -> dict[str, Any]:
    answer = await client.post(f"/api/v1/presets/{slug}/{api}", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


async def ask(client: httpx2.AsyncClient, path: str, **body: Any) -> httpx2.Response:
    return await client.post("/api/v1/" + path, json=body, headers={"x-sekisho-explain": "1"})


def sent_by(live: Live) -> dict[str, Any]:
    """The last request that a provider got."""
    found: dict[str, Any] = json.loads(live.provider.requests[-1].body)
    return found


async def refusal(client: httpx2.AsyncClient, **body: Any) -> tuple[int, str | None, str]:
    answer = await ask(client, "chat/completions", **({"messages": USER} | body))
    error = answer.json()["error"]
    return answer.status_code, error["metadata"].get("param"), error["message"]


async def test_a_preset_is_applied_by_all_its_names_and_the_request_wins(
    client: httpx2.AsyncClient, live: Live
) -> None:
    body = {
        "model": "acme/echo", "temperature": 0.25, "max_tokens": 77, "provider": {"only": ["cheap"]},
        "messages": [{"role": "system", "content": PROMPT}, *USER], "stream": True, "user": "u",
    }  # fmt: skip
    kept = (await keep(client, "gate", body))["designated_version"]
    assert kept["system_prompt"] == PROMPT
    assert kept["config"].keys() == {"model", "temperature", "max_tokens", "provider"}
    for named in ({"model": "@preset/gate"}, {"preset": "gate"}, {"model": "acme/echo", "preset": "gate"},
                  {"model": "acme/echo@preset/gate"}):  # fmt: skip
        answer = await ask(client, "chat/completions", messages=USER, **named)
        assert answer.status_code == 200, answer.text
        sent = sent_by(live)
        assert sent["messages"] == [{"role": "system", "content": PROMPT}, *USER]
        assert (sent["temperature"], sent["max_tokens"]) == (0.25, 77)
        assert not {"preset", "provider", "user"} & sent.keys()
        assert answer.headers["x-sekisho-provider"] == "cheap"
        assert '"preset":"gate@1"' in answer.headers["x-sekisho-explain"]
        call = await client.get("/api/v1/generation", params={"id": answer.headers["x-generation-id"]})
        assert call.json()["data"]["preset_id"] == "default/gate"
    own = [{"role": "system", "content": "Mine."}, *USER]
    await ask(client, "chat/completions", model="@preset/gate", messages=own, max_completion_tokens=5)
    sent = sent_by(live)
    assert sent["messages"] == own
    assert "max_tokens" not in sent
    assert sent["max_completion_tokens"] == 5


async def test_a_preset_goes_with_every_api_that_can_say_it(client: httpx2.AsyncClient, live: Live) -> None:
    body = {"model": "acme/echo", "instructions": PROMPT, "max_output_tokens": 99, "input": "?"}
    kept = await keep(client, "plain", body, "responses")
    assert kept["designated_version"]["config"] == {"model": "acme/echo", "max_tokens": 99}
    body = {
        "model": "acme/echo",
        "system": PROMPT,
        "max_tokens": 98,
        "stop_sequences": ["."],
        "messages": USER,
    }
    kept = await keep(client, "stopping", body, "messages")
    assert kept["designated_version"]["config"] == {"model": "acme/echo", "max_tokens": 98, "stop": ["."]}
    for path, said in (
        ("chat/completions", {"messages": USER}),
        ("responses", {"input": "?"}),
        ("messages", {"messages": USER, "max_tokens": 50}),
    ):
        answer = await ask(client, path, model="@preset/plain", **said)
        assert answer.status_code == 200, answer.text
        sent = sent_by(live)
        assert PROMPT in str(sent), "as a message or not, by the API of the target that chance chose"
        limit = sent.get("max_tokens", sent.get("max_completion_tokens"))
        assert limit == (50 if path == "messages" else 99)
    refused = await ask(client, "responses", model="@preset/stopping", input="?")
    assert refused.status_code == 400
    assert "`stop`" in refused.json()["error"]["message"]
    refused = await ask(client, "completions", model="@preset/plain", prompt="?")
    assert refused.status_code == 400
    assert "system prompt" in refused.json()["error"]["message"]


async def test_a_preset_only_narrows_what_the_request_and_the_key_allow(
    client: httpx2.AsyncClient, live: Live
) -> None:
    await keep(client, "cheap", {"model": "acme/echo", "provider": {"only": ["cheap"]}})
    status, param, _ = await refusal(client, model="@preset/cheap", provider={"only": ["dear"]})
    assert (status, param) == (400, "provider")
    key = await made(client, "keys", name="k", models=["acme/free"], providers=["dear"])
    async with live.http(key["key"]) as mine:
        assert (await refusal(mine, model="@preset/cheap"))[0] == 403
        assert (await refusal(mine, model="acme/free@preset/cheap"))[0] in (400, 403)
        assert (await mine.get("/api/v1/presets/cheap")).status_code == 200
        stolen = await mine.post("/api/v1/presets/cheap/chat/completions", json={"model": "acme/free"})
        assert stolen.status_code == 403
    company = await made(client, "organisations", name="others")
    boss = await made(client, "keys", name="boss", organisation=company["id"], admin=True)
    async with live.http(boss["key"]) as theirs:
        assert (await theirs.get("/api/v1/presets")).json() == {"data": [], "total_count": 0}
        assert (await refusal(theirs, model="@preset/cheap"))[0] == 404
        await keep(theirs, "cheap", {"model": "acme/free"})
    assert (await client.get("/api/v1/presets/cheap/versions")).json()["total_count"] == 1


async def test_the_latest_version_is_applied_and_all_are_kept(client: httpx2.AsyncClient) -> None:
    for temperature in (0.1, 0.2, 0.3):
        await keep(client, "cooling", {"model": "acme/echo", "temperature": temperature})
    answer = await ask(client, "chat/completions", model="@preset/cooling", messages=USER)
    assert '"preset":"cooling@3"' in answer.headers["x-sekisho-explain"]
    listed = (await client.get("/api/v1/presets/cooling/versions?offset=1&limit=1")).json()
    assert [each["config"]["temperature"] for each in listed["data"]] == [0.2]
    assert listed["total_count"] == 3
    one = (await client.get("/api/v1/presets/cooling/versions/1")).json()["data"]
    assert one["config"]["temperature"] == 0.1
    assert (await client.get("/api/v1/presets/cooling/versions/4")).status_code == 404
    presets = (await client.get("/api/v1/presets?limit=1")).json()
    assert [each["slug"] for each in presets["data"]] == ["cooling"]


async def test_what_is_no_preset_is_refused_by_name(client: httpx2.AsyncClient) -> None:
    await keep(client, "nameless", {"temperature": 1})
    await keep(client, "broken", {"model": "acme/echo", "provider": {"only": ["nobody"]}})
    for body, status, param in (
        ({"model": "@preset/none"}, 404, "model"),
        ({"model": "acme/echo", "preset": "none"}, 404, "preset"),
        ({"model": "acme/echo@preset/"}, 404, "model"),
        ({"model": "@preset/nameless"}, 400, "model"),
        ({"model": "@preset/nameless", "preset": "broken"}, 400, "preset"),
        ({"model": "acme/echo", "preset": 5}, 400, "preset"),
        ({"model": "@preset/broken"}, 400, "preset"),
        ({"model": "acme/echo", "models": ["@preset/nameless"]}, 400, "models.1"),
    ):
        assert (await refusal(client, **body))[:2] == (status, param), body
    for body, param in (
        ({"model": "@preset/nameless"}, "model"),
        ({"model": "acme/echo", "models": ["x@preset/y"]}, "models"),
        ({"model": "acme/echo", "preset": "nameless"}, "preset"),
        ({"model": 5}, "model"),
        ({"messages": USER}, None),
        ({"model": "x" * 70_000}, None),
        ({"messages": [{"role": "system", "content": 5}]}, "messages"),
    ):
        answer = await client.post("/api/v1/presets/loop/chat/completions", json=body)
        assert answer.status_code == 400, body
        assert answer.json()["error"]["metadata"].get("param") == param
    assert (await client.get("/api/v1/presets/loop")).status_code == 404
    assert (await client.post("/api/v1/presets/a b/chat/completions", json={"model": "x"})).status_code == 400


async def test_other_processes_apply_a_new_version_within_a_second(tmp_path: Path, postgres_url: str) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    async with (
        ScriptedProvider(api_key=PROVIDER_KEY) as provider,
        running(folders[0], provider, DOCUMENT, postgres_url) as one,
        running(folders[1], provider, DOCUMENT, postgres_url) as two,
        one.http() as here,
        two.http() as there,
    ):
        await keep(here, "shared", {"model": "acme/echo"})
        for _ in range(500):
            answer = await ask(there, "chat/completions", model="@preset/shared", messages=USER)
            if answer.status_code == 200:
                break
            await asyncio.sleep(0.02)
        assert '"preset":"shared@1"' in answer.headers["x-sekisho-explain"]
