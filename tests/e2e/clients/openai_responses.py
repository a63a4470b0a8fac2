"""OpenAI's SDK, Responses; nothing is kept by the provider, so that the history is the client's."""

from collections.abc import Mapping
from typing import Any, ClassVar

import openai
from tests.e2e.clients.asking import Access, Answer, Ask, Called, Results, User, arguments, http_told
from tests.e2e.clients.openai_chat import ERRORS, data_url, sdk


class OpenAIResponses:
    own = frozenset({"rsp"})
    words: ClassVar[Mapping[str, str]] = {
        "stop": "completed",
        "length": "max_output_tokens",
        "content_filter": "content_filter",
    }
    errors = ERRORS
    broken = openai.APIError
    shows_thinking = True
    returns_signatures = True
    stops = False
    told = staticmethod(http_told)

    def __init__(self, access: Access):
        self._sdk = sdk(access)

    async def ask(self, ask: Ask) -> Answer:
        responses = self._sdk.responses
        if not ask.stream:
            return _answer(await responses.create(**_request(ask)))
        async with responses.stream(**_request(ask)) as events:
            last = None
            async for event in events:
                last = event
        assert last is not None
        return _answer(last.response)

    async def ask_beyond(self, model: str) -> None:
        search: Any = {"type": "web_search"}
        await self._sdk.responses.create(model=model, input="x", tools=[search])

    async def count(self, ask: Ask) -> int:
        request = {name: value for name, value in _request(ask).items() if name in ("model", "input")}
        return (await self._sdk.responses.input_tokens.count(**request)).input_tokens

    async def close(self) -> None:
        await self._sdk.close()


def _request(ask: Ask) -> dict[str, Any]:
    items: list[Any] = [item for turn in ask.turns for item in _items(turn)]
    request: dict[str, Any] = {
        "model": ask.model,
        "input": items,
        "max_output_tokens": ask.max_tokens,
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }
    if ask.system:
        request["instructions"] = ask.system
    if ask.tools:
        request["tools"] = [
            {"type": "function", "name": tool.name, "parameters": tool.schema, "strict": True}
            for tool in ask.tools
        ]
    if ask.thinking:
        request["reasoning"] = {"effort": "low", "summary": "auto"}
    if ask.schema:
        wanted = {"type": "json_schema", "name": "city", "schema": ask.schema, "strict": True}
        request["text"] = {"format": wanted}
    return request


def _items(turn: User | Answer | Results) -> list[Any]:
    match turn:
        case User(text=text, image=None):
            return [{"role": "user", "content": text}]
        case User(text=text, image=image):
            assert image is not None
            picture = {"type": "input_image", "detail": "auto", "image_url": data_url(image)}
            return [{"role": "user", "content": [{"type": "input_text", "text": text}, picture]}]
        case Answer():
            return list(turn.turn)
        case Results(of=of):
            return [{"type": "function_call_output", "call_id": call.id, "output": text} for call, text in of]
    raise AssertionError(turn)


def _answer(response: Any) -> Answer:
    calls = [item for item in response.output if item.type == "function_call"]
    thoughts = [item for item in response.output if item.type == "reasoning"]
    details = response.incomplete_details
    return Answer(
        text=response.output_text,
        finish=details.reason if details else response.status,
        calls=tuple(Called(call.call_id, call.name, arguments(call.arguments)) for call in calls),
        thinking="".join(part.text for item in thoughts for part in item.summary),
        prompt=response.usage.input_tokens,
        output=response.usage.output_tokens,
        turn=[_sent_back(item) for item in response.output],
    )


def _sent_back(item: Any) -> dict[str, Any]:
    """As the SDK's own examples append `response.output`; parsed values are the SDK's, not the API's."""
    sent: dict[str, Any] = item.model_dump(exclude_none=True, exclude={"parsed_arguments": True})
    for part in sent.get("content", ()):
        part.pop("parsed", None)
    return sent
