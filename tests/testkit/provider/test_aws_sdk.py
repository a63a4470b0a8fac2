"""The provider's own SDK reads what the scripted provider writes: Bedrock's Converse."""

import asyncio
import base64
import json
from contextlib import closing
from typing import Any

import aiohttp
import pytest
from botocore.eventstream import ChecksumMismatch
from botocore.exceptions import ClientError, EventStreamError
from tests.testkit.provider.conftest import bedrock_client_of

from sekisho.testkit.provider import Rules, Script, ScriptedProvider, ToolUse

ASK: list[Any] = [{"role": "user", "content": [{"text": "関所とは何ですか"}]}]
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
}
TOOLS: Any = {
    "tools": [
        {"toolSpec": {"name": name, "inputSchema": {"json": SCHEMA}}} for name in ("weather", "forecast")
    ]
}


async def converse(client: Any, model: str, messages: Any = ASK, **more: Any) -> Any:
    return await asyncio.to_thread(client.converse, modelId=model, messages=messages, **more)


async def streamed(client: Any, model: str, messages: Any = ASK, **more: Any) -> list[Any]:
    """The events of a stream: (kind, members)."""

    def read() -> list[Any]:
        answer = client.converse_stream(modelId=model, messages=messages, **more)
        with closing(answer["stream"]) as stream:
            return [pair for event in stream for pair in event.items()]

    return await asyncio.to_thread(read)


def folded(events: list[Any]) -> list[Any]:
    """The content that the events add up to."""
    blocks: dict[int, dict[str, Any]] = {}
    for kind, event in events:
        if kind == "contentBlockStart":
            blocks[event["contentBlockIndex"]] = {"toolUse": {**event["start"]["toolUse"], "input": ""}}
        if kind == "contentBlockDelta":
            _add(blocks.setdefault(event["contentBlockIndex"], {}), event["delta"])
    for block in blocks.values():
        if "toolUse" in block:
            block["toolUse"]["input"] = json.loads(block["toolUse"]["input"])
    return [blocks[index] for index in sorted(blocks)]


def _add(block: dict[str, Any], delta: dict[str, Any]) -> None:
    [(kind, piece)] = delta.items()
    if kind == "text":
        block["text"] = block.get("text", "") + piece
    elif kind == "toolUse":
        block["toolUse"]["input"] += piece["input"]
    elif "redactedContent" in piece:
        block["reasoningContent"] = piece
    else:
        thought = block.setdefault("reasoningContent", {"reasoningText": {"text": ""}})["reasoningText"]
        for name, text in piece.items():
            thought[name] = thought.get(name, "") + text


def without_ids(content: list[Any]) -> list[Any]:
    return [
        {"toolUse": {**block["toolUse"], "toolUseId": ""}} if "toolUse" in block else block
        for block in content
    ]


async def test_an_answer_echoes_and_is_counted(bedrock_client: Any, provider: ScriptedProvider) -> None:
    answer = await converse(bedrock_client, "echo", system=[{"text": "Be kind."}])
    assert answer["output"]["message"] == {"role": "assistant", "content": ASK[0]["content"]}
    assert answer["stopReason"] == "end_turn"
    [served] = provider.served
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert (served.id, served.dialect, served.model) == (request_id, "bedrock_converse", "echo")
    assert (answer["usage"]["inputTokens"], answer["usage"]["outputTokens"]) == (
        served.usage.input,
        served.usage.output,
    )


@pytest.mark.parametrize(
    "model",
    ["japanese", "thinking", "redacted", "cached", "parallel-tools", "refusal", "empty", "cut-short"],
)
async def test_a_stream_folds_to_the_unary_answer(bedrock_client: Any, model: str) -> None:
    unary = await converse(bedrock_client, model, toolConfig=TOOLS)
    events = await streamed(bedrock_client, model, toolConfig=TOOLS)
    told = dict(events)
    assert events[0] == ("messageStart", {"role": "assistant"} | dict(events[0][1]))
    assert without_ids(folded(events)) == without_ids(unary["output"]["message"]["content"])
    assert told["messageStop"]["stopReason"] == unary["stopReason"]
    assert told["metadata"]["usage"] == unary["usage"]
    indexes = [event["contentBlockIndex"] for kind, event in events if kind == "contentBlockStop"]
    assert indexes == list(range(len(folded(events))))


