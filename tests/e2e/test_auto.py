"""Automatic routing, through a live gateway: who answers, and what is told of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.e2e.live import PROVIDER_KEY, Live, running
from tests.e2e.serving import environment, program
from tests.e2e.tape import tape

from sekisho.control.services.keys import KeyService
from sekisho.control.services.terms import KeyDraft
from sekisho.control.store.engine import Store
from sekisho.core.clock import Clock
from sekisho.core.record import CallRecord
from sekisho.testkit.provider import ScriptedProvider

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCUMENT = """
providers:
  oai:
    like: openai-compatible
    base_url: {url}/v1
    api_key: ${{SCRIPTED_KEY}}
    models:
      acme/small: {{upstream: echo, price: {{input: 0, output: 0, request: 0.001}}}}
      acme/think: {{upstream: echo, price: &dear {{input: 0, output: 0, request: 0.01}}}}
      acme/look: {{upstream: echo, price: *dear}}
  ant:
    like: anthropic-compatible
    base_url: {url}/v1
    api_key: ${{SCRIPTED_KEY}}
    models:
      acme/code: {{upstream: echo, price: *dear}}
models:
  thinker: {{targets: [acme/think], degrade: acme/small}}
  divided: {{auto: {{default: acme/small, strong: acme/think, threshold: 0.5}}}}
