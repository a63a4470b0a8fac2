"""The provider's own SDK reads what the scripted provider writes."""

import json
from typing import Any

import anthropic
import pytest

from sekisho.testkit.provider import Script, ScriptedProvider, ToolUse

ASK: list[Any] = [{"role": "user", "content": "関所とは何ですか"}]
WEATHER: Any = {
    "name": "weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


async def test_an_answer_echoes_and_is_counted(
    anthropic_client: anthropic.AsyncAnthropic, provider: ScriptedProvider
) -> None:
    answer = await anthropic_client.messages.create(model="echo", max_tokens=100, messages=ASK)
    assert [block.text for block in answer.content if block.type == "text"] == ["関所とは何ですか"]
    assert answer.stop_reason == "end_turn"
    [served] = provider.served
    assert (served.id, served.dialect, served.completed) == (answer.id, "anthropic_messages", True)
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (
        served.usage.input,
        served.usage.output,
    )


@pytest.mark.parametrize("model", ["japanese", "thinking", "redacted", "cached", "tool", "refusal", "empty"])
async def test_a_stream_folds_to_the_unary_answer(
    anthropic_client: anthropic.AsyncAnthropic, model: str
) -> None:
    unary = await anthropic_client.messages.create(model=model, max_tokens=100, messages=ASK, tools=[WEATHER])
    async with anthropic_client.messages.stream(
        model=model, max_tokens=100, messages=ASK, tools=[WEATHER]
    ) as stream:
        folded = await stream.get_final_message()
    assert (folded.stop_reason, folded.usage) == (unary.stop_reason, unary.usage)
    assert _content(folded) == _content(unary)


def _content(message: Any) -> list[Any]:
    ignored = {"id", "parsed_output"}
    return [block.model_dump(exclude=ignored, exclude_none=True) for block in message.content]


async def test_usage_tells_the_cache_lifetimes_apart(anthropic_client: anthropic.AsyncAnthropic) -> None:
    usage = (await anthropic_client.messages.create(model="cached", max_tokens=9, messages=ASK)).usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (
        20,
        1000,
        340,
    )
    assert usage.cache_creation is not None
    assert usage.cache_creation.ephemeral_5m_input_tokens == 300
    assert usage.cache_creation.ephemeral_1h_input_tokens == 40


async def test_offered_tools_are_called_and_their_result_is_answered(
    anthropic_client: anthropic.AsyncAnthropic,
) -> None:
    answer = await anthropic_client.messages.create(
        model="tool", max_tokens=100, messages=ASK, tools=[WEATHER]
    )
    [call] = [block for block in answer.content if block.type == "tool_use"]
    assert (answer.stop_reason, call.input) == ("tool_use", {"city": "Tokyo"})
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    turns: list[Any] = [
        *ASK,
        {"role": "assistant", "content": answer.content},
        {"role": "user", "content": [result]},
    ]
    final = await anthropic_client.messages.create(
        model="tool", max_tokens=100, messages=turns, tools=[WEATHER]
    )
    assert [block.text for block in final.content if block.type == "text"] == ["sunny"]


async def test_streamed_tool_input_comes_in_pieces_that_join(
    anthropic_client: anthropic.AsyncAnthropic, provider: ScriptedProvider
) -> None:
    arguments = '{"city": "東京", "note": "a longer text that needs pieces"}'
    provider.script(Script(tool_calls=(ToolUse(name="weather", arguments=arguments),)))
    async with anthropic_client.messages.stream(
        model="any", max_tokens=100, messages=ASK, tools=[WEATHER]
    ) as stream:
        final = await stream.get_final_message()
    assert [block.input for block in final.content if block.type == "tool_use"] == [json.loads(arguments)]


@pytest.mark.parametrize(
    ("model", "error", "kind"),
    [
        ("status-401", anthropic.AuthenticationError, "authentication_error"),
        ("status-403", anthropic.PermissionDeniedError, "permission_error"),
        ("status-404", anthropic.NotFoundError, "not_found_error"),
        ("status-413", anthropic.APIStatusError, "request_too_large"),
        ("too-long", anthropic.BadRequestError, "invalid_request_error"),
        ("throttled", anthropic.RateLimitError, "rate_limit_error"),
        ("status-500", anthropic.InternalServerError, "api_error"),
        ("status-529", anthropic.InternalServerError, "overloaded_error"),
    ],
)
async def test_error_bodies_are_the_ones_the_sdk_knows(
    anthropic_client: anthropic.AsyncAnthropic,
    model: str,
    error: type[anthropic.APIStatusError],
    kind: str,
) -> None:
    with pytest.raises(error) as caught:
        await anthropic_client.messages.create(model=model, max_tokens=9, messages=ASK)
    body: Any = caught.value.body
    assert body["type"] == "error"
    assert body["error"]["type"] == kind


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"messages": []}, "at least one message is required"),
        ({"messages": [{"role": "system", "content": "x"}]}, 'Unexpected role "system"'),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]}, "must be non-empty"),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "tool_result", "tool_use_id": "toolu_9", "content": "x"}],
                    }
                ]
            },
            "unexpected `tool_use_id` found in `tool_result` blocks: toolu_9",
        ),
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, "`max_tokens` must be greater than"),
        ({"model": "echo?nothing=1"}, "no script can be read"),
    ],
)
async def test_the_request_is_checked_as_the_provider_checks_it(
    anthropic_client: anthropic.AsyncAnthropic, change: dict[str, Any], message: str
) -> None:
    arguments: dict[str, Any] = {"model": "echo", "max_tokens": 100, "messages": ASK, **change}
    with pytest.raises(anthropic.BadRequestError) as caught:
        await anthropic_client.messages.create(**arguments)
    assert message in str(caught.value)


