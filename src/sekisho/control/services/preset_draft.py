"""What a preset keeps of a request's body, in the words of Chat Completions."""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from sekisho.control.services.refusal import Refused
from sekisho.core.preset import MARK, ROUTING, SPELLED

LONGEST = 64 * 1024
"""Bytes of a preset."""
TOOLS = ("tools", "tool_choice")
Body = dict[str, Any]


def drafted(dialect: str, body: Body) -> tuple[Body, str | None]:
    """(config, system prompt). What else the body says - messages, `stream`, the user - is not kept.

    Raises Refused, naming the member.
    """
    config = {name: body[name] for name in ROUTING if body.get(name) is not None}
    spelled = SPELLED[dialect]
    config |= {name: body[own] for name, own in spelled.items() if body.get(own) is not None}
    if dialect == "openai_chat" and body.get("max_completion_tokens") is not None:
        config["max_tokens"] = body["max_completion_tokens"]
    for name in TOOLS:
        if name not in spelled and body.get(name):
            raise Refused("a preset keeps tools in the words of Chat Completions alone", name)
    _name_models(body)
    prompt = _PROMPTS[dialect](body)
    if prompt is not None and "\0" in prompt:
        raise Refused("the system prompt holds a NUL")  # not every database has it in its texts
    if not config and prompt is None:
        raise Refused("there is nothing in it that a preset keeps: a model, a system prompt, a setting")
    try:
        size = len(msgspec.json.encode((config, prompt)))
        json.dumps(config, allow_nan=False)  # as the database does
    except (OverflowError, ValueError, RecursionError):
        raise Refused("a number in it is too large, or a list too deep") from None
    if size > LONGEST:
        raise Refused(f"a preset has at most {LONGEST} bytes")
    return config, prompt


def _name_models(body: Body) -> None:
    """A preset that names one would have to be followed, and might come round again."""
    if body.get("preset") is not None:
        raise Refused("a preset names no other preset", "preset")
    models = body.get("models")
    if models is not None and not isinstance(models, list):
        raise Refused("must be a list of names", "models")
    for member, name in (("model", body.get("model")), *(("models", each) for each in models or ())):
        if name is not None and not isinstance(name, str):
            raise Refused("must be the name of a model", member)
        if name is not None and MARK in name:
            raise Refused("a preset names no other preset", member)


def _of_chat(body: Body) -> str | None:
    messages = body.get("messages")
    for each in messages if isinstance(messages, list) else ():
        if isinstance(each, dict) and each.get("role") in ("system", "developer"):
            return _text(each.get("content"), "messages")
    return None


def _of_messages(body: Body) -> str | None:
    return _text(body.get("system"), "system")


def _of_responses(body: Body) -> str | None:
    return _text(body.get("instructions"), "instructions")


def _text(content: Any, member: str) -> str | None:
    """A text, or a list of them."""
    if content is None or isinstance(content, str):
        return content or None
    listed = content if isinstance(content, list) else [None]
    parts: list[str] = []
    for each in listed:
        if not isinstance(each, dict) or not isinstance(each.get("text"), str):
            raise Refused("a preset's system prompt is text", member)
        parts.append(each["text"])
    return "\n\n".join(parts) or None


_PROMPTS: Mapping[str, Callable[[Body], str | None]] = MappingProxyType(
    {"openai_chat": _of_chat, "anthropic_messages": _of_messages, "openai_responses": _of_responses}
)
