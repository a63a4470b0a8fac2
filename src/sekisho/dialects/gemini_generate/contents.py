"""A request's `contents`, read into the hub's messages.

Calls of functions may lack ids: then their place in the conversation is one (`call_<content>_<number>`), the
same in every later turn. A result without an id answers the first open call of its function's name.
"""

from collections.abc import Iterator

import msgspec

from sekisho.core.contract import Members
from sekisho.core.error import BadRequest
from sekisho.core.message import Message, Part, Role, Text, ToolCall, ToolResult
from sekisho.core.turns import results_first
from sekisho.dialects.gemini_generate import parts, results, schema, turns
from sekisho.dialects.gemini_generate.schema import vendor_of
from sekisho.wire.json import raw
from sekisho.wire.shape import bad_request, given, missing_member

CALLED = "_name"
"""Note: the function's name in a result, where no call before it says it."""

_ROLES: dict[str, Role] = {"user": "user", "model": "assistant", "function": "user"}
_NOTED = raw(value=True)


def read(contents: schema.Listed) -> tuple[Message, ...]:
    """The conversation. Raises BadRequest naming the field."""
    reader = _Conversation()
    found = (reader.message(item, index) for index, item in enumerate(listed(contents)))
    return turns.joined(found)


def read_instruction(content: msgspec.Raw) -> Message:
    """The `systemInstruction`."""
    path = "systemInstruction"
    wire, rest = schema.content.read_all(content, path)
    found = tuple(parts.read_one(item, at) for item, at in _placed(wire.parts, path))
    return Message(role="system", parts=found, vendor=vendor_of(rest))


def listed(value: schema.Listed) -> list[msgspec.Raw]:
    """The items of a member that may be a list or one object."""
    return [raw(value)] if isinstance(value, dict) else value or []


def _placed(value: schema.Listed, path: str) -> Iterator[tuple[msgspec.Raw, str]]:
    for index, item in enumerate(listed(value)):
        yield item, f"{path}.parts.{index}"


class _Conversation:
    """Knows the calls of earlier turns."""

    __slots__ = ("_names", "_open")

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        """Of all calls so far, by id."""
        self._open: dict[str, str] = {}
        """Of those that no result has answered."""

    def message(self, found: msgspec.Raw, index: int) -> Message:
        path = f"contents.{index}"
        wire, rest = schema.content.read_all(found, path)
        role = _ROLES.get(wire.role or "user")
        if role is None:
            text = f"unknown role {(wire.role or '')[:40]!r}. Use user or model"
            raise BadRequest(f"{path}.role: {text}.", param=f"{path}.role")
        said = self._parts(wire.parts, index)
        return Message(role=role, parts=results_first(said), vendor=vendor_of(rest))

    def _parts(self, value: schema.Listed, index: int) -> list[Part]:
        said: list[Part] = []
        calls = 0
        for number, (item, path) in enumerate(_placed(value, f"contents.{index}")):
            wire, rest = schema.part.read_all(item, path)
            if given(wire.function_response) is not None:
                said.append(self._result(rest, wire.function_response, path, f"call_{index}_{number}"))
                continue
            part = parts.read(wire, rest, item, path, f"call_{index}_{calls}")
            if isinstance(part, ToolCall):
                calls += 1
                self._names[part.id] = self._open[part.id] = part.name
            said.append(part)
        return said

    def _result(self, rest: Members, inner: msgspec.Raw, path: str, spare_id: str) -> ToolResult:
        path = f"{path}.functionResponse"
        wire, more = schema.function_response.read_all(inner, path)
        notes = {} if wire.id else {parts.NO_ID: _NOTED}
        call_id = wire.id or self._answered(wire.name) or spare_id
        self._open.pop(call_id, None)
        if wire.name is not None and self._names.get(call_id) != wire.name:
            notes[CALLED] = raw(wire.name)
        if more:
            rest["functionResponse"] = raw(more)
        text = _text(wire, path)
        media = [parts.read_one(part, f"{path}.parts.{at}") for at, part in enumerate(wire.parts or ())]
        return ToolResult(
            call_id=call_id,
            parts=(text[0], *media),
            is_error=text[1],
            vendor=vendor_of(rest, notes),
        )

    def _answered(self, name: str | None) -> str | None:
        """The id of the first open call of this function, or of any where the result names none."""
        return next((call for call, called in self._open.items() if name in (None, called)), None)


def _text(wire: schema.FunctionResponse, path: str) -> tuple[Text, bool]:
    path = f"{path}.response"
    if given(wire.response) is None:
        raise missing_member(path)
    try:
        text, failed, notes = results.read(wire.response)
    except msgspec.DecodeError as error:
        raise bad_request(error, path) from None
    return Text(text=text, vendor=vendor_of({}, notes)), failed
