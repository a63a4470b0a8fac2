"""Anthropic's SDK."""

import base64
from collections.abc import Mapping
from typing import Any, ClassVar

import anthropic
from tests.e2e.clients.asking import THINKING_BUDGET, Access, Answer, Ask, Called, Results, User, http_told


class Anthropic:
    own = frozenset({"ant"})
    words: ClassVar[Mapping[str, str]] = {
        "stop": "end_turn",
        "stop_sequence": "stop_sequence",
        "length": "max_tokens",
        "tool_calls": "tool_use",
        "content_filter": "refusal",
    }
    errors: ClassVar[Mapping[int, type[Exception]]] = {
        400: anthropic.BadRequestError,
        401: anthropic.AuthenticationError,
        404: anthropic.NotFoundError,
        422: anthropic.UnprocessableEntityError,
        429: anthropic.RateLimitError,
        502: anthropic.InternalServerError,
    }
    broken = anthropic.APIError
    shows_thinking = True
    returns_signatures = True
    stops = True
    told = staticmethod(http_told)

    def __init__(self, access: Access):
        self._sdk = anthropic.AsyncAnthropic(base_url=access.url, api_key=access.key, max_retries=0)

    async def ask(self, ask: Ask) -> Answer:
        if not ask.stream:
            return _answer(await self._sdk.messages.create(**_request(ask)))
        async with self._sdk.messages.stream(**_request(ask)) as events:
            return _answer(await events.get_final_message())

    async def ask_beyond(self, model: str) -> None:
        search: Any = {"type": "web_search_20250305", "name": "web_search"}
        messages: Any = [{"role": "user", "content": "x"}]
        await self._sdk.messages.create(model=model, max_tokens=9, messages=messages, tools=[search])

    async def count(self, ask: Ask) -> int:
        request = {name: value for name, value in _request(ask).items() if name != "max_tokens"}
        return (await self._sdk.messages.count_tokens(**request)).input_tokens

    async def close(self) -> None:
        await self._sdk.close()


def _request(ask: Ask) -> dict[str, Any]:
    messages = [_message(turn) for turn in ask.turns]
    request: dict[str, Any] = {"model": ask.model, "messages": messages, "max_tokens": ask.max_tokens}
    if ask.system:
        request["system"] = ask.system
    if ask.tools:
        request["tools"] = [{"name": tool.name, "input_schema": tool.schema} for tool in ask.tools]
    if ask.stop:
        request["stop_sequences"] = list(ask.stop)
    if ask.thinking:
        request["thinking"] = {"type": "enabled", "budget_tokens": THINKING_BUDGET}
    if ask.schema:
        request["output_config"] = {"format": {"type": "json_schema", "schema": ask.schema}}
    return request


def _message(turn: User | Answer | Results) -> Any:
    match turn:
        case User(text=text, image=None):
            return {"role": "user", "content": text}
        case User(text=text, image=image):
            assert image is not None
            data = base64.b64encode(image).decode()
            picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
            return {"role": "user", "content": [picture, {"type": "text", "text": text}]}
        case Answer():
            return {"role": "assistant", "content": turn.turn}
        case Results(of=of):
            results = [{"type": "tool_result", "tool_use_id": call.id, "content": text} for call, text in of]
            return {"role": "user", "content": results}


def _answer(message: Any) -> Answer:
    blocks = message.content
    used = message.usage
    cached = (used.cache_read_input_tokens or 0) + (used.cache_creation_input_tokens or 0)
    return Answer(
        text="".join(block.text for block in blocks if block.type == "text"),
        finish=message.stop_reason,
        calls=tuple(
            Called(block.id, block.name, block.input) for block in blocks if block.type == "tool_use"
        ),
        thinking="".join(block.thinking for block in blocks if block.type == "thinking"),
        prompt=used.input_tokens + cached,
        output=used.output_tokens,
        turn=[block.model_dump(exclude_none=True) for block in blocks],
    )
