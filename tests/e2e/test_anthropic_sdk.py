"""Anthropic's own SDK, unary and streamed, against providers of both dialects."""

import json
from typing import Any

import anthropic
import pytest
from anthropic.types import Message
from tests.e2e.live import Live

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def tool(name: str, **properties: Any) -> Any:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"name": name, "description": "道具", "input_schema": schema}


TOOLS = [tool("weather", city={"type": "string"}), tool("clock")]
both = pytest.mark.parametrize("provider_name", ["oai", "ant"])
streamed = pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])


async def ask(live: Live, stream: bool, **arguments: Any) -> Message:
    client = live.anthropic()
    arguments.setdefault("max_tokens", 500)
    if not stream:
        return await client.messages.create(**arguments)
    async with client.messages.stream(**arguments) as events:
        return await events.get_final_message()


def user(content: Any) -> list[Any]:
    return [{"role": "user", "content": content}]


@both
@streamed
async def test_an_answer_arrives_whole_with_usage(live: Live, provider_name: str, stream: bool) -> None:
    text = "関所を越えて、東海道を行く。 Over the checkpoint."
    answer = await ask(live, stream, model=f"{provider_name}/echo", messages=user(text), system="丁寧に")
    assert [block.text for block in answer.content if block.type == "text"] == [text]
    assert answer.stop_reason == "end_turn"
    served = live.provider.served[-1]
    assert answer.usage.input_tokens == served.usage.input
    assert answer.usage.output_tokens == served.usage.output


@both
@streamed
async def test_cached_tokens_are_told_apart(live: Live, provider_name: str, stream: bool) -> None:
    answer = await ask(live, stream, model=f"{provider_name}/cached", messages=user("x"))
    assert answer.usage.cache_read_input_tokens == 1000
    total = answer.usage.input_tokens + 1000 + (answer.usage.cache_creation_input_tokens or 0)
    assert total == live.provider.served[-1].usage.prompt


@both
@streamed
async def test_a_tool_loop_runs_to_its_end(live: Live, provider_name: str, stream: bool) -> None:
    messages = user("What is the weather in 東京?")
    model = f"{provider_name}/parallel-tools"
    first = await ask(live, stream, model=model, messages=messages, tools=TOOLS)
    calls = [block for block in first.content if block.type == "tool_use"]
    assert first.stop_reason == "tool_use"
    assert [call.name for call in calls] == ["weather", "clock"]
    messages.append({"role": "assistant", "content": [block.model_dump() for block in first.content]})
    results = [
        {"type": "tool_result", "tool_use_id": call.id, "content": f"result of {call.name}"} for call in calls
    ]
    messages.append({"role": "user", "content": results})
    last = await ask(live, stream, model=model, messages=messages, tools=TOOLS)
    assert [block.text for block in last.content if block.type == "text"] == ["result of clock"]


@both
async def test_an_image_reaches_the_provider_in_its_own_words(live: Live, provider_name: str) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    content = [{"type": "image", "source": source}, {"type": "text", "text": "what is this?"}]
    await ask(live, False, model=f"{provider_name}/hello", messages=user(content))
    sent = json.loads(live.provider.requests[-1].body)["messages"][0]["content"][0]
    if provider_name == "ant":
        assert sent == content[0]
    else:
        assert sent == {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}


@both
@streamed
async def test_thinking_comes_as_a_thinking_block(live: Live, provider_name: str, stream: bool) -> None:
    answer = await ask(
        live,
        stream,
        model=f"{provider_name}/thinking",
        messages=user("hi"),
        max_tokens=4000,
        thinking={"type": "enabled", "budget_tokens": 1024},
    )
    assert [block.type for block in answer.content] == ["thinking", "text"]
    thinking = answer.content[0]
    assert thinking.type == "thinking"
    assert thinking.thinking == "The user greets me. I greet back."
    if provider_name == "ant":
        assert thinking.signature


@both
@streamed
@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ("status-400", anthropic.BadRequestError),
        ("throttled", anthropic.RateLimitError),
        ("status-500", anthropic.InternalServerError),
        ("overloaded", anthropic.InternalServerError),
        ("html", anthropic.InternalServerError),
        ("status-401", anthropic.InternalServerError),
        ("reset", anthropic.InternalServerError),
    ],
)
async def test_a_providers_failure_is_the_sdks_own_exception(
    live: Live, provider_name: str, stream: bool, script: str, kind: type[anthropic.APIStatusError]
) -> None:
    with pytest.raises(kind):
        await ask(live, stream, model=f"{provider_name}/{script}", messages=user("x"))


@both
@pytest.mark.parametrize("script", ["cut-after-4", "malformed", "no-end", "error-after-4", "reset-after-4"])
async def test_a_broken_stream_never_looks_complete(live: Live, provider_name: str, script: str) -> None:
    with pytest.raises(anthropic.APIError):
        await ask(live, True, model=f"{provider_name}/{script}", messages=user("x"))


async def test_bad_keys_and_models_are_the_sdks_own_exceptions(live: Live) -> None:
    with pytest.raises(anthropic.AuthenticationError):
        await live.anthropic("sk-wrong").messages.create(model="ant/echo", messages=user("x"), max_tokens=9)
    with pytest.raises(anthropic.NotFoundError, match="acme/echo"):
        await ask(live, False, model="acme/ecko", messages=user("x"))


@both
async def test_tokens_are_counted_by_the_provider_or_estimated(live: Live, provider_name: str) -> None:
    counted = await live.anthropic().messages.count_tokens(
        model=f"{provider_name}/echo", messages=user("How many tokens is this? " * 20)
    )
    assert 60 <= counted.input_tokens <= 240


async def test_models_are_listed(live: Live) -> None:
    names = {model.id async for model in live.anthropic().models.list()}
    assert {"acme/echo", "rescued"} <= names
