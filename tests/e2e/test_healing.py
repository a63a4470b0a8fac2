"""Response healing below /api/v1: what a client gets of JSON that a model spoiled."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from tests.e2e.live import scripted

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
}
FORM: dict[str, Any] = {"type": "json_schema", "json_schema": {"name": "person", "schema": SCHEMA}}
PLUGINS = [{"id": "response-healing"}]
SPOILED = "Sure!\n```json\n{'name': 'Eve', age: 40,}\n```"
REPAIRED = '{"name":"Eve","age":40}'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx2.AsyncClient]:
    async with scripted(tmp_path_factory.mktemp("live")) as live, live.http() as made:
        yield made


async def chat(
    client: httpx2.AsyncClient, text: str, model: str = "oai/echo", **more: Any
) -> httpx2.Response:
    body = {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": 99}
    asked = {"response_format": FORM, "plugins": PLUGINS} | more
    return await client.post("/api/v1/chat/completions", json=body | asked)


def content(answer: httpx2.Response) -> str:
    assert answer.status_code == 200, answer.text
    text: str = answer.json()["choices"][0]["message"]["content"]
    return text


@pytest.mark.parametrize("model", ["oai/echo", "ant/echo"])
async def test_a_spoiled_answer_is_repaired_and_says_so(client: httpx2.AsyncClient, model: str) -> None:
    answer = await chat(client, SPOILED, model)
    assert content(answer) == REPAIRED
    assert answer.headers["x-sekisho-healing"] == "repaired"
    assert "cost" not in answer.json()["usage"], "the rest is as it would be: nobody knows the price"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"name": "Eve", "age": 40}', "valid"),
        ('{"name": "Eve", "age": "forty",}', "not_repaired"),
        ("I would rather not.", "not_repaired"),
    ],
)
async def test_what_needs_no_repair_or_cannot_have_one_stays_as_it_was(
    client: httpx2.AsyncClient, text: str, said: str
) -> None:
    answer = await chat(client, text)
    assert content(answer) == text
    assert answer.headers["x-sekisho-healing"] == said


async def test_nobody_is_healed_unasked(client: httpx2.AsyncClient) -> None:
    off = [{"id": "response-healing", "enabled": False}]
    for more in ({"plugins": []}, {"plugins": off}, {"response_format": {"type": "text"}}):
        answer = await chat(client, SPOILED, **more)
        assert content(answer) == SPOILED
        assert "x-sekisho-healing" not in answer.headers


async def test_any_object_will_do_where_no_schema_is_given(client: httpx2.AsyncClient) -> None:
    assert content(await chat(client, "{a: 1}", response_format={"type": "json_object"})) == '{"a":1}'
    assert content(await chat(client, "[1,]", response_format={"type": "json_object"})) == "[1,]"


async def test_an_answer_that_hit_its_limit_is_not_closed(client: httpx2.AsyncClient) -> None:
    cut = '{"name": "Eve", "age": 40'
    assert content(await chat(client, cut)) == '{"name":"Eve","age":40}'
    assert content(await chat(client, cut, "oai/echo?finish=length")) == cut


async def test_no_schema_makes_the_gateway_fetch_anything(client: httpx2.AsyncClient) -> None:
    schema = {"$ref": "http://127.0.0.1:9/schema.json"}
    answer = await chat(
        client,
        "{a: 1}",
        response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
    )
    assert content(answer) == "{a: 1}"
    assert answer.headers["x-sekisho-healing"] == "not_repaired"


async def test_responses_and_messages_are_healed_too(client: httpx2.AsyncClient) -> None:
    form = {"type": "json_schema", "name": "person", "schema": SCHEMA}
    body: dict[str, Any] = {
        "model": "oai/echo",
        "input": SPOILED,
        "text": {"format": form},
        "plugins": PLUGINS,
    }
    answer = (await client.post("/api/v1/responses", json=body)).json()
    assert [part["text"] for item in answer["output"] for part in item["content"]] == [REPAIRED]
    body = {
        "model": "ant/echo",
        "max_tokens": 99,
        "messages": [{"role": "user", "content": SPOILED}],
        "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
        "plugins": PLUGINS,
    }
    said = (await client.post("/api/v1/messages", json=body)).json()
    assert [block["text"] for block in said["content"]] == [REPAIRED]