async def test_an_error_event_in_the_stream_is_raised(anthropic_client: anthropic.AsyncAnthropic) -> None:
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        async with anthropic_client.messages.stream(
            model="error-after-4", max_tokens=9, messages=ASK
        ) as stream:
            await stream.get_final_message()


async def test_tokens_are_counted_and_models_listed(anthropic_client: anthropic.AsyncAnthropic) -> None:
    counted = await anthropic_client.messages.count_tokens(model="echo", messages=ASK, system="Be kind.")
    assert counted.input_tokens == 8
    assert "thinking" in [model.id async for model in anthropic_client.models.list()]


async def test_a_wrong_key_is_refused() -> None:
    async with (
        ScriptedProvider(api_key="sk-right") as provider,
        anthropic.AsyncAnthropic(base_url=provider.base_url, api_key="sk-wrong", max_retries=0) as client,
    ):
        with pytest.raises(anthropic.AuthenticationError, match="invalid x-api-key"):
            await client.messages.create(model="echo", max_tokens=9, messages=ASK)


@pytest.mark.parametrize("model", ["thinking", "redacted"])
async def test_thinking_that_comes_back_is_known_again(
    anthropic_client: anthropic.AsyncAnthropic, model: str
) -> None:
    first = await anthropic_client.messages.create(model=model, max_tokens=100, messages=ASK)
    own = [block.model_dump(exclude_none=True) for block in first.content]
    own[1].pop("parsed_output", None)
    forged = {
        **own[0],
        **({"data": "Zm9yZ2Vk"} if model == "redacted" else {"thinking": "Not what I thought."}),
    }
    for thought, refused in ((own[0], False), (forged, True)):
        turns: list[Any] = [*ASK, {"role": "assistant", "content": [thought, own[1]]}, *ASK]
        asked = anthropic_client.messages.create(model=model, max_tokens=100, messages=turns)
        if refused:
            with pytest.raises(anthropic.BadRequestError, match=r"Invalid `(signature|data)` in"):
                await asked
        else:
            await asked
