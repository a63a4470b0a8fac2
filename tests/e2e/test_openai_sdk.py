"""OpenAI's own SDK, unary and streamed, against providers of both dialects."""

import json
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletion
from pydantic import BaseModel
from tests.e2e.live import Live

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def tool(name: str, **properties: Any) -> Any:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "description": "道具", "parameters": schema}}


TOOLS = [tool("weather", city={"type": "string"}), tool("clock")]
both = pytest.mark.parametrize("provider_name", ["oai", "ant"])
streamed = pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])


async def chat(live: Live, stream: bool, **arguments: Any) -> ChatCompletion:
    """One call; a stream is put together by the SDK's own accumulator."""
    client = live.openai()
    if not stream:
        return await client.chat.completions.create(**arguments)
    async with client.chat.completions.stream(stream_options={"include_usage": True}, **arguments) as events:
        return await events.get_final_completion()


def user(content: Any) -> list[Any]:
    return [{"role": "user", "content": content}]


@both
@streamed
async def test_an_answer_arrives_whole_with_usage(live: Live, provider_name: str, stream: bool) -> None:
    text = "関所を越えて、東海道を行く。 Over the checkpoint."
    answer = await chat(live, stream, model=f"{provider_name}/echo", messages=user(text), max_tokens=500)
    assert answer.choices[0].message.content == text
    assert answer.choices[0].finish_reason == "stop"
    served = live.provider.served[-1]
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == served.usage.prompt
    assert answer.usage.completion_tokens == served.usage.output
    assert answer.usage.total_tokens == served.usage.total


@both
@streamed
async def test_a_tool_loop_runs_to_its_end(live: Live, provider_name: str, stream: bool) -> None:
    messages = user("What is the weather in 東京?")
    model = f"{provider_name}/parallel-tools"
    first = await chat(live, stream, model=model, messages=messages, tools=TOOLS, max_tokens=500)
    calls = first.choices[0].message.tool_calls
    assert first.choices[0].finish_reason == "tool_calls"
    assert calls is not None
    assert [call.function.name for call in calls if call.type == "function"] == ["weather", "clock"]
    assert len({call.id for call in calls}) == 2
    messages.append(first.choices[0].message.model_dump(exclude_none=True))
    for call in calls:
        assert call.type == "function"
        assert isinstance(json.loads(call.function.arguments), dict)
        messages.append(
            {"role": "tool", "tool_call_id": call.id, "content": f"result of {call.function.name}"}
        )
    last = await chat(live, stream, model=model, messages=messages, tools=TOOLS, max_tokens=500)
    assert last.choices[0].message.content == "result of clock"
    assert last.choices[0].finish_reason == "stop"


@both
async def test_an_image_reaches_the_provider_in_its_own_words(live: Live, provider_name: str) -> None:
    content = [
        {"type": "text", "text": "what is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
    ]
    await chat(live, False, model=f"{provider_name}/hello", messages=user(content), max_tokens=100)
    sent = json.loads(live.provider.requests[-1].body)["messages"][0]["content"][1]
    if provider_name == "oai":
        assert sent == content[1]
    else:
        source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
        assert sent == {"type": "image", "source": source}


@both
@streamed
async def test_thinking_is_shown_beside_the_answer(live: Live, provider_name: str, stream: bool) -> None:
    answer = await chat(
        live,
        stream,
        model=f"{provider_name}/thinking",
        messages=user("hi"),
        max_tokens=4000,
        reasoning_effort="low",
    )
    message = answer.choices[0].message
    assert message.content == "Hello there!"
    shown = message.model_extra or {}
    assert "The user greets me. I greet back." in (shown.get("reasoning_content"), shown.get("reasoning"))


class City(BaseModel):
    name: str
    population: int


@both
async def test_structured_output_fits_its_schema(live: Live, provider_name: str) -> None:
    answer = await live.openai().chat.completions.parse(
        model=f"{provider_name}/json", messages=user("a city"), response_format=City, max_tokens=500
    )
    assert isinstance(answer.choices[0].message.parsed, City)


@both
@streamed
@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ("status-400", openai.BadRequestError),
        ("too-long", openai.BadRequestError),
        ("throttled", openai.RateLimitError),
        ("status-500", openai.InternalServerError),
        ("overloaded", openai.InternalServerError),
        ("html", openai.InternalServerError),
        ("status-401", openai.InternalServerError),
        ("reset", openai.InternalServerError),
    ],
)
async def test_a_providers_failure_is_the_sdks_own_exception(
    live: Live, provider_name: str, stream: bool, script: str, kind: type[openai.APIStatusError]
) -> None:
    with pytest.raises(kind) as caught:
        await chat(live, stream, model=f"{provider_name}/{script}", messages=user("x"), max_tokens=10)
    if caught.value.status_code != 400:
        assert provider_name in str(caught.value)
        assert "attempt" in str(caught.value)


@both
@pytest.mark.parametrize("script", ["cut-after-3", "malformed", "no-end", "error-after-3", "reset-after-3"])
async def test_a_broken_stream_never_looks_complete(live: Live, provider_name: str, script: str) -> None:
    with pytest.raises(openai.APIError):
        await chat(live, True, model=f"{provider_name}/{script}", messages=user("x"), max_tokens=500)


async def test_bad_keys_and_models_are_the_sdks_own_exceptions(live: Live) -> None:
    with pytest.raises(openai.AuthenticationError):
        await live.openai("sk-wrong").chat.completions.create(model="oai/echo", messages=user("x"))
    with pytest.raises(openai.NotFoundError, match="acme/echo"):
        await live.openai().chat.completions.create(model="acme/ecko", messages=user("x"))


async def test_usage_stays_hidden_from_a_client_that_did_not_ask(live: Live) -> None:
    for provider_name in ("oai", "ant"):
        stream = await live.openai().chat.completions.create(
            model=f"{provider_name}/hello", messages=user("x"), stream=True, max_tokens=50
        )
        chunks = [chunk async for chunk in stream]
        assert all(chunk.usage is None and chunk.choices for chunk in chunks)
        assert all("usage" not in chunk.model_fields_set for chunk in chunks)


async def test_models_are_listed(live: Live) -> None:
    names = {model.id async for model in live.openai().models.list()}
    assert {"acme/echo", "rescued"} <= names
