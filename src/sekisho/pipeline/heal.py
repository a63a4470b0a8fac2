"""Response healing: JSON that a client asked for and a model spoiled is repaired, if it can be for sure.

Only where a request asks for it, and only in whole answers. A repaired text fits the schema, or it stays as
it was; the client is told which.
"""

import importlib
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from sekisho.core.contract import Members
from sekisho.core.exchange import Exchange
from sekisho.pipeline.answer import Whole
from sekisho.wire import json, repair

LONGEST = 1_000_000
"""Characters of a text that is looked at."""
LARGEST_SCHEMA = 256 * 1024
"""Bytes of a schema that is compiled for one answer."""
Healing = Literal["valid", "repaired", "not_repaired"]
"""valid: it needed nothing. not_repaired: it is no JSON that fits, and stays as it came."""
Fits = Callable[[Any], bool]


class _Text(msgspec.Struct):
    """One text of an answer, and where it stands."""

    holder: dict[str, Any]
    member: str
    complete: bool
    """The model ended it itself."""


def heal(exchange: Exchange, answer: Whole) -> None:
    """Repairs the answer's texts in place, where the request asked for JSON; notes what came of it."""
    reader = _READERS.get(exchange.dialect.name)
    if reader is None:
        return
    fits = _wanted(reader[0](exchange.members))
    if fits is None:
        return
    body = json.decode(answer.body)
    found = [_healed(text, fits) for text in reader[1](body)]
    if "repaired" in found:
        answer.body = json.encode(body)
    if found:
        worst: tuple[Healing, ...] = ("not_repaired", "repaired", "valid")
        exchange.healing = next(each for each in worst if each in found)


def _healed(text: _Text, fits: Fits) -> Healing:
    said = text.holder[text.member]
    if len(said) > LONGEST:
        return "not_repaired"
    for candidate in repair.candidates(said, complete=text.complete):
        if fits(json.decode(candidate.encode("utf-8", "surrogatepass"))):
            if candidate == said.strip():
                return "valid"
            text.holder[text.member] = candidate
            return "repaired"
    return "not_repaired"


# --- what was asked for -----------------------------------------------------------------------------


def _wanted(form: Any) -> Fits | None:
    """None: no JSON. Of OpenAI's shapes, with the schema inside or beside."""
    if not isinstance(form, dict):
        return None
    if form.get("type") == "json_object":
        return _is_object
    if form.get("type") != "json_schema":
        return None
    inner = form.get("json_schema")
    schema = inner.get("schema") if isinstance(inner, dict) else form.get("schema")
    return _fitting(schema)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _fitting(schema: Any) -> Fits:
    """What fits the schema; nothing, if that cannot be told. It is a stranger's: no reference is fetched, and
    its patterns take time in proportion to the text."""
    if not isinstance(schema, dict) or len(json.encode(schema)) > LARGEST_SCHEMA:
        return _nothing
    library = importlib.import_module("jsonschema_rs")  # 30 ms, for those who heal
    try:
        validator = library.validator_for(schema, offline=True, pattern_options=library.RegexOptions())
    except ValueError:
        return _nothing

    def fits(value: Any) -> bool:
        try:
            return bool(validator.is_valid(value))
        except ValueError:
            return False

    return fits


def _nothing(_value: Any) -> bool:
    return False


# --- where it stands --------------------------------------------------------------------------------


def _read(members: Members, name: str) -> Any:
    return json.decode(members[name]) if name in members else None


def _chat_form(members: Members) -> Any:
    return _read(members, "response_format")


def _chat_texts(body: Any) -> Iterator[_Text]:
    for choice in body.get("choices") or ():
        message = choice.get("message") or {}
        if isinstance(message.get("content"), str) and not message.get("tool_calls"):
            yield _Text(message, "content", choice.get("finish_reason") == "stop")


def _responses_form(members: Members) -> Any:
    text = _read(members, "text")
    return text.get("format") if isinstance(text, dict) else None


def _responses_texts(body: Any) -> Iterator[_Text]:
    for item in body.get("output") or ():
        for part in (item.get("content") or ()) if item.get("type") == "message" else ():
            if part.get("type") == "output_text" and isinstance(part.get("text"), str):
                yield _Text(part, "text", body.get("status") == "completed")


def _messages_form(members: Members) -> Any:
    config = _read(members, "output_config")
    return config.get("format") if isinstance(config, dict) else None


def _messages_texts(body: Any) -> Iterator[_Text]:
    for block in body.get("content") or ():
        if block.get("type") == "text" and isinstance(block.get("text"), str):
            yield _Text(block, "text", body.get("stop_reason") == "end_turn")


_READERS: Mapping[str, tuple[Callable[[Members], Any], Callable[[Any], Iterator[_Text]]]] = MappingProxyType(
    {
        "openai_chat": (_chat_form, _chat_texts),
        "openai_responses": (_responses_form, _responses_texts),
        "anthropic_messages": (_messages_form, _messages_texts),
    }
)
"""Dialect -> the form that its requests ask for, and the texts of its answers."""
