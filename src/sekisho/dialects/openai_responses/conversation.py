"""A request's `instructions` and `input`, read into the hub's messages.

Items of the model's that follow each other are one message of the assistant's; outputs of tools that
follow each other are one message of the user's. `instructions` are a first system message, as is a system
item; the note `_item` in a message's vendor members marks the latter, and holds an item's `id` and `status`.
"""

from collections.abc import Sequence

import msgspec

from sekisho.core.error import BadRequest
from sekisho.core.message import Message, Opaque, Part, Role, Text, ToolResult
from sekisho.dialects.openai_responses import content, items
from sekisho.dialects.openai_responses.items import ITEM, item_note
from sekisho.dialects.openai_responses.schema import WireCallOutput, WireMessage
from sekisho.dialects.openai_responses.shape import NAME, vendor_of
from sekisho.wire import json
from sekisho.wire.shape import Shape, missing_member

CUSTOM = "_custom"
"""Note: the output is a custom tool's."""
CALLED = "_called"
"""Note: name and namespace of the tool, which say again what its call said."""

_message = Shape(WireMessage)
_output = Shape(WireCallOutput)

_ROLES: dict[str, Role] = {"system": "system", "developer": "developer", "user": "user"}
_OUTPUTS = {"function_call_output", "custom_tool_call_output"}


def read(instructions: str | None, said: str | Sequence[msgspec.Raw]) -> tuple[Message, ...]:
    """The conversation. Raises BadRequest naming the field."""
    turns = _Turns()
    if instructions:
        turns.found.append(Message(role="system", parts=(Text(text=instructions),)))
    if isinstance(said, str):
        turns.found.append(Message(role="user", parts=tuple(content.read(said, "input"))))
        return tuple(turns.found)
    for index, raw in enumerate(said):
        turns.add(raw, f"input.{index}")
    turns.close()
    return tuple(turns.found)


def as_instructions(message: Message) -> str | None:
    """The text of a system message that can be a request's `instructions`."""
    if message.role != "system" or len(message.parts) != 1 or message.vendor or message.name is not None:
        return None
    part = message.parts[0]
    plain = isinstance(part, Text) and part.cache is None and not part.vendor
    return part.text if plain and isinstance(part, Text) and part.text else None


class _Turns:
    """Gathers items into messages."""

    def __init__(self) -> None:
        self.found: list[Message] = []
        self._answer: list[Part] = []
        self._results: list[Part] = []

    def add(self, raw: msgspec.Raw, path: str) -> None:
        kind = items.kind_of(raw, path)
        if kind == "message":
            self._message(raw, path)
        elif kind in _OUTPUTS:
            if self._answer or (self._results and isinstance(self._results[-1], Opaque)):
                self.close()  # outputs that the hub understands stand first in their message
            self._results.append(_read_output(raw, path))
        elif kind.endswith("_output") or kind == "mcp_approval_response":
            if self._answer:
                self.close()
            self._results.append(Opaque(dialect=NAME, type=kind, raw=raw))
        else:
            self._model_item(raw, path)

    def close(self) -> None:
        if self._answer:
            self.found.append(Message(role="assistant", parts=tuple(self._answer)))
        if self._results:
            self.found.append(Message(role="user", parts=tuple(self._results)))
        self._answer, self._results = [], []

    def _model_item(self, raw: msgspec.Raw, path: str) -> None:
        if self._results:
            self.close()
        self._answer += items.read(raw, path)

    def _message(self, raw: msgspec.Raw, path: str) -> None:
        wire, members = _message.read_all(raw, path)
        if wire.content is None:
            raise missing_member(f"{path}.content")
        if wire.role == "assistant":
            self._model_item(raw, path)
            return
        role = _ROLES.get(wire.role or "")
        if role is None:
            text = f"unknown role {(wire.role or '')[:40]!r}. Use user, assistant, system or developer"
            raise BadRequest(f"{path}.role: {text}.", param=f"{path}.role")
        self.close()
        if wire.id is not None or wire.status not in (None, "completed"):
            members.update(item_note(wire.id, wire.status))
        parts = tuple(content.read(wire.content, f"{path}.content"))
        message = Message(role=role, parts=parts, vendor=vendor_of(members))
        if not self.found and as_instructions(message) is not None:
            message = msgspec.structs.replace(message, vendor={NAME: {ITEM: json.raw({})}})
        self.found.append(message)


def _read_output(raw: msgspec.Raw, path: str) -> ToolResult:
    wire, members = _output.read_all(raw, path)
    if wire.id is not None or wire.status not in (None, "completed"):
        members.update(item_note(wire.id, wire.status))
    if wire.type != "function_call_output":
        members[CUSTOM] = json.raw(value=True)
    if wire.name is not None:
        members[CALLED] = json.raw({"name": wire.name, "namespace": wire.namespace})
    parts = tuple(content.read(wire.output, f"{path}.output"))
    return ToolResult(call_id=wire.call_id, parts=parts, vendor=vendor_of(members))
