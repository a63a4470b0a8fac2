"""Writing the hub's events as Google's stream: server-sent events, or one JSON array.

Text goes out piece by piece. A call of a function comes whole in this format, for its `args` are an object:
its pieces wait until it has ended. Arguments that are no object then (the model was cut off) go as they are,
under the one argument `_raw`: what a model wrote is never dropped, and `finishReason` stays free to say why
it stopped.
"""

from collections.abc import Sequence

import msgspec

from sekisho.core.contract import ReplyOptions
from sekisho.core.event import (
    End,
    Event,
    LogprobsDelta,
    PartEnd,
    PartStart,
    SignatureDelta,
    Start,
    TextDelta,
    VendorDelta,
)
from sekisho.core.message import Reasoning, Refusal, Text, ToolCall
from sekisho.core.reply import Choice, Reply
from sekisho.dialects.gemini_generate import answer, logprobs
from sekisho.dialects.gemini_generate.answer import CANDIDATES
from sekisho.dialects.gemini_generate.parts import SIGNATURE
from sekisho.dialects.gemini_generate.parts_write import Item
from sekisho.dialects.gemini_generate.reply import names, tail, was_blocked, write_candidate
from sekisho.dialects.gemini_generate.schema import NAME, own, spread
from sekisho.wire import sse
from sekisho.wire.json import encode, members_of

Items = list[Item | msgspec.Raw]
_NOTHING_NEW: Item = {"parts": [{"text": ""}], "role": "model"}
"""Of an event that has no part of its own, as Google writes it: the chats of Google's SDK forget a whole turn
for one event without parts."""


class _OpenPart:
    """A part whose text comes in pieces, and what of it waits for its end."""

    __slots__ = ("choice", "part", "signature", "text", "thinks", "unknown", "waits")

    def __init__(self, part: Text | Refusal | Reasoning | ToolCall, choice: int) -> None:
        self.part = part
        self.choice = choice
        self.unknown = spread(part.vendor)
        # A text that says more than its signature is one piece, or it would be read as several.
        self.waits = isinstance(part, ToolCall) or bool(self.unknown.keys() - {SIGNATURE})
        self.text = [part.arguments if isinstance(part, ToolCall) else part.text]
        self.signature = part.signature or "" if isinstance(part, Reasoning) else ""
        self.thinks: Item = {"thought": True} if isinstance(part, Reasoning) else {}

    def rest(self) -> Items:
        """What is left to write at its end."""
        text = "".join(self.text)
        part = self.part
        if isinstance(part, ToolCall):
            return answer.write_part(msgspec.structs.replace(part, arguments=text))
        if not self.waits and not self.signature and not self.unknown:
            return []
        vendor = {NAME: self.unknown} if self.unknown else None
        said = text if self.waits else ""
        if isinstance(part, Reasoning):
            signature = self.signature or None
            return answer.write_part(Reasoning(text=said, signature=signature, vendor=vendor))
        return answer.write_part(Text(text=said, vendor=vendor))


class Writer:
    """One stream. See `core.contract.StreamWriter`."""

    __slots__ = ("_array", "_begun", "_open", "_options", "_start", "_tail")

    def __init__(self, options: ReplyOptions) -> None:
        self._options = options
        self._array = options.framing == "json_array"
        self._begun = False
        self._start = Start(id="", model="")
        self._tail = b""
        self._open: dict[int, _OpenPart] = {}

    def write(self, events: Sequence[Event]) -> bytes:
        return b"".join([piece for event in events for piece in self._event(event)])

    def _event(self, event: Event) -> list[bytes]:
        match event:
            case TextDelta(index=index, text=text):
                return self._text(self._open.get(index), text)
            case PartStart():
                return self._part(event)
            case PartEnd(index=index):
                opened = self._open.pop(index, None)
                return [] if opened is None else self._items(opened.choice, opened.rest())
            case Start():
                return self._begin(event)
            case SignatureDelta() | VendorDelta():
                self._hold(event)
            case LogprobsDelta(choice=choice, raw=raw):
                likely = logprobs.write(raw)
                return [] if likely is None else [self._likely(likely, choice)]
            case End():
                return [self._end(event)]
        return []

    def _hold(self, event: SignatureDelta | VendorDelta) -> None:
        """What is written at the part's end."""
        opened = self._open.get(event.index)
        if opened is None:
            return
        if isinstance(event, SignatureDelta):
            opened.signature += event.signature
        elif event.dialect == NAME:
            opened.unknown |= members_of(event.raw)

    def _begin(self, event: Start) -> list[bytes]:
        self._start = event
        self._tail = b"]," + encode(names(event.id, event.model, self._options))[1:]
        if not self._array:
            return []
        # An array must have begun before an error may end it.
        return self._items(0, [{"text": ""}])

    def _part(self, event: PartStart) -> list[bytes]:
        part = event.part
        if not isinstance(part, Text | Refusal | Reasoning | ToolCall):
            return self._items(event.choice, answer.write_part(part))
        opened = self._open[event.index] = _OpenPart(part, event.choice)
        return [] if isinstance(part, ToolCall) else self._text(opened, opened.text.pop())

    def _text(self, opened: _OpenPart | None, text: str) -> list[bytes]:
        if opened is None or not text:
            return []
        if opened.waits:
            opened.text.append(text)
            return []
        return self._items(opened.choice, [{"text": text, **opened.thinks}])

    def _items(self, choice: int, items: Items) -> list[bytes]:
        if not items:
            return []
        return [self._chunk({"content": {"parts": items, "role": "model"}, "index": choice})]

    def _likely(self, result: object, choice: int) -> bytes:
        return self._chunk({"content": _NOTHING_NEW, "logprobsResult": result, "index": choice})

    def _chunk(self, candidate: Item) -> bytes:
        return self._framed(b'{"candidates":[' + encode(candidate) + self._tail)

    def _framed(self, body: bytes) -> bytes:
        if not self._array:
            return sse.encode(body)
        begun, self._begun = self._begun, True
        return b",\r\n" + body if begun else b"[" + body

    def _end(self, event: End) -> bytes:
        vendor = {**own(self._start.vendor), **own(event.vendor)}
        choices = tuple(Choice(parts=(), finish=finish) for finish in event.finishes)
        reply = Reply(
            id=self._start.id,
            model=self._start.model,
            choices=choices,
            usage=event.usage,
            service_tier=event.service_tier,
        )
        unknown = answer.unnested(vendor.pop(CANDIDATES, None))
        candidates = [
            {**write_candidate(number, choice, unknown.get(str(number), {})), "content": _NOTHING_NEW}
            for number, choice in enumerate(choices)
        ]
        body: Item = {} if was_blocked(choices, vendor) else {"candidates": candidates}
        framed = self._framed(encode({**body, **tail(reply, vendor, self._options)}))
        return framed + b"\r\n]" if self._array else framed
