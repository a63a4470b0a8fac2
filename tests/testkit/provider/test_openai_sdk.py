"""The provider's own SDK reads what the scripted provider writes."""

import json
from typing import Any

import openai
import pytest

from sekisho.core.usage import Usage
from sekisho.testkit.provider import Script, ScriptedProvider, ToolUse

ASK: list[Any] = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "関所とは何ですか"}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city"],
        },
    },
}


async def test_an_answer_echoes_and_is_counted(
    openai_client: openai.AsyncOpenAI, provider: ScriptedProvider
) -> None:
    answer = await openai_client.chat.completions.create(model="echo", messages=ASK)
    assert answer.choices[0].message.content == "関所とは何ですか"
    assert answer.choices[0].finish_reason == "stop"
    [served] = provider.served
    assert served.completed
    assert (served.id, served.dialect, served.model) == (answer.id, "openai_chat", "echo")
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (
        served.usage.prompt,
        served.usage.output,
    )


async def test_a_stream_folds_to_the_unary_answer(openai_client: openai.AsyncOpenAI) -> None:
    unary = await openai_client.chat.completions.create(model="japanese", messages=ASK)
    text, usage, chunks = "", None, 0
    async for chunk in await openai_client.chat.completions.create(
        model="japanese", messages=ASK, stream=True, stream_options={"include_usage": True}
    ):
        chunks += 1
        text += "".join(choice.delta.content or "" for choice in chunk.choices)
        usage = chunk.usage
    assert text == unary.choices[0].message.content
    assert chunks > 4
    assert usage == unary.usage


async def test_usage_comes_in_a_stream_only_when_asked_for(openai_client: openai.AsyncOpenAI) -> None:
    stream = await openai_client.chat.completions.create(model="hello", messages=ASK, stream=True)
    chunks = [chunk async for chunk in stream]
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)


async def test_usage_tells_cached_and_reasoning_tokens_apart(openai_client: openai.AsyncOpenAI) -> None:
    answer = await openai_client.chat.completions.create(model="cached", messages=ASK)
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 20 + 1000 + 300 + 40
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.prompt_tokens_details.cached_tokens == 1000
    assert answer.usage.completion_tokens_details is not None
    assert answer.usage.completion_tokens_details.reasoning_tokens == 12


@pytest.mark.parametrize("model", ["tool", "parallel-tools"])
async def test_offered_tools_are_called_and_their_result_is_answered(
    openai_client: openai.AsyncOpenAI, model: str
) -> None:
    second = {**WEATHER, "function": {**WEATHER["function"], "name": "forecast"}}
    answer = await openai_client.chat.completions.create(model=model, messages=ASK, tools=[WEATHER, second])
    calls = answer.choices[0].message.tool_calls or []
    assert answer.choices[0].finish_reason == "tool_calls"
    assert [call.function.name for call in calls if call.type == "function"] == (
        ["weather", "forecast"] if model == "parallel-tools" else ["weather"]
    )
    results: list[Any] = [
        {"role": "tool", "tool_call_id": call.id, "content": f"sunny {index}"}
        for index, call in enumerate(calls)
    ]
    turn: Any = answer.choices[0].message.model_dump(exclude_none=True)
    final = await openai_client.chat.completions.create(
        model=model, messages=[*ASK, turn, *results], tools=[WEATHER, second]
    )
    assert final.choices[0].message.content == f"sunny {len(calls) - 1}"


async def test_streamed_tool_calls_bring_whole_arguments(
    openai_client: openai.AsyncOpenAI, provider: ScriptedProvider
) -> None:
    arguments = '{"city": "東京", "days": 3}'
    provider.script(Script(text="Let me look.", tool_calls=(ToolUse(name="weather", arguments=arguments),)))
    async with openai_client.chat.completions.stream(model="any", messages=ASK, tools=[WEATHER]) as stream:
        final = await stream.get_final_completion()
    [call] = final.choices[0].message.tool_calls or []
    assert json.loads(call.function.arguments) == {"city": "東京", "days": 3}
    assert final.choices[0].message.content == "Let me look."


async def test_an_answer_can_fit_a_schema_refuse_and_run_out(openai_client: openai.AsyncOpenAI) -> None:
    schema = WEATHER["function"]["parameters"]
    structured = await openai_client.chat.completions.create(
        model="json",
        messages=ASK,
        response_format={"type": "json_schema", "json_schema": {"name": "w", "schema": schema}},
    )
    assert json.loads(structured.choices[0].message.content or "") == {"city": "Tokyo", "days": 1}
    refused = await openai_client.chat.completions.create(model="refusal", messages=ASK)
    assert refused.choices[0].message.refusal
    assert refused.choices[0].message.content is None
    short = await openai_client.chat.completions.create(model="cut-short", messages=ASK, n=2, logprobs=True)
    assert [choice.finish_reason for choice in short.choices] == ["length", "length"]
    assert short.choices[0].logprobs is not None


@pytest.mark.parametrize(
    ("model", "error", "code"),
    [
        ("status-401", openai.AuthenticationError, "invalid_api_key"),
        ("status-403", openai.PermissionDeniedError, "unsupported_country_region_territory"),
        ("status-404", openai.NotFoundError, "model_not_found"),
        ("too-long", openai.BadRequestError, "context_length_exceeded"),
        ("quota", openai.RateLimitError, "insufficient_quota"),
        ("throttled", openai.RateLimitError, "rate_limit_exceeded"),
        ("status-500", openai.InternalServerError, None),
    ],
)
async def test_error_bodies_are_the_ones_the_sdk_knows(
    openai_client: openai.AsyncOpenAI, model: str, error: type[openai.APIStatusError], code: str | None
) -> None:
    with pytest.raises(error) as caught:
        await openai_client.chat.completions.create(model=model, messages=ASK)
    assert caught.value.code == code
    assert (caught.value.response.headers.get("retry-after") == "1") == (model == "throttled")


async def test_the_request_is_checked_as_the_provider_checks_it(
    openai_client: openai.AsyncOpenAI, provider: ScriptedProvider
) -> None:
    orphan: list[Any] = [*ASK, {"role": "tool", "tool_call_id": "call_1", "content": "x"}]
    with pytest.raises(openai.BadRequestError, match="must be a response to a preceeding message"):
        await openai_client.chat.completions.create(model="echo", messages=orphan)
    with pytest.raises(openai.BadRequestError, match="Invalid value: 'robot'"):
        await openai_client.chat.completions.create(
            model="echo",
            messages=[{"role": "robot", "content": ""}],  # type: ignore[list-item, misc]
        )
    with pytest.raises(openai.BadRequestError, match="chunk_gap"):
        await openai_client.chat.completions.create(model="echo?chunk_gap=soon", messages=ASK)
    assert provider.served == []


async def test_an_error_event_in_the_stream_is_raised(openai_client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.APIError, match="had an error"):
        async for _ in await openai_client.chat.completions.create(
            model="error-after-2", messages=ASK, stream=True
        ):
            pass


async def test_models_are_listed(openai_client: openai.AsyncOpenAI) -> None:
    assert "cached" in [model.id async for model in openai_client.models.list()]


async def test_usage_can_be_said_by_the_script(
    openai_client: openai.AsyncOpenAI, provider: ScriptedProvider
) -> None:
    provider.script(Script(text="x", usage=Usage(input=3, output=4)))
    answer = await openai_client.chat.completions.create(model="echo", messages=ASK)
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.total_tokens) == (3, 7)