async def test_usage_tells_the_cache_lifetimes_apart(bedrock_client: Any) -> None:
    usage = (await converse(bedrock_client, "cached"))["usage"]
    assert (usage["inputTokens"], usage["cacheReadInputTokens"], usage["cacheWriteInputTokens"]) == (
        20,
        1000,
        340,
    )
    assert usage["cacheDetails"] == [{"ttl": "5m", "inputTokens": 300}, {"ttl": "1h", "inputTokens": 40}]
    assert usage["totalTokens"] == 20 + 1000 + 340 + 60


async def test_offered_tools_are_called_and_their_results_answered(bedrock_client: Any) -> None:
    first = await converse(bedrock_client, "parallel-tools", toolConfig=TOOLS)
    message = first["output"]["message"]
    calls = [block["toolUse"] for block in message["content"]]
    assert [(call["name"], call["input"]) for call in calls] == [
        ("weather", {"city": "Tokyo", "days": 1}),
        ("forecast", {"city": "Tokyo", "days": 1}),
    ]
    results = [
        {"toolResult": {"toolUseId": calls[0]["toolUseId"], "content": [{"json": {"sky": "blue"}}]}},
        {
            "toolResult": {
                "toolUseId": calls[1]["toolUseId"],
                "content": [{"text": "no signal"}],
                "status": "error",
            }
        },
    ]
    turns = [*ASK, message, {"role": "user", "content": results}]
    final = await converse(bedrock_client, "parallel-tools", turns, toolConfig=TOOLS)
    assert final["output"]["message"]["content"] == [{"text": "no signal"}]


async def test_streamed_tool_input_comes_in_pieces_that_join(
    bedrock_client: Any, provider: ScriptedProvider
) -> None:
    arguments = '{"city": "東京", "note": "a longer text that needs pieces"}'
    provider.script(Script(text="Let me look.", tool_calls=(ToolUse(name="weather", arguments=arguments),)))
    text, call = folded(await streamed(bedrock_client, "any", toolConfig=TOOLS))
    assert text == {"text": "Let me look."}
    assert call["toolUse"]["input"] == json.loads(arguments)


@pytest.mark.parametrize("model", ["thinking", "redacted"])
async def test_reasoning_that_comes_back_is_known_again(
    bedrock_client: Any, provider: ScriptedProvider, model: str
) -> None:
    message = (await converse(bedrock_client, model))["output"]["message"]
    more = {"role": "user", "content": [{"text": "go on"}]}
    again = await converse(bedrock_client, model, [*ASK, message, more])
    assert again["stopReason"] == "end_turn"
    forged = {"reasoningText": {"text": "Mine.", "signature": "Zm9yZ2Vk"}}
    if model == "redacted":
        forged = {"redactedContent": b"forged"}  # type: ignore[dict-item]
    content = [{"reasoningContent": forged}, *message["content"][1:]]
    turns = [*ASK, {"role": "assistant", "content": content}, more]
    with pytest.raises(ClientError, match=r"messages\.1\.content\.0: Invalid `(signature|data)`"):
        await converse(bedrock_client, model, turns)
    provider.responder.rules = Rules(signatures=False)
    await converse(bedrock_client, model, turns)


