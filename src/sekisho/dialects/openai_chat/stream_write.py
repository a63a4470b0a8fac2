"""The hub's events as a stream of `chat.completion.chunk` events for a client.

The grammar is OpenAI's: a first chunk with the role for every choice; id, created and model the same in
all; a tool call's index in all its deltas, its id and name in the first only; one chunk with the finish
reason for every choice; then, for a client that asked, a chunk with usage and no choices (and
`"usage": null` in all others); then `[DONE]`.
"""

from collections.abc import Sequence

import msgspec

from sekisho.core.contract import Members, ReplyOptions
from sekisho.core.event import (
    End,
    Event,
    LogprobsDelta,
    PartStart,
    SignatureDelta,
    Start,
    TextDelta,
    VendorDelta,
)
from sekisho.core.message import (
    Audio,
    Image,
    Opaque,
    Part,
    Reasoning,
    RedactedReasoning,
    Refusal,
    Text,
    ToolCall,
)
from sekisho.dialects.openai_chat import reasoning, usage
from sekisho.dialects.openai_chat.parts_write import write_call
from sekisho.dialects.openai_chat.reply import created, write_audio, write_image
from sekisho.dialects.openai_chat.shape import NAME, spread
from sekisho.wire import json, sse
from sekisho.wire import openai_finish as finish
from sekisho.wire.counts import in_openai_words

Delta = dict[str, object]


class _OpenPart:
    """How further text of a part is written."""

    __slots__ = ("call", "choice", "member", "part", "template")

    def __init__(self, event: PartStart, number: int) -> None:
        self.part = event.part
        self.choice = event.choice
        self.call = number if isinstance(event.part, ToolCall) else -1
        self.member = reasoning.member_of(event.part)
        is_entry = isinstance(event.part, Reasoning | RedactedReasoning) and self.member is None
        self.template = reasoning.entry(event.part, number) if is_entry else {}


class ChatStreamWriter:
    """One stream, for one client."""

    __slots__ = ("_begun", "_calls", "_head", "_open", "_options", "_tail", "_thoughts")

    def __init__(self, options: ReplyOptions) -> None:
        self._options = options
        self._head = b""
        null_usage = options.show_usage and options.cost is None  # OpenRouter's contract knows no null there
        self._tail = b',"usage":null}' if null_usage else b"}"
        self._open: dict[int, _OpenPart] = {}
        self._begun: set[int] = set()
        self._calls: dict[int, int] = {}
        self._thoughts: dict[int, int] = {}

    def write(self, events: Sequence[Event]) -> bytes:
        return b"".join([piece for event in events for piece in self._event(event)])

    def _event(self, event: Event) -> list[bytes]:
        match event:
            case TextDelta(index=index, text=text):
                return self._text(self._open[index], text) if text else []
            case PartStart():
                return self._part(event)
            case Start():
                return self._start(event)
            case SignatureDelta(index=index, signature=signature):
                return self._signature(self._open[index], signature)
            case VendorDelta(index=index, dialect=dialect, raw=raw) if dialect == NAME:
                return [self._chunk(self._open[index].choice, raw)]
            case LogprobsDelta(choice=choice, raw=raw):
                return [
                    *self._role(choice),
                    self._chunk(choice, {}, {"logprobs": raw, "finish_reason": None}),
                ]
            case End():
                return self._end(event)
        return []

    def _start(self, event: Start) -> list[bytes]:
        head: Delta = {
            "id": event.id,
            "object": "chat.completion.chunk",
            "created": created(event.created, self._options),
            "model": self._options.model or event.model,
            **spread(event.vendor),
        }
        self._head = json.encode(head)[:-1] + b',"choices":'
        return self._role(0)

    def _role(self, choice: int) -> list[bytes]:
        if choice in self._begun:
            return []
        self._begun.add(choice)
        return [self._chunk(choice, {"role": "assistant", "content": ""})]

    def _part(self, event: PartStart) -> list[bytes]:
        part, choice = event.part, event.choice
        counter = self._calls if isinstance(part, ToolCall) else self._thoughts
        number = counter.get(choice, 0)
        opened = self._open[event.index] = _OpenPart(event, number)
        if opened.call >= 0 or opened.template:
            counter[choice] = number + 1
        written = self._role(choice)
        delta = _whole(part, opened)
        if delta:
            written.append(self._chunk(choice, delta))
        if isinstance(part, Text | Refusal | Reasoning) and part.text:
            written += self._text(opened, part.text)
        if isinstance(part, Reasoning) and part.signature is not None:
            written += self._signature(opened, part.signature)
        return written

    def _text(self, opened: _OpenPart, text: str) -> list[bytes]:
        return [self._chunk(opened.choice, _more(opened, text))]

    def _signature(self, opened: _OpenPart, signature: str) -> list[bytes]:
        delta: Delta = {"reasoning_details": [{**opened.template, "signature": signature}]}
        return [self._chunk(opened.choice, delta)] if opened.template else []

    def _end(self, event: End) -> list[bytes]:
        written: list[bytes] = []
        more: Members = spread(event.vendor)
        if event.service_tier is not None:
            more["service_tier"] = json.raw(in_openai_words(event.service_tier))
        tail = (b"," + json.encode(more)[1:-1] + self._tail) if more else self._tail
        for choice, found in enumerate(event.finishes):
            written += self._role(choice)
            written.append(self._chunk(choice, {}, {"logprobs": None, **finish.write(found)}, tail))
        if self._options.show_usage and event.usage is not None:
            counted = json.encode(usage.write(event.usage, event.service_tier, self._options))
            written.append(sse.encode(self._head + b'[],"usage":' + counted + b"}"))
        written.append(b"data: [DONE]\n\n")
        return written

    def _chunk(
        self,
        choice: int,
        delta: Delta | msgspec.Raw,
        rest: Delta | None = None,
        tail: bytes = b"",
    ) -> bytes:
        body = {"index": choice, "delta": delta, **(rest or {"logprobs": None, "finish_reason": None})}
        return sse.encode(self._head + b"[" + json.encode(body) + b"]" + (tail or self._tail))


def _whole(part: Part, opened: _OpenPart) -> Delta:
    """What of a part is written at its start: all of it, where no deltas follow."""
    match part:
        case ToolCall():
            return {"tool_calls": [{"index": opened.call, **write_call(part)}]}
        case RedactedReasoning(data=data):
            return {"reasoning_details": [{**opened.template, "data": data}]}
        case Opaque(raw=raw) if reasoning.is_detail(part):
            return {"reasoning_details": [raw]}
        case Image():
            image = write_image(part)
            return {"images": [image]} if image else {}
        case Audio():
            return {"audio": write_audio(part)}
        case Text():
            return dict(spread(part.vendor))
    return {}


def _more(opened: _OpenPart, text: str) -> Delta:
    """A delta with more of a part's text."""
    if opened.member is not None:
        return {opened.member: text}
    match opened.part:
        case Text():
            return {"content": text}
        case ToolCall(custom=custom):
            body = {"custom": {"input": text}} if custom else {"function": {"arguments": text}}
            return {"tool_calls": [{"index": opened.call, **body}]}
        case Refusal():
            return {"refusal": text}
    entry = {**opened.template, reasoning.text_name(opened.template): text}
    return {"reasoning": text, "reasoning_content": text, "reasoning_details": [entry]}
