"""The provider's own SDK reads what the scripted provider writes: Gemini's generateContent."""

import json
from typing import Any

import aiohttp
import pytest
from google.genai import types
from google.genai.client import AsyncClient
from google.genai.errors import APIError, ClientError, ServerError
from pydantic import BaseModel
from tests.testkit.provider.conftest import google_client_of

from sekisho.testkit.provider import Rules, ScriptedProvider

ASK = "関所とは何ですか"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(name="weather", parameters_json_schema=SCHEMA),
        types.FunctionDeclaration(
            name="forecast",
            parameters=types.Schema(
                type=types.Type.OBJECT, properties={"city": types.Schema(type=types.Type.STRING)}
            ),
        ),
    ]
)
MANUAL = types.AutomaticFunctionCallingConfig(disable=True)
WITH_TOOLS = types.GenerateContentConfig(tools=[TOOLS], automatic_function_calling=MANUAL)


class City(BaseModel):
    city: str
    days: int


def parts_of(response: types.GenerateContentResponse) -> list[types.Part]:
    assert response.candidates is not None
    content = response.candidates[0].content
    assert content is not None
    return content.parts or []


def folded(parts: list[types.Part]) -> list[tuple[Any, ...]]:
    """Texts joined, ids left out."""
    made: list[tuple[Any, ...]] = []
    for part in parts:
        if part.function_call is not None:
            signed = part.thought_signature is not None
            made.append((part.function_call.name, part.function_call.args, signed))
        elif made and made[-1][0] == "text" and made[-1][1] == part.thought:
            made[-1] = ("text", part.thought, made[-1][2] + (part.text or ""))
        elif part.text:
            made.append(("text", part.thought, part.text))
    return made


async def test_an_answer_echoes_and_is_counted(
    google_client: AsyncClient, provider: ScriptedProvider
) -> None:
    config = types.GenerateContentConfig(system_instruction="Be kind.")
    answer = await google_client.models.generate_content(model="echo", contents=ASK, config=config)
    assert (answer.text, answer.model_version) == (ASK, "echo")
    [served] = provider.served
    assert (served.id, served.dialect, served.model) == (answer.response_id, "gemini_generate", "echo")
    assert answer.usage_metadata is not None
    assert answer.usage_metadata.prompt_token_count == served.usage.prompt
    assert answer.usage_metadata.candidates_token_count == served.usage.output


@pytest.mark.parametrize(
    "model", ["japanese", "thinking", "cached", "parallel-tools", "refusal", "empty", "cut-short"]
)
async def test_a_stream_folds_to_the_unary_answer(google_client: AsyncClient, model: str) -> None:
    unary = await google_client.models.generate_content(model=model, contents=ASK, config=WITH_TOOLS)
    stream = await google_client.models.generate_content_stream(model=model, contents=ASK, config=WITH_TOOLS)
    chunks = [chunk async for chunk in stream]
    assert folded([part for chunk in chunks for part in parts_of(chunk)]) == folded(parts_of(unary))
    assert chunks[-1].usage_metadata == unary.usage_metadata
    assert unary.candidates is not None
    assert chunks[-1].candidates is not None
    assert chunks[-1].candidates[0].finish_reason == unary.candidates[0].finish_reason


async def test_usage_tells_cached_and_thought_tokens_apart(
    google_client: AsyncClient, provider: ScriptedProvider
) -> None:
    usage = (await google_client.models.generate_content(model="cached", contents=ASK)).usage_metadata
    assert usage is not None
    assert (usage.prompt_token_count, usage.cached_content_token_count) == (1360, 1000)
    assert (usage.candidates_token_count, usage.thoughts_token_count, usage.total_token_count) == (
        48,
        12,
        1420,
    )
    [served] = provider.served
    assert (served.usage.input, served.usage.cache_read, served.usage.cache_write) == (360, 1000, 0)


