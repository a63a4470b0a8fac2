"""pydantic-ai's models, each over the SDK of its API."""

from collections.abc import Mapping
from typing import Any, ClassVar

from anthropic import AsyncAnthropic
from pydantic_ai import BinaryContent, ModelAPIError, ModelHTTPError
from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.exceptions import ModelRateLimitError
from pydantic_ai.messages import (
    ModelRequest,
    SystemPromptPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.bedrock import BedrockConverseModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.bedrock import BedrockProvider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.tools import ToolDefinition
from tests.e2e.clients.asking import THINKING_BUDGET, Access, Answer, Ask, Called, Results, Told, User
from tests.e2e.clients.aws_bedrock import sdk as aws_sdk
from tests.e2e.clients.openai_chat import sdk as openai_sdk

PROFILE: Any = {
    "supports_json_schema_output": True,
    "supports_thinking": True,
    "openai_supports_encrypted_reasoning_content": True,
    "bedrock_send_back_thinking_parts": True,
}
"""Of models whose names say nothing to pydantic-ai."""
WORDS = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_call",
    "content_filter": "content_filter",
}


class PydanticAI:
    """What its models have in common."""

    words = WORDS
    errors: ClassVar[Mapping[int, type[Exception]]] = {
        **dict.fromkeys((400, 401, 404, 422, 502), ModelHTTPError),
        429: ModelRateLimitError,
    }
    broken = ModelAPIError
    shows_thinking = True
    returns_signatures = True
    stops = True
    thinking: ClassVar[dict[str, Any]] = {}
    """Settings that make a model think."""
    beyond: ClassVar[dict[str, Any]] = {}

    def _model(self, name: str) -> Model[Any]:
        raise NotImplementedError

    async def ask(self, ask: Ask) -> Answer:
        model = self._model(ask.model)
        request: dict[str, Any] = {
            "model_settings": self._settings(ask),
            "model_request_parameters": _parameters(ask),
        }
        if not ask.stream:
            return _answer(await model_request(model, _messages(ask), **request))
        async with model_request_stream(model, _messages(ask), **request) as events:
            async for _ in events:
                pass
        return _answer(events.get())

    def _settings(self, ask: Ask) -> Any:
        settings = {"max_tokens": ask.max_tokens, **(self.thinking if ask.thinking else {})}
        return {**settings, "stop_sequences": list(ask.stop)} if ask.stop else settings

    async def ask_beyond(self, model: str) -> None:
        settings: Any = self.beyond
        await model_request(self._model(model), [ModelRequest.user_text_prompt("x")], model_settings=settings)

    async def count(self, ask: Ask) -> int | None:
        counted = await self._model(ask.model).count_tokens(
            _messages(ask), self._settings(ask), _parameters(ask)
        )
        return counted.input_tokens

    def told(self, error: Any) -> Told:
        return Told(error.status_code, str(error), (error.headers or {}).get("retry-after"))

    async def close(self) -> None:
        raise NotImplementedError


class PydanticChat(PydanticAI):
    """It sends thinking back as text, without a signature."""

    own = frozenset({"oai", "rsp"})
    returns_signatures = False
    thinking: ClassVar[dict[str, Any]] = {"openai_reasoning_effort": "low"}
    beyond: ClassVar[dict[str, Any]] = {
        "extra_body": {"tools": [{"type": "custom", "custom": {"name": "shell"}}]}
    }

    def __init__(self, access: Access):
        self._sdk = openai_sdk(access)

    def _model(self, name: str) -> Model[Any]:
        return OpenAIChatModel(name, provider=OpenAIProvider(openai_client=self._sdk), profile=PROFILE)

    async def count(self, ask: Ask) -> None:
        return None

    async def close(self) -> None:
        await self._sdk.close()


