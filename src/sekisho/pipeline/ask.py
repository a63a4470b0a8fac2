"""What planning needs to know of a call, found in the members of its request in any dialect.

Only what can make a difference is looked for: a call to a route of one target pays for nothing.
"""

from collections.abc import Mapping
from hashlib import blake2b
from types import MappingProxyType
from typing import Any

import msgspec

from sekisho.core.contract import Members
from sekisho.core.exchange import Exchange
from sekisho.core.operation import RETRIEVAL
from sekisho.core.preference import NONE, Preferences
from sekisho.core.route import Route
from sekisho.metering.attachments import is_text_alone
from sekisho.metering.prompt import INSTRUCTION_MEMBERS, read_prompt
from sekisho.metering.tokens import Tokens
from sekisho.routing.ask import PLAIN, Ask
from sekisho.wire import json, kinds

BYTES_A_TOKEN = 4
"""Of a request's body, about: of English and of Japanese alike."""
DENSEST = 2
"""Bytes a token of what is hardest on a vocabulary: a prompt that might not fit at that rate is counted."""
SPELLINGS: Mapping[str, str] = MappingProxyType(
    {
        "max_completion_tokens": "max_tokens", "max_output_tokens": "max_tokens",
        "maxOutputTokens": "max_tokens", "maxTokens": "max_tokens", "stop_sequences": "stop",
        "stopSequences": "stop", "topP": "top_p", "topK": "top_k", "presencePenalty": "presence_penalty",
        "frequencyPenalty": "frequency_penalty",
        "reasoning_effort": "reasoning", "thinking": "reasoning", "thinkingConfig": "reasoning",
        "toolConfig": "tools", "functions": "tools", "output_format": "structured_outputs",
        "responseSchema": "structured_outputs", "responseJsonSchema": "structured_outputs",
        "responseMimeType": "response_format", "responseLogprobs": "logprobs",
    }
)  # fmt: skip
"""Parameters as the dialects spell them -> in OpenAI's words, which models' facts use."""
PARAMETERS = frozenset(SPELLINGS.values()) | {
    "frequency_penalty", "logit_bias", "logprobs", "min_p", "n", "parallel_tool_calls", "presence_penalty",
    "repetition_penalty", "seed", "temperature", "tool_choice", "top_a", "top_logprobs", "verbosity",
    "web_search_options",
}  # fmt: skip
"""What counts as a parameter; the rest of a request's members are the prompt, and matters of the call."""
SETTINGS = ("generationConfig", "generation_config", "inferenceConfig")
"""Members that hold parameters, at Gemini and Bedrock."""
MAXIMA = ("max_completion_tokens", "max_tokens", "max_output_tokens")
ANSWERS = ("n", "best_of")
_SAYING_MOST = frozenset((*MAXIMA, *SETTINGS))
_SAYING_ANSWERS = frozenset((*ANSWERS, *SETTINGS))
_KINDS = {"document": "file"}
"""Kinds of attachments -> modalities, where they differ."""


def ask_of(exchange: Exchange, route: Route, prefer: Preferences, tokens: Tokens) -> Ask:
    """What `plan` needs of the call; `prefer` is what holds for it."""
    if len(route.targets) == 1 and prefer is NONE:
        return PLAIN
    maximum, retrieval = max_tokens(exchange.members), exchange.entry.operation in RETRIEVAL
    select = prefer.select or route.select
    return Ask(
        # Each text of a retrieval has the whole context to itself.
        prompt_tokens=0 if retrieval else _prompt_tokens(exchange, route, maximum or 0, tokens),
        max_tokens=maximum,
        parameters=_parameters(exchange.members) if prefer.require_parameters else frozenset(),
        modalities=_modalities(exchange, route),
        session=_session(exchange) if select == "sticky" else None,
        prefer=prefer,
    )


# --- size -------------------------------------------------------------------------------------------


def _prompt_tokens(exchange: Exchange, route: Route, maximum: int, tokens: Tokens) -> int:
    """By the length of the body, unless the targets differ in context and it may not fit the smallest."""
    length, tightest = len(exchange.body), route.tightest
    if tightest is None or length // DENSEST + maximum <= (tightest.context_length or 0):
        return length // BYTES_A_TOKEN
    return tokens.estimate(exchange.members, tightest)


def max_tokens(members: Members) -> int | None:
    """The most that the request lets the model write; None: it does not say."""
    if _SAYING_MOST.isdisjoint(members):
        return None
    for name in MAXIMA:
        if name in members:
            return _whole(_read(members[name]))
    for name in SETTINGS:
        if name in members:
            settings = _read(members[name])
            if isinstance(settings, dict):
                return _whole(settings.get("maxOutputTokens", settings.get("maxTokens")))
    return None


def answers(members: Members) -> int:
    """How many alternative answers the request asks for."""
    if _SAYING_ANSWERS.isdisjoint(members):
        return 1
    found = [_whole(_read(members[name])) for name in ANSWERS if name in members]
    for name in SETTINGS:
        settings = _read(members[name]) if name in members else None
        if isinstance(settings, dict):
            found.append(_whole(settings.get("candidateCount")))
    return max((each or 1 for each in found), default=1)


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


# --- kind -------------------------------------------------------------------------------------------


def _parameters(members: Members) -> frozenset[str]:
    names = [name for name in members if not kinds.absent(members, name)]
    for outer in SETTINGS:
        settings = _read(members[outer]) if outer in members else None
        if isinstance(settings, dict):
            names += settings
    return PARAMETERS.intersection(SPELLINGS.get(name, name) for name in names)


def _modalities(exchange: Exchange, route: Route) -> frozenset[str]:
    """Looked for only where targets differ in what they take, and read only where the body has a word of
    it."""
    if route.takes_alike or is_text_alone(exchange.body):
        return PLAIN.modalities
    kinds = {found.kind for found in read_prompt(exchange.members).attachments}
    return PLAIN.modalities | {_KINDS.get(kind, kind) for kind in kinds}


# --- session ----------------------------------------------------------------------------------------


def _session(exchange: Exchange) -> str | None:
    """What later calls of the same conversation will give again: what the client calls it, or its user; else
    a digest of how it begins, which is also what a provider's prompt cache goes by."""
    named = exchange.session or exchange.user
    beginning = _beginning(exchange) if named is None else named.encode()
    return None if beginning is None else session_of(beginning)


def session_of(named: bytes) -> str:
    """What planning knows a session by: a digest of its name, or of how it begins."""
    return blake2b(named, digest_size=12).hexdigest()


def _beginning(exchange: Exchange) -> bytes | None:
    """Instructions, and the messages up to the first of the user, without the marks for prompt caches: those
    wander from turn to turn."""
    members = exchange.members
    kept: Members = {name: members[name] for name in INSTRUCTION_MEMBERS if name in members}
    for name in ("messages", "input", "contents"):
        if name in members:
            kept[name] = _first_messages(members[name])
    if not kept:
        return None
    exchange.dialect.cache_marks.strip(kept)
    return b"\0".join(bytes(value) for value in kept.values())


def _first_messages(raw: msgspec.Raw) -> msgspec.Raw:
    try:
        messages = msgspec.json.decode(raw, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return raw  # one text, or nothing that anybody understands
    for at, message in enumerate(messages):
        content = _read(message)
        if isinstance(content, dict) and content.get("role") == "user":
            return json.raw(messages[: at + 1])
    return raw


def _read(raw: msgspec.Raw) -> Any:
    """None for what is no JSON after all: the provider will say so."""
    try:
        return json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