@pytest.mark.parametrize("model", ["tool", "parallel-tools"])
async def test_offered_functions_are_called_and_their_results_answered(
    google_client: AsyncClient, model: str
) -> None:
    first = await google_client.models.generate_content(model=model, contents=ASK, config=WITH_TOOLS)
    calls = first.function_calls or []
    assert [(call.name, call.args) for call in calls] == [
        (name, {"city": "Tokyo"}) for name in ("weather", "forecast")[: len(calls)]
    ]
    assert [part.thought_signature is not None for part in parts_of(first)] == [
        index == 0 for index in range(len(calls))
    ]
    answers = [
        types.Part(
            function_response=types.FunctionResponse(
                id=call.id, name=call.name, response={"output": f"sunny {index}"}
            )
        )
        for index, call in enumerate(calls)
    ]
    assert first.candidates is not None
    turns: list[Any] = [
        types.UserContent(ASK),
        first.candidates[0].content,
        types.Content(role="user", parts=answers),
    ]
    final = await google_client.models.generate_content(model=model, contents=turns, config=WITH_TOOLS)
    assert final.text == f"sunny {len(calls) - 1}"


def called(signature: bytes | None, *, earlier: bool = False) -> list[Any]:
    """A step of a function call and its result, in the current turn or in one before it."""
    call = types.Part(function_call=types.FunctionCall(name="weather", args={}), thought_signature=signature)
    result = types.FunctionResponse(name="weather", response={"output": "sunny"})
    turns: list[Any] = [
        types.UserContent(ASK),
        types.Content(role="model", parts=[call]),
        types.Content(role="user", parts=[types.Part(function_response=result)]),
    ]
    more = [types.ModelContent("Sunny."), types.UserContent("Thank you.")]
    return turns + more if earlier else turns


async def test_a_call_of_the_current_turn_must_carry_its_signature(
    google_client: AsyncClient, provider: ScriptedProvider
) -> None:
    for contents, refused in (
        (called(None), "missing a thought_signature in functionCall parts"),
        (called(b"another's"), "Invalid thought signature"),
        (called(b"skip_thought_signature_validator"), None),
        (called(None, earlier=True), None),
    ):
        asked = google_client.models.generate_content(model="echo", contents=contents, config=WITH_TOOLS)
        if refused is None:
            await asked
        else:
            with pytest.raises(ClientError, match=refused):
                await asked
    provider.responder.rules = Rules(signatures=False)
    await google_client.models.generate_content(model="echo", contents=called(None), config=WITH_TOOLS)


async def test_images_are_taken_and_text_beside_them_is_echoed(google_client: AsyncClient) -> None:
    parts = [
        types.Part.from_bytes(data=b"\x89PNG", mime_type="image/png"),
        types.Part.from_uri(file_uri="https://example.test/a.pdf", mime_type="application/pdf"),
        types.Part(text="What is it?"),
    ]
    contents: Any = types.Content(role="user", parts=parts)
    answer = await google_client.models.generate_content(model="echo", contents=contents)
    assert answer.text == "What is it?"


async def test_an_answer_fits_the_schema_that_was_asked_for(google_client: AsyncClient) -> None:
    for config in (
        types.GenerateContentConfig(response_mime_type="application/json", response_schema=City),
        types.GenerateContentConfig(
            response_mime_type="application/json", response_json_schema=City.model_json_schema()
        ),
    ):
        answer = await google_client.models.generate_content(model="json", contents=ASK, config=config)
        assert json.loads(answer.text or "") == {"city": "Tokyo", "days": 1}


async def test_a_blocked_prompt_is_answered_without_a_candidate(google_client: AsyncClient) -> None:
    blocked = await google_client.models.generate_content(model="unsafe", contents=ASK)
    stream = await google_client.models.generate_content_stream(model="unsafe", contents=ASK)
    for answer in (blocked, *[chunk async for chunk in stream]):
        assert answer.candidates is None
        assert answer.prompt_feedback is not None
        assert answer.prompt_feedback.block_reason == types.BlockedReason.SAFETY


@pytest.mark.parametrize(
    ("model", "error", "status"),
    [
        ("status-401", ClientError, "UNAUTHENTICATED"),
        ("status-403", ClientError, "PERMISSION_DENIED"),
        ("status-404", ClientError, "NOT_FOUND"),
        ("too-long", ClientError, "INVALID_ARGUMENT"),
        ("throttled", ClientError, "RESOURCE_EXHAUSTED"),
        ("status-500", ServerError, "INTERNAL"),
        ("overloaded", ServerError, "UNAVAILABLE"),
    ],
)
async def test_error_bodies_are_the_ones_the_sdk_knows(
    google_client: AsyncClient, model: str, error: type[APIError], status: str
) -> None:
    with pytest.raises(error) as caught:
        await google_client.models.generate_content(model=model, contents=ASK)
    assert caught.value.status == status
    assert ("'retryDelay': '1s'" in str(caught.value.details)) == (model == "throttled")


