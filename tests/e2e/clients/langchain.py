"""LangChain's ChatOpenAI, over either of OpenAI's APIs."""

from typing import Any, ClassVar

import openai
from langchain_core.messages import AIMessageChunk, HumanMessage, SystemMessage, ToolMessage
from langchain_openai import ChatOpenAI
from tests.e2e.clients.asking import Access, Answer, Ask, Called, Results, User, http_told
from tests.e2e.clients.openai_chat import ERRORS, OpenAIChat, data_url, function, response_format
from tests.e2e.clients.openai_responses import OpenAIResponses


class LangChainChat:
    """It shows no thinking: Chat Completions has none by OpenAI's own account."""

    own = OpenAIChat.own
    words = OpenAIChat.words
    errors = ERRORS
    broken = openai.APIError
    shows_thinking = False
    returns_signatures = False
    stops = True
    told = staticmethod(http_told)
    settings: ClassVar[dict[str, Any]] = {}
    beyond: ClassVar[dict[str, Any]] = {"type": "custom", "custom": {"name": "shell"}}
    """A tool that only its API has."""

    def __init__(self, access: Access):
        self._access = access
        self._http = openai.DefaultAsyncHttpxClient()

    def _model(self, name: str, **settings: Any) -> ChatOpenAI:
        access = self._access
        return ChatOpenAI(
            model=name,
            base_url=f"{access.url}/v1",
            api_key=lambda: access.key,
            max_retries=0,
            http_async_client=self._http,
            stream_usage=True,
            **self.settings,
            **settings,
        )

    async def ask(self, ask: Ask) -> Answer:
        chosen: dict[str, Any] = {"max_tokens": ask.max_tokens}
        if ask.thinking:
            chosen |= self._thinking()
        model: Any = self._model(ask.model, **chosen)
        if ask.tools:
            model = model.bind_tools([function(tool.name, tool.schema) for tool in ask.tools])
        if ask.schema:
            model = model.bind(response_format=response_format(ask.schema))
        if ask.stop:
            model = model.bind(stop=list(ask.stop))
        messages = [SystemMessage(ask.system)] if ask.system else []
        messages += [message for turn in ask.turns for message in _messages(turn)]
        if not ask.stream:
            return self._answer(await model.ainvoke(messages))
        whole: AIMessageChunk | None = None
        async for chunk in model.astream(messages):
            whole = chunk if whole is None else whole + chunk
        return self._answer(whole)

    def _thinking(self) -> dict[str, Any]:
        return {"reasoning_effort": "low"}

    def _finish(self, message: Any) -> str:
        return str(message.response_metadata["finish_reason"])

    def _answer(self, message: Any) -> Answer:
        blocks = [block for block in message.content_blocks if block["type"] == "reasoning"]
        return Answer(
            text=message.text,
            finish=self._finish(message),
            calls=tuple(Called(call["id"], call["name"], call["args"]) for call in message.tool_calls),
            thinking="".join(block.get("reasoning", "") for block in blocks),
            prompt=message.usage_metadata["input_tokens"],
            output=message.usage_metadata["output_tokens"],
            turn=message,
        )

    async def ask_beyond(self, model: str) -> None:
        await self._model(model, extra_body={"tools": [self.beyond]}).ainvoke("x")

    async def count(self, ask: Ask) -> None:
        return None

    async def close(self) -> None:
        await self._http.aclose()


class LangChainResponses(LangChainChat):
    own = OpenAIResponses.own
    words = OpenAIResponses.words
    shows_thinking = True
    returns_signatures = True
    stops = False
    settings: ClassVar[dict[str, Any]] = {
        "use_responses_api": True,
        "output_version": "responses/v1",
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }
    beyond: ClassVar[dict[str, Any]] = {"type": "web_search"}

    def _thinking(self) -> dict[str, Any]:
        return {"reasoning": {"effort": "low", "summary": "auto"}}

    def _finish(self, message: Any) -> str:
        said = message.response_metadata
        details = said.get("incomplete_details")
        return str(details["reason"] if details else said["status"])


def _messages(turn: User | Answer | Results) -> list[Any]:
    match turn:
        case User(text=text, image=None):
            return [HumanMessage(text)]
        case User(text=text, image=image):
            assert image is not None
            picture = {"type": "image_url", "image_url": {"url": data_url(image)}}
            return [HumanMessage([{"type": "text", "text": text}, picture])]
        case Answer():
            return [turn.turn]
        case Results(of=of):
            return [ToolMessage(text, tool_call_id=call.id) for call, text in of]
    raise AssertionError(turn)
