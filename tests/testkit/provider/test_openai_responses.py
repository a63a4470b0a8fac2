"""The provider's own SDK reads what the scripted provider writes: responses."""

import json
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from sekisho.testkit.provider import Rules, Script, ScriptedProvider, ToolUse

ASK = "関所とは何ですか"
PIXEL = "data:image/png;base64,iVBORw0KGgo="
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER: Any = {"type": "function", "name": "weather", "parameters": PARAMETERS, "strict": False}
FORECAST: Any = {**WEATHER, "name": "forecast"}
SEARCH: Any = {"type": "web_search"}
PYTHON: Any = {"type": "custom", "name": "python"}


class City(BaseModel):
    city: str
    days: int


def content(response: Any) -> list[Any]:
    """The output without its ids."""
    return [item.model_dump(exclude={"id", "call_id", "parsed_arguments"}) for item in response.output]


async def test_an_answer_echoes_and_is_counted(
    openai_client: openai.AsyncOpenAI, provider: ScriptedProvider
) -> None:
    answer = await openai_client.responses.create(model="echo", instructions="Be kind.", input=ASK)
    assert (answer.output_text, answer.status, answer.instructions) == (ASK, "completed", "Be kind.")
    [served] = provider.served
    assert (served.id, served.dialect, served.model) == (answer.id, "openai_responses", "echo")
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (
        served.usage.prompt,
        served.usage.output,
    )


@pytest.mark.parametrize(
    "model", ["japanese", "thinking", "redacted", "cached", "parallel-tools", "refusal", "empty", "cut-short"]
)
async def test_a_stream_folds_to_the_unary_answer(openai_client: openai.AsyncOpenAI, model: str) -> None:
    asked: dict[str, Any] = {"model": model, "input": ASK, "tools": [WEATHER, FORECAST, PYTHON, SEARCH]}
    unary = await openai_client.responses.create(**asked)
    numbers, deltas, final = [], "", None
    async for event in await openai_client.responses.create(**asked, stream=True):
        numbers.append(event.sequence_number)
        if event.type == "response.output_text.delta":
            deltas += event.delta
        if event.type in ("response.completed", "response.incomplete"):
            final = event.response
    assert numbers == list(range(len(numbers)))
    assert final is not None
    assert (final.status, final.usage, deltas) == (unary.status, unary.usage, unary.output_text)
    assert content(final) == content(unary)


async def test_every_item_is_opened_filled_and_closed_in_turn(
    openai_client: openai.AsyncOpenAI, provider: ScriptedProvider
) -> None:
    arguments = '{"city": "東京", "note": "a longer text that needs pieces"}'
    provider.script(
        Script(thinking="Let me see.", text="ok", tool_calls=(ToolUse(name="weather", arguments=arguments),))
    )
    async with openai_client.responses.stream(model="any", input=ASK, tools=[WEATHER]) as stream:
        kinds = [event.type async for event in stream]
        final = await stream.get_final_response()
    assert [kind for kind in kinds if not kind.endswith("delta")] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_text.done",
        "response.reasoning_summary_part.done",
        "response.output_item.done",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.output_item.added",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [item.arguments for item in final.output if item.type == "function_call"] == [arguments]


async def test_usage_tells_cached_written_and_reasoning_tokens_apart(
    openai_client: openai.AsyncOpenAI,
) -> None:
    usage = (await openai_client.responses.create(model="cached", input=ASK)).usage
    assert usage is not None
    assert usage.input_tokens == 20 + 1000 + 300 + 40
    assert usage.input_tokens_details.cached_tokens == 1000
    assert usage.input_tokens_details.cache_write_tokens == 340
    assert usage.output_tokens_details.reasoning_tokens == 12


