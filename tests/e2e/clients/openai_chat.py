"""OpenAI's SDK, Chat Completions."""

import base64
from collections.abc import Mapping
from typing import Any, ClassVar

import openai
from tests.e2e.clients.asking import Access, Answer, Ask, Called, Results, User, arguments, http_told

ERRORS: dict[int, type[Exception]] = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    404: openai.NotFoundError,
    422: openai.UnprocessableEntityError,
    429: openai.RateLimitError,
    502: openai.InternalServerError,
}


def sdk(access: Access) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{access.url}/v1", api_key=access.key, max_retries=0)


class OpenAIChat:
    own = frozenset({"oai", "rsp"})
    words: ClassVar[Mapping[str, str]] = {
        "stop": "stop",
        "length": "length",
        "tool_calls": "tool_calls",
        "content_filter": "content_filter",
    }
    errors = ERRORS
    broken = openai.APIError
    shows_thinking = True
    returns_signatures = True
    stops = True
    told = staticmethod(http_told)

    def __init__(self, access: Access):
        self._sdk = sdk(access)

    async def ask(self, ask: Ask) -> Answer:
        chat = self._sdk.chat.completions
        if not ask.stream:
            return _answer(await chat.create(**_request(ask)))
        async with chat.stream(stream_options={"include_usage": True}, **_request(ask)) as events:
            async for _ in events:
                pass
            # `get_final_completion` raises for an answer that was cut short.
            return _answer(events.current_completion_snapshot)

    async def ask_beyond(self, model: str) -> None:
        shell: Any = {"type": "custom", "custom": {"name": "shell"}}
        await self._sdk.chat.completions.create(model=model, messages=[_user(User("x"))], tools=[shell])

    async def count(self, ask: Ask) -> None:
        return None

    async def close(self) -> None:
        await self._sdk.close()


def function(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def response_format(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "city", "schema": schema, "strict": True}}


def _request(ask: Ask) -> dict[str, Any]:
    messages = [{"role": "system", "content": ask.system}] if ask.system else []
    for turn in ask.turns:
        messages += _messages(turn)
    request: dict[str, Any] = {"model": ask.model, "messages": messages, "max_tokens": ask.max_tokens}
    if ask.tools:
        request["tools"] = [function(tool.name, tool.schema) for tool in ask.tools]
    if ask.stop:
        request["stop"] = list(ask.stop)
    if ask.thinking:
        request["reasoning_effort"] = "low"
    if ask.schema:
        request["response_format"] = response_format(ask.schema)
    return request


def _messages(turn: User | Answer | Results) -> list[Any]:
    match turn:
        case User():
            return [_user(turn)]
        case Answer():
            return [turn.turn]
        case Results(of=of):
            return [{"role": "tool", "tool_call_id": call.id, "content": text} for call, text in of]


def _user(user: User) -> Any:
    if user.image is None:
        return {"role": "user", "content": user.text}
    picture = {"type": "image_url", "image_url": {"url": data_url(user.image)}}
    return {"role": "user", "content": [{"type": "text", "text": user.text}, picture]}


def data_url(image: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(image).decode()}"


def _answer(completion: Any) -> Answer:
    (choice,) = completion.choices
    message = choice.message
    return Answer(
        text=message.content or "",
        finish=choice.finish_reason,
        calls=tuple(
            Called(call.id, call.function.name, arguments(call.function.arguments))
            for call in message.tool_calls or ()
        ),
        thinking=(message.model_extra or {}).get("reasoning_content", ""),
        prompt=completion.usage.prompt_tokens,
        output=completion.usage.completion_tokens,
        turn=message.model_dump(exclude_none=True),
    )