async def test_images_and_documents_are_taken_and_text_beside_them_is_echoed(bedrock_client: Any) -> None:
    content = [
        {"image": {"format": "png", "source": {"bytes": b"\x89PNG"}}},
        {"document": {"format": "pdf", "name": "Rules (2)", "source": {"bytes": b"%PDF"}}},
        {"text": "What is it?"},
        {"cachePoint": {"type": "default", "ttl": "1h"}},
    ]
    answer = await converse(bedrock_client, "echo", [{"role": "user", "content": content}])
    assert answer["output"]["message"]["content"] == [{"text": "What is it?"}]


async def test_an_answer_fits_the_schema_that_was_asked_for(bedrock_client: Any) -> None:
    wanted = {"type": "json_schema", "structure": {"jsonSchema": {"schema": json.dumps(SCHEMA)}}}
    answer = await converse(bedrock_client, "json", outputConfig={"textFormat": wanted})
    [block] = answer["output"]["message"]["content"]
    assert json.loads(block["text"]) == {"city": "Tokyo", "days": 1}


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("too-long", "ValidationException"),
        ("status-401", "UnrecognizedClientException"),
        ("status-403", "AccessDeniedException"),
        ("status-404", "ResourceNotFoundException"),
        ("status-408", "ModelTimeoutException"),
        ("status-424", "ModelErrorException"),
        ("throttled", "ThrottlingException"),
        ("status-500", "InternalServerException"),
        ("overloaded", "ServiceUnavailableException"),
    ],
)
async def test_errors_are_the_ones_the_sdk_knows(bedrock_client: Any, model: str, kind: str) -> None:
    with pytest.raises(ClientError) as caught:
        await converse(bedrock_client, model)
    assert caught.value.response["Error"]["Code"] == kind


async def test_exceptions_and_wrong_checksums_in_the_stream_are_raised(bedrock_client: Any) -> None:
    for kind in ("serviceUnavailableException", "throttlingException", "modelStreamErrorException"):
        with pytest.raises(EventStreamError, match=kind):
            await streamed(bedrock_client, f"error-after-4?error={kind}")
    with pytest.raises(ChecksumMismatch):
        await streamed(bedrock_client, "corrupt-after-2")


async def test_a_stream_without_its_end_lacks_the_reason_it_stopped(bedrock_client: Any) -> None:
    kinds = [kind for kind, _ in await streamed(bedrock_client, "no-end")]
    assert kinds[-1] == "contentBlockStop"


async def test_the_path_names_the_model_escaped(bedrock_client: Any, provider: ScriptedProvider) -> None:
    model = "scripted/echo?chunk_size=4"
    await converse(bedrock_client, model)
    await streamed(bedrock_client, "anthropic.claude-haiku-4-5-20251001-v1:0")
    assert [served.model for served in provider.served] == [
        model,
        "anthropic.claude-haiku-4-5-20251001-v1:0",
    ]


async def test_tokens_are_counted(bedrock_client: Any) -> None:
    counted = await asyncio.to_thread(
        bedrock_client.count_tokens, modelId="echo", input={"converse": {"messages": ASK}}
    )
    assert counted["inputTokens"] == 6


async def test_only_who_signs_with_the_secret_is_let_in(provider: ScriptedProvider) -> None:
    client = bedrock_client_of(provider.base_url, "another/secret")
    with pytest.raises(ClientError, match="signature we calculated does not match"):
        await converse(client, "echo")
    client.close()
    url = f"{provider.base_url}/model/echo/converse"
    async with aiohttp.ClientSession() as http, http.post(url, json={"messages": ASK}) as answer:
        assert answer.status == 403
        assert answer.headers["x-amzn-errortype"].startswith("MissingAuthenticationTokenException")


async def test_a_changed_body_breaks_the_signature(provider: ScriptedProvider) -> None:
    def tamper(request: Any, **_: Any) -> None:
        request.body = request.body.replace(b"\\u", b"\\U") + b" "
        request.headers["content-length"] = str(len(request.body))

    client = bedrock_client_of(provider.base_url)
    client.meta.events.register("before-send.bedrock-runtime.Converse", tamper)
    with pytest.raises(ClientError, match="signature we calculated does not match"):
        await converse(client, "echo")
    client.close()


