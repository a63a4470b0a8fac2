"""What a request or an answer says, as a list of facts that survives merging, splitting and reordering."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from sekisho.core.contract import Loss
from sekisho.core.message import (
    Audio,
    Document,
    Image,
    Message,
    Opaque,
    Part,
    PlainText,
    Reasoning,
    RedactedReasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Vendor,
    Video,
)
from sekisho.core.request import FunctionTool, Request, Tool

TEXT = "text"


@dataclass(frozen=True, slots=True)
class Fact:
    path: str
    """Where it stands, in hub terms, as losses name it."""
    kind: str
    value: str
    content: bool = False
    """True: losing it must be a content loss. False: any named loss will do."""


def of_request(request: Request) -> list[Fact]:
    facts = [fact for index, message in enumerate(request.messages) for fact in _message(index, message)]
    for index, tool in enumerate(request.tools):
        facts += _tool(f"tools.{index}", tool, content=_may_call(request))
    facts += _settings(request)
    facts += _vendor("vendor", request.vendor, request.required)
    return facts


def of_parts(parts: Sequence[Part]) -> list[Fact]:
    """What an answer says. Finish reasons and usage are judged elsewhere; signatures prove something to
    one provider only."""
    return [
        fact
        for index, part in enumerate(parts)
        for fact in _part(f"parts.{index}", "assistant", part)
        if fact.content or fact.kind.startswith(TEXT)
    ]


def missing(said: Sequence[Fact], heard: Sequence[Fact]) -> list[Fact]:
    """The facts of `said` that `heard` lacks. Texts count as heard where they stand inside what was
    heard in the same role, in the same order: they may be joined, but not cut."""
    known = Counter((fact.kind, fact.value) for fact in heard if not fact.kind.startswith(TEXT))
    texts: dict[str, str] = {}
    for fact in heard:
        if fact.kind.startswith(TEXT):
            texts[fact.kind] = texts.get(fact.kind, "") + fact.value
    position: Counter[str] = Counter()
    lost = []
    for fact in said:
        if fact.kind.startswith(TEXT):
            found = texts.get(fact.kind, "").find(fact.value, position[fact.kind])
            if found < 0:
                lost.append(fact)
            else:
                position[fact.kind] = found + len(fact.value)
        elif known[fact.kind, fact.value]:
            known[fact.kind, fact.value] -= 1
        else:
            lost.append(fact)
    return lost


def moved(facts: Sequence[Fact], losses: Sequence[Loss]) -> list[Fact]:
    """The facts; where a loss names a message's role, its instructions as what the user said."""
    named = tuple(loss.field.removesuffix("role") for loss in losses if loss.field.endswith(".role"))
    return [
        replace(fact, kind=f"{TEXT} user")
        if fact.kind == f"{TEXT} system" and fact.path.startswith(named)
        else fact
        for fact in facts
    ]


def unnamed(facts: Sequence[Fact], losses: Sequence[Loss]) -> list[Fact]:
    """The facts that no loss names, or that a loss wrongly calls a mere knob."""
    return [fact for fact in facts if not any(_covers(loss, fact) for loss in losses)]


def untrue(losses: Sequence[Loss], lost: Sequence[Fact]) -> list[Loss]:
    """The content losses that lost nothing: each would refuse a call for no reason."""
    return [loss for loss in losses if loss.content and not any(_covers(loss, fact) for fact in lost)]


def plain(value: object) -> Any:
    """A hub value as JSON data, without notes on spelling, whatever the spelling of raw members."""
    return _without_notes(msgspec.json.decode(msgspec.json.encode(value)))


def _without_notes(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: _without_notes(member) for name, member in value.items() if not name.startswith("_")}
        return {name: member for name, member in kept.items() if name != "vendor" or any(member.values())}
    if isinstance(value, list):
        return [_without_notes(item) for item in value]
    return value


def _covers(loss: Loss, fact: Fact) -> bool:
    if fact.content:
        return loss.content and f"{fact.path}.".startswith(f"{loss.field}.")
    return f"{fact.path}.".startswith(f"{loss.field}.") or loss.field.startswith(f"{fact.path}.")


def _message(index: int, message: Message) -> Iterator[Fact]:
    path = f"messages.{index}"
    role = "system" if message.role == "developer" else message.role
    if message.name is not None:
        yield Fact(f"{path}.name", "name", message.name)
    yield from _vendor(f"{path}.vendor", message.vendor)
    for number, part in enumerate(message.parts):
        yield from _part(f"{path}.parts.{number}", role, part)


