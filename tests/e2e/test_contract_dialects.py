"""Messages and Responses under `/api/v1` have all members that OpenRouter's API document demands, whether a
provider's answer passed through or was translated. Below `/v1` nothing is added."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from tests.e2e.live import Live, scripted
from tests.e2e.test_contract import SCRIPTS, fits

pytestmark = pytest.mark.asyncio(loop_scope="module")
USER = [{"role": "user", "content": "関所はどこですか"}]
SAID = [*SCRIPTS, "parallel-tools"]
EVENTS = {
    "message_start": "MessagesStartEvent",
    "message_delta": "MessagesDeltaEvent",
    "content_block_start": "MessagesContentBlockStartEvent",
}
TOOLS: dict[str, Any] = {
    "/messages": {"name": "clock", "input_schema": {"type": "object"}},
    "/responses": {"type": "function", "name": "clock", "parameters": {"type": "object"}},
}
ADDED = {
    "/messages": b'"container":null',
    "/responses": b'"presence_penalty":null',
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    async with scripted(tmp_path_factory.mktemp("live")) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(live: Live) -> AsyncIterator[httpx2.AsyncClient]:
    async with live.http() as made:
        yield made


async def ask(client: httpx2.AsyncClient, path: str, model: str, *, stream: bool = False) -> httpx2.Response:
    body: dict[str, Any] = {"model": model, "stream": stream}
    place = path[path.rindex("/") :]
    body |= {"input": USER} if place == "/responses" else {"messages": USER, "max_tokens": 4000}
    if model.endswith("tools"):
        body["tools"] = [TOOLS[place]]
    answer = await client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]


@pytest.mark.parametrize("provider_name", ["ant", "oai", "rsp"])
@pytest.mark.parametrize("script", SAID)
async def test_a_message_fits_whole_and_streamed(
    client: httpx2.AsyncClient, provider_name: str, script: str
) -> None:
    model = f"{provider_name}/{script}"
    fits((await ask(client, "/api/v1/messages", model)).json(), "MessagesResult")
    found = events((await ask(client, "/api/v1/messages", model, stream=True)).text)
    assert {"message_start", "message_delta"} <= {event["type"] for event in found}
    for event in found:
        if event["type"] in EVENTS:
            fits(event, EVENTS[event["type"]])


@pytest.mark.parametrize("provider_name", ["rsp", "oai", "ant"])
@pytest.mark.parametrize("script", SAID)
async def test_a_response_fits_whole_and_streamed(
    client: httpx2.AsyncClient, provider_name: str, script: str
) -> None:
    model = f"{provider_name}/{script}"
    fits((await ask(client, "/api/v1/responses", model)).json(), "OpenResponsesResult")
    found = events((await ask(client, "/api/v1/responses", model, stream=True)).text)
    whole = [event["response"] for event in found if "response" in event]
    assert len(whole) >= 3
    for response in whole:
        if response["status"] == "in_progress" and response["usage"] is None:
            del response["usage"]  # as OpenAI says it; one half of the document allows it, the other does not
        fits(response, "OpenResponsesResult")


@pytest.mark.parametrize("model", ["acme/cached", "acme/claude-cached"])
async def test_the_cost_fits_too(client: httpx2.AsyncClient, model: str) -> None:
    message = (await ask(client, "/api/v1/messages", model)).json()
    fits(message, "MessagesResult")
    response = (await ask(client, "/api/v1/responses", model)).json()
    fits(response, "OpenResponsesResult")
    assert 0.002 < message["usage"]["cost"] == response["usage"]["cost"] < 0.003
    details = response["usage"]["cost_details"]
    sides = details["upstream_inference_input_cost"] + details["upstream_inference_output_cost"]
    assert sides == pytest.approx(details["upstream_inference_cost"])


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("model", ["ant/echo", "oai/echo", "rsp/echo"])
@pytest.mark.parametrize("path", sorted(ADDED))
async def test_only_the_marketplaces_clients_get_more(
    client: httpx2.AsyncClient, path: str, model: str, stream: bool
) -> None:
    more = await ask(client, f"/api/v1{path}", model, stream=stream)
    plain = await ask(client, f"/v1{path}", model, stream=stream)
    assert ADDED[path] in more.content
    assert ADDED[path] not in plain.content