async def test_a_bearer_token_lets_in_as_well() -> None:
    async with ScriptedProvider(api_key="right") as provider, aiohttp.ClientSession() as http:
        url = f"{provider.base_url}/model/echo/converse"
        for token, status in (("right", 200), ("wrong", 403)):
            headers = {"authorization": f"Bearer {token}"}
            async with http.post(url, json={"messages": ASK}, headers=headers) as answer:
                assert answer.status == status


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


CALL = {"toolUse": {"toolUseId": "t1", "name": "f", "input": {}}}
RESULT = {"toolResult": {"toolUseId": "t1", "content": [{"text": "x"}]}}
SAID = {"role": "assistant", "content": [{"text": "x"}]}
DOCUMENT = {"format": "pdf", "name": "a", "source": {"bytes": base64.b64encode(b"%PDF").decode()}}
CONFIG = {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {}}}}]}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "Value 'null' at 'messages'"),
        ({"messages": "x"}, "messages: str cannot be read as list"),
        ({"messages": [SAID]}, "must start with a user message"),
        ({"messages": [*ASK, *ASK]}, "must alternate between user and assistant roles"),
        ({"messages": [user()]}, "content field in the Message object at messages.0 is empty"),
        ({"messages": [user({"text": " "})]}, "ContentBlock object at messages.0.content.0 is blank"),
        ({"messages": [user({"text": "x", "image": {}})]}, "must set exactly one of"),
        ({"messages": [user({"poem": "x"})]}, "must set exactly one of"),
        ({"messages": [{"role": "robot", "content": []}]}, "Member must satisfy enum value set"),
        (
            {"messages": [user({"text": "x"}), {"role": "assistant", "content": [CALL]}, user(RESULT)]},
            "toolConfig field must be defined",
        ),
        (
            {"messages": [*ASK, {"role": "assistant", "content": [CALL]}, *ASK], "toolConfig": CONFIG},
            "Expected toolResult blocks at messages.2.content for the following Ids: t1",
        ),
        (
            {"messages": [user(RESULT)], "toolConfig": CONFIG},
            "exceeds the number of toolUse blocks of previous turn",
        ),
        (
            {"messages": [user({"text": "x"}, {"document": {**DOCUMENT, "name": "a_b.pdf"}})]},
            "document file name can only contain",
        ),
        ({"messages": [user({"document": DOCUMENT})]}, "text block must be included when using documents"),
        (
            {"messages": [user({"image": {"format": "png", "source": {"bytes": "!"}}})]},
            "str cannot be read as blob",
        ),
        (
            {"messages": ASK, "toolConfig": {"tools": []}},
            "Member must have length greater than or equal to 1",
        ),
        (
            {
                "messages": ASK,
                "toolConfig": {"tools": [{"toolSpec": {"name": "a b", "inputSchema": {"json": {}}}}]},
            },
            "Member must satisfy regular expression pattern",
        ),
        (
            {"messages": ASK, "inferenceConfig": {"temperature": 1.5}},
            "Member must have value between 0 and 1",
        ),
        ({"messages": ASK, "system": [{"text": ""}]}, "Member must have length greater than or equal to 1"),
        ({"messages": ASK, "max_tokens": 5}, "'max_tokens' that Request does not have"),
    ],
)
async def test_the_request_is_checked_as_the_provider_checks_it(
    provider: ScriptedProvider, body: dict[str, Any], message: str
) -> None:
    provider.responder.rules = Rules(strict=True)
    url = f"{provider.base_url}/model/echo/converse"
    headers = {"authorization": "Bearer any"}
    async with aiohttp.ClientSession(headers=headers) as http, http.post(url, json=body) as answer:
        assert answer.status == 400
        assert message in (await answer.json())["message"]
        assert answer.headers["x-amzn-errortype"].partition(":")[0] in (
            "ValidationException",
            "SerializationException",
        )
