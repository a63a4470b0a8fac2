"""Google's SDK."""

from collections.abc import Mapping
from typing import Any, ClassVar

import httpx2
from google import genai
from google.genai import types
from google.genai.errors import APIError, ClientError, ServerError
from tests.e2e.clients.asking import THINKING_BUDGET, Access, Answer, Ask, Called, Results, Told, User


class GoogleGenAI:
    own = frozenset({"gem"})
    words: ClassVar[Mapping[str, str]] = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}
    errors: ClassVar[Mapping[int, type[Exception]]] = {
        **dict.fromkeys((400, 401, 404, 422, 429), ClientError),
        502: ServerError,
    }
    broken = APIError
    shows_thinking = True
    returns_signatures = True
    stops = True

    def __init__(self, access: Access):
        # With aiohttp installed, the SDK would use it and warn of its own way of doing so.
        self._http = httpx2.AsyncClient(timeout=20)
        options = types.HttpOptions(base_url=access.url, httpx_async_client=self._http)
        self._sdk = genai.Client(api_key=access.key, http_options=options)

    async def ask(self, ask: Ask) -> Answer:
        models: Any = self._sdk.aio.models
        request = {"model": ask.model, "contents": _contents(ask), "config": _config(ask)}
        if not ask.stream:
            return _answer([await models.generate_content(**request)])
        return _answer([chunk async for chunk in await models.generate_content_stream(**request)])

    async def ask_beyond(self, model: str) -> None:
        search = types.Tool(google_search=types.GoogleSearch())
        config = types.GenerateContentConfig(tools=[search])
        await self._sdk.aio.models.generate_content(model=model, contents="x", config=config)

    async def count(self, ask: Ask) -> int | None:
        counted = await self._sdk.aio.models.count_tokens(model=ask.model, contents=_contents(ask))
        return counted.total_tokens

    def told(self, error: Any) -> Told:
        return Told(error.code, error.message, error.response.headers.get("retry-after"))

    async def close(self) -> None:
        await self._sdk.aio.aclose()
        self._sdk.close()
        await self._http.aclose()


def _config(ask: Ask) -> types.GenerateContentConfig:
    declared: Any = [
        types.FunctionDeclaration(name=tool.name, parameters_json_schema=tool.schema) for tool in ask.tools
    ]
    thinking = types.ThinkingConfig(include_thoughts=True, thinking_budget=THINKING_BUDGET)
    return types.GenerateContentConfig(
        system_instruction=ask.system or None,
        max_output_tokens=ask.max_tokens,
        stop_sequences=list(ask.stop) or None,
        tools=[types.Tool(function_declarations=declared)] if declared else None,
        thinking_config=thinking if ask.thinking else None,
        response_mime_type="application/json" if ask.schema else None,
        response_json_schema=ask.schema,
    )


def _contents(ask: Ask) -> Any:
    return [content for turn in ask.turns for content in _turn(turn)]


def _turn(turn: User | Answer | Results) -> list[types.Content]:
    match turn:
        case User(text=text, image=image):
            parts = [types.Part.from_text(text=text)]
            if image is not None:
                parts.append(types.Part.from_bytes(data=image, mime_type="image/png"))
            return [types.Content(role="user", parts=parts)]
        case Answer():
            return list(turn.turn)
        case Results(of=of):
            given = [
                types.FunctionResponse(id=call.id, name=call.name, response={"result": text})
                for call, text in of
            ]
            parts = [types.Part(function_response=response) for response in given]
            return [types.Content(role="user", parts=parts)]


def _answer(chunks: list[Any]) -> Answer:
    """Chunks say what is new; counts and finish reason stand in the last."""
    candidates = [candidate for chunk in chunks for candidate in chunk.candidates or ()]
    contents = [candidate.content for candidate in candidates if candidate.content]
    parts = [part for content in contents for part in content.parts or ()]
    calls = [part.function_call for part in parts if part.function_call]
    used = chunks[-1].usage_metadata
    # The SDK's chats keep a stream event by event; a turn of calls must be one content, or Google refuses it.
    turn = [types.Content(role="model", parts=parts)] if calls else contents
    return Answer(
        text="".join(part.text or "" for part in parts if not part.thought),
        finish=candidates[-1].finish_reason.name,
        calls=tuple(Called(call.id, call.name, call.args or {}) for call in calls),
        thinking="".join(part.text for part in parts if part.thought),
        prompt=used.prompt_token_count,
        output=(used.candidates_token_count or 0) + (used.thoughts_token_count or 0),
        turn=turn,
    )