auto: {{default: acme/small, reasoning: thinker, coding: acme/code, vision: acme/look}}
records: {{scores: true}}
"""
FACT = "What is the capital of Mongolia?"
PROOF = "無限に多くの素数が存在することを背理法で証明してください。"
CODE = "Write a Python function that merges two sorted lists, with unit tests."
PICTURE = [
    {"type": "text", "text": "What is this?"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    async with (
        ScriptedProvider(api_key=PROVIDER_KEY) as provider,
        running(tmp_path_factory.mktemp("live"), provider, DOCUMENT) as started,
    ):
        yield started


async def key_with(live: Live, **terms: Any) -> str:
    """The text of a new key."""
    store = Store(f"sqlite:///{live.data_dir / 'sekisho.db'}")
    try:
        _, text = await asyncio.to_thread(KeyService(store, Clock()).create, "k", KeyDraft(**terms))
    finally:
        store.close()
    return text


async def ask(live: Live, content: Any, model: str = "sekisho/auto", **more: Any) -> Any:
    path, key = more.pop("path", "/v1/chat/completions"), more.pop("key", None)
    body = {"model": model, "messages": [{"role": "user", "content": content}], "max_tokens": 50, **more}
    async with live.http(key) as client:
        return await client.post(path, json=body, headers={"x-sekisho-explain": "1"})


async def record_of(live: Live, answer: Any) -> CallRecord:
    record = await live.gateway.books.generation(answer.headers["x-generation-id"])
    assert record is not None
    return record


@pytest.mark.parametrize(
    ("content", "tier", "model", "endpoint"),
    [
        (FACT, "lookup", "acme/small", "acme/small"),
        (PROOF, "reasoning", "thinker", "acme/think"),
        (CODE, "coding", "acme/code", "acme/code"),
        (PICTURE, "vision", "acme/look", "acme/look"),
        (FACT * 9_000, "long_context", "acme/small", "acme/small"),
    ],
    ids=["lookup", "reasoning", "coding", "vision", "long_context"],
)
@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
async def test_the_task_decides_who_answers(
    live: Live, content: Any, tier: str, model: str, endpoint: str, stream: bool
) -> None:
    answer = await ask(live, content, stream=stream)
    assert answer.status_code == 200, answer.text
    told = json.loads(answer.headers["x-sekisho-explain"])["auto"]
    assert (told["tier"], told["model"]) == (tier, model)
    record = await record_of(live, answer)
    assert (record.requested_model, record.model) == ("sekisho/auto", endpoint)
    assert record.explanation is not None
    assert record.explanation.auto is not None
    assert 0 <= record.explanation.auto.score <= 1


SAID = [{"role": "user", "content": CODE}]
OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "messages": ("/v1/messages", {"model": "sekisho/auto", "max_tokens": 50, "messages": SAID}),
    "responses": ("/v1/responses", {"model": "sekisho/auto", "input": CODE}),
    "completions": ("/v1/completions", {"model": "sekisho/auto", "prompt": CODE}),
    "gemini": (
        "/v1beta/models/sekisho/auto:generateContent",
        {"contents": [{"role": "user", "parts": [{"text": CODE}]}]},
    ),
    "converse": (
        "/model/sekisho%2Fauto/converse",
        {"messages": [{"role": "user", "content": [{"text": CODE}]}]},
    ),
    "openrouter": ("/api/v1/chat/completions", {"models": ["sekisho/auto", "acme/small"], "messages": SAID}),
}


@pytest.mark.parametrize("dialect", OTHERS)
async def test_every_client_is_led(live: Live, dialect: str) -> None:
    path, body = OTHERS[dialect]
    async with live.http() as client:
        answer = await client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    record = await record_of(live, answer)
    assert record.model == "acme/code"
    assert record.explanation is not None
    assert record.explanation.auto is not None
    assert record.explanation.auto.tier == "coding"


async def test_what_is_led_to_a_provider_of_the_same_api_passes_through(tmp_path: Path) -> None:
    reply = (
        b'{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":'
        b'{"role":"assistant","content":"x"},"finish_reason":"stop"}],"own":[1.0]}'
    )
    async with tape() as played, ScriptedProvider(api_key=PROVIDER_KEY) as provider:
        document = DOCUMENT.replace("{url}", played.base_url)
        async with running(tmp_path, provider, document) as live:
            played.play(reply, stream=False)
            answer = await ask(live, FACT, own_member={"b": 1, "a": [1.0]})
    assert answer.content == reply
    assert json.loads(played.bodies[0])["model"] == "echo"
    assert b'"own_member":{"b":1,"a":[1.0]}' in played.bodies[0].replace(b" ", b"")


async def test_a_key_that_may_not_use_the_model_is_led_to_one_that_it_may(live: Live) -> None:
    key = await key_with(live, models=("acme/small",))
    answer = await ask(live, PROOF, key=key)
    assert answer.status_code == 200
    told = json.loads(answer.headers["x-sekisho-explain"])["auto"]
    assert (told["model"], told["instead_of"]) == ("acme/small", "thinker")
    async with live.http(key) as client:
        listed = [each["id"] for each in (await client.get("/v1/models")).json()["data"]]
    assert sorted(listed) == ["acme/small", "divided", "sekisho/auto"]


async def test_a_key_that_may_use_none_of_them_is_refused(live: Live) -> None:
    key = await key_with(live, models=("sekisho/auto",))
    answer = await ask(live, PROOF, key=key)
    assert answer.status_code == 403
    assert "leads to acme/small, thinker, acme/code, acme/look, none of which" in answer.text


async def test_limits_and_degrading_are_those_of_the_chosen_model(live: Live) -> None:
    key = await key_with(live, limits=("usd 0.015/day when_reached=degrade",))
    assert (await record_of(live, await ask(live, PROOF, key=key))).model == "acme/think"
    degraded = await ask(live, PROOF, key=key)
    assert degraded.status_code == 200, degraded.text
    assert degraded.headers["x-sekisho-degraded"] == "acme/small"
    record = await record_of(live, degraded)
    assert record.explanation is not None
    assert record.explanation.auto is not None
    assert (record.explanation.auto.model, record.model) == ("thinker", "acme/small")
    assert (await record_of(live, await ask(live, FACT, key=key))).model == "acme/small"


async def test_a_threshold_divides_calls(live: Live) -> None:
    assert (await record_of(live, await ask(live, FACT, "divided"))).model == "acme/small"
    assert (await record_of(live, await ask(live, PROOF, "divided"))).model == "acme/think"


async def test_calls_that_name_their_model_are_scored_for_the_books_alone(live: Live) -> None:
    answer = await ask(live, PROOF, "acme/small")
    record = await record_of(live, answer)
    assert record.model == "acme/small"
    assert record.explanation is not None
    assert record.explanation.auto is not None
    assert (record.explanation.auto.tier, record.explanation.auto.model) == ("reasoning", None)


async def test_recorded_scores_are_calibrated_on(live: Live) -> None:
    for content in (FACT, FACT, PROOF):
        await record_of(live, await ask(live, content, "divided"))
    asked = ("calibrate-router", "--model", "divided", "--share", "0.4", "--json")
    code, said, complaint = await program(*asked, environment=environment(live.data_dir))
    assert code == 0, complaint
    found = json.loads(said)
    assert found["calls"] >= 3
    (line,) = found["thresholds"]
    assert 0.5 < line["threshold"] < 1
    code, _, complaint = await program(
        "calibrate-router", "--model", "nobody", environment=environment(live.data_dir)
    )
    assert code == 1
    assert "no call in that time has a score" in complaint


async def test_embeddings_are_never_led(live: Live) -> None:
    async with live.http() as client:
        answer = await client.post("/v1/embeddings", json={"model": "sekisho/auto", "input": "a"})
    assert answer.status_code == 400
    assert "leads conversations" in answer.text


async def test_it_is_explained_on_screen_without_a_word_of_the_prompt(live: Live) -> None:
    answer = await ask(live, CODE)
    call_id = answer.headers["x-generation-id"]
    await record_of(live, answer)
    code, said, complaint = await program("explain", call_id, environment=environment(live.data_dir))
    assert code == 0, complaint
    assert "coding" in said
    assert "led to acme/code" in said
    assert "merges" not in said
    asked = ("explain", "--model", "sekisho/auto", "--config", str(live.document))
    code, said, complaint = await program(*asked, "--prompt", PROOF, environment=environment(live.data_dir))
    assert code == 0, complaint
    assert "led to thinker" in said
    assert "oai/acme/think=echo" in said
    code, _, complaint = await program(*asked, environment=environment(live.data_dir))
    assert code == 1
    assert "give one with --prompt" in complaint