class PydanticResponses(PydanticAI):
    own = frozenset({"rsp"})
    words: ClassVar[Mapping[str, str]] = {name: word for name, word in WORDS.items() if name != "tool_calls"}
    stops = False
    thinking: ClassVar[dict[str, Any]] = {
        "openai_reasoning_effort": "low",
        "openai_reasoning_summary": "auto",
    }
    beyond: ClassVar[dict[str, Any]] = {"extra_body": {"tools": [{"type": "web_search"}]}}

    def __init__(self, access: Access):
        self._sdk = openai_sdk(access)

    def _model(self, name: str) -> Model[Any]:
        return OpenAIResponsesModel(name, provider=OpenAIProvider(openai_client=self._sdk), profile=PROFILE)

    def _settings(self, ask: Ask) -> Any:
        return {**super()._settings(ask), "openai_store": False}

    async def close(self) -> None:
        await self._sdk.close()


class PydanticAnthropic(PydanticAI):
    own = frozenset({"ant"})
    thinking: ClassVar[dict[str, Any]] = {
        "anthropic_thinking": {"type": "enabled", "budget_tokens": THINKING_BUDGET}
    }
    beyond: ClassVar[dict[str, Any]] = {
        "extra_body": {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}
    }

    def __init__(self, access: Access):
        self._sdk = AsyncAnthropic(base_url=access.url, api_key=access.key, max_retries=0)

    def _model(self, name: str) -> Model[Any]:
        provider = AnthropicProvider(anthropic_client=self._sdk)
        return AnthropicModel(name, provider=provider, profile=PROFILE)

    async def close(self) -> None:
        await self._sdk.close()


class PydanticBedrock(PydanticAI):
    own = frozenset({"brk"})
    thinking: ClassVar[dict[str, Any]] = {
        "bedrock_additional_model_requests_fields": {
            "thinking": {"type": "enabled", "budget_tokens": THINKING_BUDGET}
        }
    }
    beyond: ClassVar[dict[str, Any]] = {
        "bedrock_guardrail_config": {"guardrailIdentifier": "gate", "guardrailVersion": "1"}
    }

    def __init__(self, access: Access):
        self._sdk = aws_sdk(access)

    def _model(self, name: str) -> Model[Any]:
        provider = BedrockProvider(bedrock_client=self._sdk)
        return BedrockConverseModel(name, provider=provider, profile=PROFILE)

    async def close(self) -> None:
        self._sdk.close()


def _parameters(ask: Ask) -> ModelRequestParameters:
    tools = [ToolDefinition(name=tool.name, parameters_json_schema=tool.schema) for tool in ask.tools]
    if ask.schema is None:
        return ModelRequestParameters(function_tools=tools)
    wanted = OutputObjectDefinition(json_schema=ask.schema, name="city", strict=True)
    return ModelRequestParameters(function_tools=tools, output_mode="native", output_object=wanted)


def _messages(ask: Ask) -> list[Any]:
    messages = [_message(turn) for turn in ask.turns]
    if ask.system:
        messages[0].parts = [SystemPromptPart(ask.system), *messages[0].parts]
    return messages


def _message(turn: User | Answer | Results) -> Any:
    match turn:
        case User(text=text, image=None):
            return ModelRequest(parts=[UserPromptPart(text)])
        case User(text=text, image=image):
            assert image is not None
            picture = BinaryContent(image, media_type="image/png")
            return ModelRequest(parts=[UserPromptPart([text, picture])])
        case Answer():
            return turn.turn
        case Results(of=of):
            return ModelRequest(
                parts=[ToolReturnPart(call.name, text, tool_call_id=call.id) for call, text in of]
            )


def _answer(response: Any) -> Answer:
    calls = [part for part in response.parts if isinstance(part, ToolCallPart)]
    return Answer(
        text=response.text or "",
        finish=response.finish_reason,
        calls=tuple(Called(call.tool_call_id, call.tool_name, call.args_as_dict()) for call in calls),
        thinking="".join(part.content for part in response.parts if isinstance(part, ThinkingPart)),
        prompt=response.usage.input_tokens,
        output=response.usage.output_tokens,
        turn=response,
    )
