"""What a request puts before the model, found in the members of any dialect without reading it into the hub.

A request is looked through by the names that the dialects give to text, media and tools; what none of them
knows counts as text. That is enough for a count, and costs a tenth of a translation.
"""

from dataclasses import dataclass, field

import msgspec

from sekisho.core.contract import Members
from sekisho.metering.attachments import Attachment, attachment
from sekisho.metering.tools import as_json
from sekisho.wire import json

PROMPT_MEMBERS = ("messages", "input", "contents", "prompt", "suffix", "query", "documents")
INSTRUCTION_MEMBERS = ("system", "instructions", "systemInstruction", "system_instruction")
TOOL_MEMBERS = ("tools", "toolConfig", "functions", "response_format")
OPAQUE = frozenset(
    {
        "bytes", "cachePoint", "cache_control", "call_id", "data", "detail", "encrypted_content", "file_data",
        "file_id", "format", "id", "image_url", "media_type", "mimeType", "mime_type", "role", "signature",
        "status", "thoughtSignature", "thought_signature", "toolUseId", "tool_call_id", "tool_use_id", "type",
        "uri", "url",
    }
)  # fmt: skip
"""Members whose strings are not prompt text: encoded media, references, marks."""
STRUCTURED = frozenset({"input", "args", "response", "json", "arguments"})
"""Members whose objects reach the model as JSON: a call's arguments and its result."""
MOST_VALUES = 200_000
"""JSON values that are looked at one by one, which takes about 60 ms. No prompt has more; a body that does is
measured by its length, for others wait meanwhile."""


@dataclass(slots=True)
class Prompt:
    """The parts of a prompt, as far as they count."""

    texts: list[str] = field(default_factory=list)
    messages: int = 0
    instructions: int = 0
    """Beside the messages."""
    attachments: list[Attachment] = field(default_factory=list)
    tools: list[object] = field(default_factory=list)
    forced: bool = False
    """The model must use a tool."""
    tokens: int = 0
    """That the client sent as such, and those before names."""
    unread: int = 0
    """Bytes that were not looked into."""


def read_prompt(members: Members) -> Prompt:
    """The prompt of a request in any dialect. Linear in its size; never fails."""
    prompt = Prompt()
    for name in PROMPT_MEMBERS:
        value = _read(prompt, members, name)
        if value is not None:
            prompt.messages += isinstance(value, str)
            _walk(prompt, value)
    for name in INSTRUCTION_MEMBERS:
        value = _read(prompt, members, name)
        if value:
            prompt.instructions += 1
            _walk(prompt, value)
    for name in TOOL_MEMBERS:
        value = _read(prompt, members, name)
        if value:
            prompt.tools.append(value)
    prompt.forced = any(
        word in bytes(members.get("tool_choice", b"")) for word in (b'"any"', b'"tool"', b'"required"')
    )
    return prompt


def _read(prompt: Prompt, members: Members, name: str) -> object:
    raw = members.get(name)
    if raw is None:
        return None
    body = bytes(raw)
    try:
        if len(body) <= MOST_VALUES or sum(map(body.count, b",[{")) <= MOST_VALUES:
            value: object = json.decode(body)
            return value
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass  # not JSON after all: the provider will say so
    prompt.unread += len(body)
    return None


def _walk(prompt: Prompt, value: object) -> None:
    pending = [value]
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            if value:
                prompt.texts.append(value)
        elif isinstance(value, list):
            pending.extend(value)
        elif isinstance(value, dict):
            pending.extend(_open(prompt, value))
        elif isinstance(value, int):
            prompt.tokens += not isinstance(value, bool)


def _open(prompt: Prompt, value: dict[str, object]) -> list[object]:
    """Counts an object, and returns what of it must be looked into."""
    if "role" in value or "call_id" in value:
        prompt.messages += 1
        prompt.tokens += "role" in value and "name" in value
    found = attachment(value)
    if found is not None:
        prompt.attachments.append(found)
        return [found.text]
    inner: list[object] = []
    for name, member in value.items():
        if isinstance(member, dict) and name in STRUCTURED:
            prompt.texts.append(as_json(member))
        elif name not in OPAQUE and not isinstance(member, int):
            inner.append(member)
    return inner