async def test_tools_of_both_kinds_are_called_and_their_results_answered(
    openai_client: openai.AsyncOpenAI,
) -> None:
    asked: dict[str, Any] = {"model": "parallel-tools", "tools": [WEATHER, PYTHON]}
    first = await openai_client.responses.create(input=ASK, **asked)
    call, custom = first.output
    assert (call.type, custom.type) == ("function_call", "custom_tool_call")
    results: list[Any] = [
        {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"},
        {"type": "custom_tool_call_output", "call_id": custom.call_id, "output": "1"},
    ]
    turns: list[Any] = [{"role": "user", "content": ASK}, call, custom, *results]
    final = await openai_client.responses.create(input=turns, **asked)
    assert final.output_text == "1"
    continued = await openai_client.responses.create(input=results, previous_response_id=first.id, **asked)
    assert continued.output_text == "1"
    assert continued.previous_response_id == first.id


async def test_images_and_files_are_taken_and_text_beside_them_is_echoed(
    openai_client: openai.AsyncOpenAI,
) -> None:
    parts: Any = [
        {"type": "input_image", "image_url": PIXEL, "detail": "auto"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERg=="},
        {"type": "input_text", "text": "What is it?"},
    ]
    answer = await openai_client.responses.create(model="echo", input=[{"role": "user", "content": parts}])
    assert answer.output_text == "What is it?"


async def test_an_answer_fits_the_schema_that_was_asked_for(openai_client: openai.AsyncOpenAI) -> None:
    parsed = await openai_client.responses.parse(model="json", input=ASK, text_format=City)
    assert parsed.output_parsed == City(city="Tokyo", days=1)


async def test_encrypted_reasoning_comes_when_asked_for_and_is_known_again(
    openai_client: openai.AsyncOpenAI, provider: ScriptedProvider
) -> None:
    asked: dict[str, Any] = {
        "model": "thinking",
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }
    first = await openai_client.responses.create(input=ASK, **asked)
    reasoning, message = (item.model_dump(exclude_none=True) for item in first.output)
    turns = [{"role": "user", "content": ASK}, reasoning, message, {"role": "user", "content": "go on"}]
    again = await openai_client.responses.create(input=turns, **asked)
    assert again.status == "completed"
    foreign = [turns[0], {**reasoning, "encrypted_content": "gAAAAABforeign=="}, *turns[2:]]
    with pytest.raises(openai.BadRequestError) as caught:
        await openai_client.responses.create(input=foreign, **asked)
    assert caught.value.code == "invalid_encrypted_content"
    bare = [turns[0], {**reasoning, "encrypted_content": None}, *turns[2:]]
    with pytest.raises(openai.NotFoundError, match="not persisted when `store` is set to false"):
        await openai_client.responses.create(input=bare, **asked)
    provider.responder.rules = Rules(signatures=False)
    assert (await openai_client.responses.create(input=foreign, **asked)).status == "completed"


async def test_kept_responses_are_retrieved_listed_and_deleted(openai_client: openai.AsyncOpenAI) -> None:
    first = await openai_client.responses.create(model="echo", input=ASK)
    assert (await openai_client.responses.retrieve(first.id)).output_text == ASK
    [item] = [item async for item in openai_client.responses.input_items.list(first.id)]
    assert item.type == "message"
    with pytest.raises(openai.BadRequestError, match="Cannot cancel a synchronous response"):
        await openai_client.responses.cancel(first.id)
    await openai_client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError, match="not found"):
        await openai_client.responses.retrieve(first.id)
    unkept = await openai_client.responses.create(model="echo", input=ASK, store=False)
    with pytest.raises(openai.BadRequestError) as caught:
        await openai_client.responses.create(model="echo", input=ASK, previous_response_id=unkept.id)
    assert caught.value.code == "previous_response_not_found"


async def test_background_responses_are_queued_and_then_finished_or_cancelled(
    openai_client: openai.AsyncOpenAI,
) -> None:
    first, second = [
        await openai_client.responses.create(model="echo", input=ASK, background=True) for _ in range(2)
    ]
    assert (first.status, first.output) == ("queued", [])
    finished = await openai_client.responses.retrieve(first.id)
    assert (finished.status, finished.output_text) == ("completed", ASK)
    assert (await openai_client.responses.cancel(second.id)).status == "cancelled"
    assert (await openai_client.responses.retrieve(second.id)).status == "cancelled"


@pytest.mark.parametrize(
    ("model", "error", "code"),
    [
        ("status-401", openai.AuthenticationError, "invalid_api_key"),
        ("status-404", openai.NotFoundError, "model_not_found"),
        ("too-long", openai.BadRequestError, "context_length_exceeded"),
        ("throttled", openai.RateLimitError, "rate_limit_exceeded"),
        ("status-500", openai.InternalServerError, None),
    ],
)
async def test_error_bodies_are_the_ones_the_sdk_knows(
    openai_client: openai.AsyncOpenAI, model: str, error: type[openai.APIStatusError], code: str | None
) -> None:
    with pytest.raises(error) as caught:
        await openai_client.responses.create(model=model, input=ASK)
    assert caught.value.code == code
    assert (caught.value.response.headers.get("retry-after") == "1") == (model == "throttled")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"input": 5}, "Invalid type for 'input'"),
        ({"input": [{"role": "robot", "content": ""}]}, "Invalid value: 'robot'"),
        ({"input": [{"type": "poem"}]}, "Invalid value: 'poem'"),
        (
            {"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]},
            "Supported values are: 'output_text', and 'refusal'",
        ),
        (
            {"input": [{"type": "function_call_output", "call_id": "call_9", "output": "x"}]},
            "No tool call found for function call output with call_id call_9",
        ),
        (
            {"input": [{"type": "function_call", "call_id": "call_9", "name": "f", "arguments": "{}"}]},
            "No tool output found for function call call_9",
        ),
        (
            {"input": [{"type": "message", "id": "fc_1", "role": "user", "content": "x"}]},
            "Expected an ID that begins with 'msg'",
        ),
        (
            {"input": [{"type": "reasoning", "summary": []}, {"role": "user", "content": "x"}]},
            "without its required following item",
        ),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "'tools[0].name'"),
        ({"text": {"format": {"type": "json_schema", "schema": {}}}}, "'text.format.name'"),
        ({"max_output_tokens": 5}, "Expected a value >= 16"),
        ({"extra_body": {"top_k": 1}}, "Unknown parameter: 'top_k'"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_text", "text": "x", "cache": 1}]}]},
            "Unknown parameter: 'input[0].content[0].cache'",
        ),
    ],
)
async def test_the_request_is_checked_as_the_provider_checks_it(
    openai_client: openai.AsyncOpenAI, provider: ScriptedProvider, change: dict[str, Any], message: str
) -> None:
    provider.responder.rules = Rules(strict=True)
    with pytest.raises(openai.BadRequestError) as caught:
        await openai_client.responses.create(**{"model": "echo", "input": ASK, **change})
    assert message in str(caught.value)
    assert provider.served == []


async def test_an_error_in_the_stream_has_three_shapes(openai_client: openai.AsyncOpenAI) -> None:
    stream = await openai_client.responses.create(model="error-after-5", input=ASK, stream=True)
    with pytest.raises(openai.APIError, match="had an error"):
        async for _ in stream:
            pass
    for shape, kind in (("flat", "error"), ("failed", "response.failed")):
        stream = await openai_client.responses.create(
            model=f"error-after-5?error={shape}", input=ASK, stream=True
        )
        *_, last = [event async for event in stream]
        assert (last.type, last.sequence_number) == (kind, 5)


async def test_prompt_tokens_are_counted(openai_client: openai.AsyncOpenAI) -> None:
    counted = await openai_client.responses.input_tokens.count(
        model="echo", input=ASK, instructions="Be kind."
    )
    assert (counted.input_tokens, json.loads(counted.to_json())["object"]) == (8, "response.input_tokens")