def _part(path: str, role: str, part: Part) -> Iterator[Fact]:
    if part.cache is not None:
        yield Fact(f"{path}.cache", "cache", str(part.cache.ttl))
    yield from _vendor(f"{path}.vendor", part.vendor)
    match part:
        case Text(text=text) | Refusal(text=text):
            # White space alone says nothing, and some APIs refuse it.
            yield Fact(path, f"{TEXT} {role}", text, content=bool(text.strip()))
        case ToolCall(signature=signature):
            if signature is not None:
                yield Fact(f"{path}.signature", "signature", signature)
            called = (
                part.id,
                part.name,
                part.custom,
                part.arguments if part.custom else _json(part.arguments),
            )
            yield Fact(path, "tool call", repr(called), content=True)
        case ToolResult():
            yield from _result(path, part)
        case Reasoning():
            yield Fact(path, f"{TEXT} reasoning", part.text)
            if part.signature is not None:
                yield Fact(f"{path}.signature", "signature", part.signature)
        case RedactedReasoning(data=data):
            yield Fact(path, "redacted reasoning", data)
        case Opaque():
            yield Fact(path, "opaque", f"{part.dialect} {_canonical(part.raw)}", content=True)
        case _:
            yield from _medium(path, role, part)


def _medium(path: str, role: str, part: Image | Document | Audio | Video) -> Iterator[Fact]:
    if isinstance(part.source, PlainText):
        yield Fact(path, f"{TEXT} {role}", part.source.text, content=True)
    else:
        yield Fact(path, type(part).__name__, repr(part.source), content=True)
    for name in ("detail", "title", "context", "transcript"):
        value = getattr(part, name, None)
        if value is not None:
            yield Fact(f"{path}.{name}", name, value)


def _result(path: str, part: ToolResult) -> Iterator[Fact]:
    yield Fact(path, "tool result", part.call_id, content=True)
    if part.is_error:
        yield Fact(f"{path}.is_error", "failed tool", part.call_id)
    for number, inner in enumerate(part.parts):
        yield from _part(f"{path}.parts.{number}", f"result of {part.call_id}", inner)


def _may_call(request: Request) -> bool:
    """Where no tool may be called, to withhold them all says the same: no content, but named."""
    return request.tool_choice is None or request.tool_choice.mode != "none"


def _tool(path: str, tool: Tool, *, content: bool) -> Iterator[Fact]:
    if not isinstance(tool, FunctionTool):
        yield Fact(path, "tool", repr(plain(tool)), content)
        return
    yield Fact(path, "tool", tool.name, content)
    if tool.description:
        yield Fact(f"{path}.description", "tool description", f"{tool.name} {tool.description}", content)
    if tool.schema is not None:
        yield Fact(f"{path}.schema", "tool schema", f"{tool.name} {_canonical(tool.schema)}", content)
    if tool.strict:
        yield Fact(f"{path}.strict", "tool strict", tool.name)
    if tool.cache is not None:
        yield Fact(f"{path}.cache", "cache", str(tool.cache.ttl))
    yield from _vendor(f"{path}.vendor", tool.vendor)


def _settings(request: Request) -> Iterator[Fact]:
    for name in ("max_tokens", "user", "cache_key", "stream"):
        value = getattr(request, name)
        if value:
            yield Fact(name, name, repr(value))
    for stop in request.stop:
        yield Fact("stop", "stop", stop)
    for name, value in msgspec.structs.asdict(request.sampling).items():
        if value is not None:
            yield Fact(f"sampling.{name}", name, repr(value) if name != "logit_bias" else _canonical(value))
    if request.metadata is not None:
        yield Fact("metadata", "metadata", _canonical(request.metadata))
    if request.parallel_tool_calls is False:
        yield Fact("parallel_tool_calls", "no parallel tool calls", "")
    # Words for effort and tiers differ by dialect: what counts is that the wish arrives at all.
    for name in ("reasoning", "service_tier", "cache"):
        if getattr(request, name) is not None:
            yield Fact(name, name, "")
    yield from _forms(request)


def _forms(request: Request) -> Iterator[Fact]:
    """Settings that the answer's form depends on: to lose one is to lose content."""
    if request.tool_choice is not None:
        yield Fact("tool_choice", "tool choice", repr(request.tool_choice), _may_call(request))
    if request.choices is not None and request.choices > 1:
        yield Fact("choices", "choices", str(request.choices), content=True)
    if request.output is not None and request.output.kind != "text":
        schema = _canonical(request.output.schema)
        yield Fact("output", "output", f"{request.output.kind} {schema}", content=True)


def _vendor(path: str, vendor: Vendor | None, required: Collection[str] = ()) -> Iterator[Fact]:
    for dialect, members in (vendor or {}).items():
        for name, value in members.items():
            if name.startswith("_"):
                continue  # a note on spelling
            said = f"{dialect} {name} {_canonical(value)}"
            yield Fact(f"{path}.{dialect}.{name}", "vendor", said, content=name in required)


def _json(text: str) -> str:
    """Arguments by what they mean: spelling is free, and no arguments are an empty object."""
    try:
        return _canonical(msgspec.Raw(text.encode() or b"{}"))
    except msgspec.DecodeError:
        return text


def _canonical(raw: msgspec.Raw | None) -> str:
    if raw is None:
        return ""
    return msgspec.json.encode(msgspec.json.decode(raw), order="deterministic").decode()