async def test_an_error_in_the_stream_is_raised(google_client: AsyncClient) -> None:
    stream = await google_client.models.generate_content_stream(model="error-after-3", contents=ASK)
    with pytest.raises(ServerError, match="overloaded"):
        async for _ in stream:
            pass


async def test_tokens_are_counted_and_models_listed(google_client: AsyncClient) -> None:
    counted = await google_client.models.count_tokens(model="echo", contents=ASK)
    assert counted.total_tokens == 6
    assert "models/thinking" in [model.name async for model in await google_client.models.list()]


async def test_a_wrong_key_is_refused() -> None:
    async with ScriptedProvider(api_key="right") as provider:
        async with google_client_of(provider.base_url, "wrong") as client:
            with pytest.raises(ClientError, match="API key not valid"):
                await client.models.generate_content(model="echo", contents=ASK)
        url = f"{provider.base_url}/v1beta/models/echo:generateContent?key=right"
        body = {"contents": [{"parts": [{"text": "hi"}]}]}
        async with aiohttp.ClientSession() as http, http.post(url, json=body) as answer:
            assert answer.status == 200


async def post(provider: ScriptedProvider, verb: str, body: Any) -> tuple[int, Any]:
    url = f"{provider.base_url}/v1beta/models/echo%3Fchunk_size=4:{verb}"
    headers = {"x-goog-api-key": "k"}
    async with aiohttp.ClientSession(headers=headers) as http, http.post(url, json=body) as answer:
        return answer.status, json.loads(await answer.text())


def said(text: str) -> dict[str, Any]:
    return {"role": "user", "parts": [{"text": text}]}


async def test_a_stream_without_sse_is_one_array(provider: ScriptedProvider) -> None:
    status, events = await post(provider, "streamGenerateContent", {"contents": [said("abcdefgh")]})
    assert status == 200
    texts = [event["candidates"][0]["content"]["parts"][0]["text"] for event in events]
    assert texts == ["abcd", "efgh", ""]
    status, errors = await post(provider, "streamGenerateContent", {"contents": []})
    assert (status, errors[0]["error"]["status"]) == (400, "INVALID_ARGUMENT")


CALL = {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]}
RESULT = {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {}}}]}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "contents is not specified"),
        (
            {"contents": [{"role": "system", "parts": [{"text": "x"}]}]},
            "Please use a valid role: user, model.",
        ),
        ({"contents": [{"parts": []}]}, "contents.parts must not be empty"),
        ({"contents": [{"parts": [{}]}]}, "required oneof field 'data' must have one initialized field"),
        ({"contents": [{"parts": [{"text": 1}]}]}, "Invalid value at 'contents[0].parts[0].text'"),
        (
            {"contents": [{"parts": [{"inline_data": {"mime_type": "image/png", "data": "!"}}]}]},
            "Base64 decoding failed",
        ),
        (
            {"contents": [{"parts": [{"inlineData": {"mimeType": "image/svg+xml", "data": "AA=="}}]}]},
            "Unsupported MIME type: image/svg+xml",
        ),
        (
            {"contents": [said("x")], "tools": [{"functionDeclarations": [{"name": "f", "strict": True}]}]},
            "Unknown name \"strict\" at 'tools[0].function_declarations[0]': Cannot find field.",
        ),
        ({"contents": [said("x")], "top_k": 1}, 'Unknown name "top_k": Cannot find field.'),
        ({"contents": [said("x"), RESULT]}, "function response turn comes immediately after"),
        ({"contents": [said("x"), CALL]}, "number of function response parts is equal"),
        ({"contents": [said("x"), CALL, said("y")]}, "number of function response parts is equal"),
        ({"contents": [CALL, RESULT]}, "function call turn comes immediately after a user turn"),
        (
            {
                "contents": [said("x")],
                "generationConfig": {"thinkingConfig": {"thinkingBudget": 1, "thinkingLevel": "low"}},
            },
            "only one of thinking budget and thinking level",
        ),
    ],
)
async def test_the_request_is_checked_as_the_provider_checks_it(
    provider: ScriptedProvider, body: dict[str, Any], message: str
) -> None:
    provider.responder.rules = Rules(strict=True)
    status, answer = await post(provider, "generateContent", body)
    assert status == 400
    assert message in answer["error"]["message"]
    assert answer["error"]["status"] == "INVALID_ARGUMENT"
