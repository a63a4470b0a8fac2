"""boto3's bedrock-runtime, signed with a pair that is derived from our key. It blocks: it runs in threads."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import closing
from typing import Any, ClassVar

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError
from tests.e2e.clients.asking import (
    THINKING_BUDGET,
    Access,
    Answer,
    Ask,
    Called,
    Results,
    Told,
    User,
    arguments,
)

CLIENT_ERRORS: dict[int, type[Exception]] = dict.fromkeys((400, 401, 404, 422, 429, 502), ClientError)


def sdk(access: Access) -> Any:
    return boto3.Session().client(
        "bedrock-runtime",
        region_name="ap-northeast-1",
        endpoint_url=access.url,
        aws_access_key_id=access.access_key_id,
        aws_secret_access_key=access.secret_access_key,
        config=Config(retries={"total_max_attempts": 1}),
    )


class Bedrock:
    own = frozenset({"brk"})
    words: ClassVar[Mapping[str, str]] = {
        "stop": "end_turn",
        "stop_sequence": "stop_sequence",
        "length": "max_tokens",
        "tool_calls": "tool_use",
        "content_filter": "content_filtered",
    }
    errors = CLIENT_ERRORS
    broken = EventStreamError
    shows_thinking = True
    returns_signatures = True
    stops = True

    def __init__(self, access: Access):
        self._sdk = sdk(access)

    async def ask(self, ask: Ask) -> Answer:
        if ask.stream:
            return await asyncio.to_thread(self._streamed, _request(ask))
        return _answer(await asyncio.to_thread(lambda: self._sdk.converse(**_request(ask))))

    def _streamed(self, request: dict[str, Any]) -> Answer:
        blocks: dict[int, dict[str, Any]] = {}
        told: dict[str, Any] = {}
        with closing(self._sdk.converse_stream(**request)["stream"]) as events:
            for event in events:
                ((kind, members),) = event.items()
                index = members.get("contentBlockIndex")
                if kind == "contentBlockStart":
                    blocks[index] = {"toolUse": {**members["start"]["toolUse"], "input": ""}}
                elif kind == "contentBlockDelta":
                    _add(blocks.setdefault(index, {}), members["delta"])
                else:
                    told.update(members)
        content = [blocks[index] for index in sorted(blocks)]
        for block in content:
            if "toolUse" in block:
                block["toolUse"]["input"] = arguments(block["toolUse"]["input"] or "{}")
        return _answer({**told, "output": {"message": {"role": "assistant", "content": content}}})

    async def ask_beyond(self, model: str) -> None:
        request = {
            "modelId": model,
            "messages": [_message(User("x"))],
            "guardrailConfig": {"guardrailIdentifier": "gate", "guardrailVersion": "1"},
        }
        await asyncio.to_thread(lambda: self._sdk.converse(**request))

    async def count(self, ask: Ask) -> int:
        request = _request(ask)
        counted = {"converse": {"messages": request["messages"]}}
        answer = await asyncio.to_thread(
            lambda: self._sdk.count_tokens(modelId=request["modelId"], input=counted)
        )
        return int(answer["inputTokens"])

    def told(self, error: Any) -> Told:
        meta = error.response["ResponseMetadata"]
        return Told(
            meta["HTTPStatusCode"], error.response["Error"]["Message"], meta["HTTPHeaders"].get("retry-after")
        )

    async def close(self) -> None:
        self._sdk.close()


def _add(block: dict[str, Any], delta: dict[str, Any]) -> None:
    ((kind, more),) = delta.items()
    if kind == "text":
        block["text"] = block.get("text", "") + more
    elif kind == "toolUse":
        block["toolUse"]["input"] += more["input"]
    else:
        reasoning = block.setdefault("reasoningContent", {"reasoningText": {"text": ""}})["reasoningText"]
        for name, value in more.items():
            reasoning[name] = reasoning.get(name, "") + value


def _request(ask: Ask) -> dict[str, Any]:
    config: dict[str, Any] = {"maxTokens": ask.max_tokens}
    if ask.stop:
        config["stopSequences"] = list(ask.stop)
    request: dict[str, Any] = {
        "modelId": ask.model,
        "messages": [_message(turn) for turn in ask.turns],
        "inferenceConfig": config,
    }
    if ask.system:
        request["system"] = [{"text": ask.system}]
    if ask.tools:
        specs = [{"name": tool.name, "inputSchema": {"json": tool.schema}} for tool in ask.tools]
        request["toolConfig"] = {"tools": [{"toolSpec": spec} for spec in specs]}
    if ask.thinking:
        thinking = {"type": "enabled", "budget_tokens": THINKING_BUDGET}
        request["additionalModelRequestFields"] = {"thinking": thinking}
    if ask.schema:
        wanted = {"jsonSchema": {"schema": json.dumps(ask.schema), "name": "city"}}
        request["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": wanted}}
    return request


def _message(turn: User | Answer | Results) -> dict[str, Any]:
    match turn:
        case User(text=text, image=image):
            content: list[Any] = [{"text": text}]
            if image is not None:
                content.append({"image": {"format": "png", "source": {"bytes": image}}})
            return {"role": "user", "content": content}
        case Answer():
            return {"role": "assistant", "content": turn.turn}
        case Results(of=of):
            results = [{"toolUseId": call.id, "content": [{"text": text}]} for call, text in of]
            return {"role": "user", "content": [{"toolResult": result} for result in results]}


def _answer(reply: dict[str, Any]) -> Answer:
    content = reply["output"]["message"]["content"]
    calls = [block["toolUse"] for block in content if "toolUse" in block]
    thoughts = [
        block["reasoningContent"]["reasoningText"] for block in content if "reasoningContent" in block
    ]
    used = reply["usage"]
    cached = used.get("cacheReadInputTokens", 0) + used.get("cacheWriteInputTokens", 0)
    return Answer(
        text="".join(block.get("text", "") for block in content),
        finish=reply["stopReason"],
        calls=tuple(Called(call["toolUseId"], call["name"], call["input"]) for call in calls),
        thinking="".join(thought["text"] for thought in thoughts),
        prompt=used["inputTokens"] + cached,
        output=used["outputTokens"],
        turn=content,
    )
