"""Which format and which operation a path asks for. Prefixes are whatever a base URL puts before it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qs, unquote

from sekisho.testkit.provider.anthropic_messages import ANTHROPIC_MESSAGES
from sekisho.testkit.provider.bedrock_converse import BEDROCK_CONVERSE
from sekisho.testkit.provider.connection import Received
from sekisho.testkit.provider.format import Format, Path
from sekisho.testkit.provider.gemini_generate import GEMINI_ARRAY, GEMINI_GENERATE
from sekisho.testkit.provider.openai_chat import OPENAI_CHAT
from sekisho.testkit.provider.openai_completions import OPENAI_COMPLETIONS
from sekisho.testkit.provider.openai_responses import OPENAI_RESPONSES
from sekisho.testkit.provider.retrieval import OPENAI_EMBEDDINGS, RERANKS

Operation = Literal["answer", "count", "models", "kept"]


@dataclass(frozen=True, slots=True)
class Place:
    form: Format
    operation: Operation
    path: Path = field(default_factory=Path)
    kept: str = ""
    """Id of the kept answer that is meant."""
    detail: str = ""
    """What of it: `/cancel`, `/input_items`, or nothing for the answer itself."""


def find(request: Received) -> Place | None:
    """None: nothing is there."""
    for method, pattern, place in _PLACES:
        if request.method in method:
            match = pattern.search(request.path)
            if match is not None:
                return place(request, match)
    return None


_Placing = Callable[[Received, "re.Match[str]"], Place]


def _fixed(form: Format, operation: Operation) -> _Placing:
    return lambda _request, _match: Place(form, operation)


def _kept(_request: Received, match: "re.Match[str]") -> Place:
    return Place(OPENAI_RESPONSES, "kept", kept=match["id"], detail=match["detail"] or "")


def _models(request: Received, _match: "re.Match[str]") -> Place:
    if "/v1beta" in request.path or request.header("x-goog-api-key") is not None:
        return Place(GEMINI_GENERATE, "models")
    anthropic = request.header("anthropic-version") is not None
    return Place(ANTHROPIC_MESSAGES if anthropic else OPENAI_CHAT, "models")


def _bedrock(_request: Received, match: "re.Match[str]") -> Place:
    operation: Operation = "count" if match["verb"] == "count-tokens" else "answer"
    stream = match["verb"] == "converse-stream"
    return Place(BEDROCK_CONVERSE, operation, Path(unquote(match["model"]), stream))


def _gemini(request: Received, match: "re.Match[str]") -> Place:
    operation: Operation = "count" if match["verb"] == "countTokens" else "answer"
    stream = match["verb"] == "streamGenerateContent"
    plain = stream and parse_qs(request.query).get("alt") != ["sse"]
    form = GEMINI_ARRAY if plain else GEMINI_GENERATE
    return Place(form, operation, Path(unquote(match["model"]), stream))


_PLACES: tuple[tuple[tuple[str, ...], "re.Pattern[str]", _Placing], ...] = tuple(
    (tuple(methods.split()), re.compile(pattern), placing)
    for methods, pattern, placing in (
        ("POST", r"/chat/completions$", _fixed(OPENAI_CHAT, "answer")),
        ("POST", r"/completions$", _fixed(OPENAI_COMPLETIONS, "answer")),
        ("POST", r"/embeddings$", _fixed(OPENAI_EMBEDDINGS, "answer")),
        ("POST", r"/v2/rerank$", _fixed(RERANKS["cohere"], "answer")),
        ("POST", r"/voyage/v1/rerank$", _fixed(RERANKS["voyage"], "answer")),
        ("POST", r"/rerank$", _fixed(RERANKS["jina"], "answer")),
        ("POST", r"/responses$", _fixed(OPENAI_RESPONSES, "answer")),
        ("POST", r"/responses/input_tokens$", _fixed(OPENAI_RESPONSES, "count")),
        ("POST", r"/responses/(?P<id>[^/]+)(?P<detail>/cancel)$", _kept),
        ("GET", r"/responses/(?P<id>[^/]+)(?P<detail>/input_items)?$", _kept),
        ("DELETE", r"/responses/(?P<id>[^/]+)(?P<detail>)$", _kept),
        ("POST", r"/messages$", _fixed(ANTHROPIC_MESSAGES, "answer")),
        ("POST", r"/messages/count_tokens$", _fixed(ANTHROPIC_MESSAGES, "count")),
        (
            "POST",
            r"/models/(?P<model>.+):(?P<verb>generateContent|streamGenerateContent|countTokens)$",
            _gemini,
        ),
        ("POST", r"/model/(?P<model>[^/]+)/(?P<verb>converse|converse-stream|count-tokens)$", _bedrock),
        ("GET", r"/models$", _models),
    )
)
