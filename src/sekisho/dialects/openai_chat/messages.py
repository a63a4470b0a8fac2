"""A request's messages, read into the hub's."""

from collections.abc import Sequence

import msgspec

from sekisho.core.contract import Members
from sekisho.core.error import BadRequest
from sekisho.core.message import (
    Audio,
    CacheMark,
    Document,
    FileRef,
    Image,
    Message,
    Part,
    Refusal,
    Role,
    Text,
    ToolResult,
    Video,
)
from sekisho.dialects.openai_chat import reasoning
from sekisho.dialects.openai_chat.parts import (
    AUDIO_TYPE,
    TOOL_MEDIA,
    cache_note,
    read_cache,
    read_call,
    read_content,
    read_image,
)
from sekisho.dialects.openai_chat.schema import WireAudioAnswer, WireMessage
from sekisho.dialects.openai_chat.shape import NAME, vendor_of
from sekisho.wire import json, media
from sekisho.wire.shape import Shape, given, missing_member

AUDIO = "_audio"
"""Note: the rest of an assistant message's `audio`, as it came."""

_message = Shape(WireMessage)
_audio = Shape(WireAudioAnswer)

_MARKABLE = (Text, Image, Document, Audio, Video)
"""What a cache mark on the message can stand on, if it is the last part."""

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "assistant": "assistant",
}


def read(raws: Sequence[msgspec.Raw]) -> tuple[Message, ...]:
    """The conversation. `tool` messages that follow each other become one message of the user's.

    Raises BadRequest naming the field.
    """
    messages: list[Message] = []
    results: list[Part] = []
    for index, raw in enumerate(raws):
        path = f"messages.{index}"
        wire, rest = _message.read_all(raw, path)
        if wire.role == "tool":
            results.append(_tool_result(wire, rest, path))
            continue
        if results:
            messages.append(Message(role="user", parts=tuple(results)))
            results = []
        messages.append(_read_message(wire, rest, path))
    if results:
        messages.append(Message(role="user", parts=tuple(results)))
    return tuple(messages)


def _read_message(wire: WireMessage, rest: Members, path: str) -> Message:
    role = _ROLES.get(wire.role)
    if role is None:
        raise _bad_role(wire.role, f"{path}.role")
    if role == "assistant":
        parts = _assistant_parts(wire, path)
    else:
        parts = read_content(wire.content, f"{path}.content")
        if wire.content is None:
            raise missing_member(f"{path}.content")
    mark = read_cache(wire.cache_control, f"{path}.cache_control")
    if mark is not None and parts and isinstance(parts[-1], _MARKABLE):
        parts[-1] = _marked(parts[-1], mark, wire.cache_control)
    elif mark is not None:
        rest["cache_control"] = wire.cache_control
    return Message(role=role, parts=tuple(parts), name=wire.name, vendor=vendor_of(rest))


def _marked(part: Part, mark: CacheMark, raw: msgspec.Raw) -> Part:
    members = {**(part.vendor or {}).get(NAME, {}), **cache_note(raw)}
    return msgspec.structs.replace(part, cache=mark, vendor={NAME: members})


def _bad_role(role: str, path: str) -> BadRequest:
    if role == "function":
        text = (
            "the role `function` is no longer supported. Send the result with role `tool` and `tool_call_id`"
        )
    else:
        text = f"unknown role {role[:40]!r}. Use system, developer, user, assistant or tool"
    return BadRequest(f"{path}: {text}.", param=path)


def _assistant_parts(wire: WireMessage, path: str) -> list[Part]:
    if given(wire.function_call) is not None:
        field = f"{path}.function_call"
        raise BadRequest(f"{field}: no longer supported. Send `tool_calls` instead.", param=field)
    details = [
        (raw, reasoning.detail_shape.read(raw, f"{path}.reasoning_details.{index}"))
        for index, raw in enumerate(wire.reasoning_details or ())
    ]
    parts = reasoning.of_message(wire.reasoning_content, wire.reasoning, details)
    parts += read_content(wire.content, f"{path}.content")
    if wire.refusal:
        parts.append(Refusal(text=wire.refusal))
    calls = enumerate(wire.tool_calls or ())
    parts += [read_call(raw, f"{path}.tool_calls.{index}") for index, raw in calls]
    if given(wire.audio) is not None:
        parts.append(_read_audio(wire.audio, f"{path}.audio"))
    images = enumerate(wire.images or ())
    parts += [read_image(raw, f"{path}.images.{index}") for index, raw in images]
    return parts


def _read_audio(raw: msgspec.Raw, path: str) -> Audio:
    wire = _audio.read(raw, path)
    if wire.id is not None:
        return Audio(source=FileRef(id=wire.id))
    if wire.data is None:
        raise missing_member(f"{path}.id")
    return Audio(source=media.inline(AUDIO_TYPE, wire.data, f"{path}.data"), transcript=wire.transcript)


def _tool_result(wire: WireMessage, rest: Members, path: str) -> ToolResult:
    if wire.tool_call_id is None:
        raise missing_member(f"{path}.tool_call_id")
    if wire.name is not None:
        rest["name"] = json.raw(wire.name)
    parts = read_content(wire.content, f"{path}.content")
    notes = cache_note(wire.cache_control)
    if not all(isinstance(part, Text) for part in parts):
        notes[TOOL_MEDIA] = json.raw(value=True)
    return ToolResult(
        call_id=wire.tool_call_id,
        parts=tuple(parts),
        cache=read_cache(wire.cache_control, f"{path}.cache_control"),
        vendor=vendor_of(rest, notes),
    )
