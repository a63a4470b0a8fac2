"""Writing the hub's events as Anthropic's event stream.

Blocks have consecutive indices and never overlap, so a tool call that starts while another is still being
written waits until that one has ended. `message_start` shows what the provider had counted by then (zeros,
if it counts only at the end); `message_delta` shows all counts, the input's included.
"""

from collections.abc import Sequence

import msgspec

from sekisho.core.contract import ReplyOptions
from sekisho.core.event import End, Event, PartEnd, PartStart, SignatureDelta, Start, TextDelta, VendorDelta
from sekisho.core.message import Opaque, Part, Reasoning, Refusal, Text, ToolCall
from sekisho.core.reply import Finish
from sekisho.dialects.anthropic_messages import finish, schema, usage
from sekisho.dialects.anthropic_messages.blocks import Block, add_vendor
from sekisho.dialects.anthropic_messages.reply import write_answered
from sekisho.dialects.anthropic_messages.schema import NAME
from sekisho.wire import sse
from sekisho.wire.json import encode

_OF_DELTA = ("stop_details", "container")
"""Members of an answer that stand in `message_delta.delta`; others stand beside it."""

Delta = TextDelta | SignatureDelta | VendorDelta
OfPart = PartStart | Delta | PartEnd


class Writer:
    """One stream. See `core.contract.StreamWriter`."""

    __slots__ = ("_block", "_open", "_options", "_part", "_waiting")

    def __init__(self, options: ReplyOptions) -> None:
        self._options = options
        self._block = -1
        """Index of the block that was written last."""
        self._open: int | None = None
        """The hub's index of the part that is being written."""
        self._part: Part | None = None
        self._waiting: dict[int, list[OfPart]] = {}

    def write(self, events: Sequence[Event]) -> bytes:
        out: list[bytes] = []
        for event in events:
            if isinstance(event, PartStart | TextDelta | SignatureDelta | VendorDelta | PartEnd):
                self._of_part(event, out)
            elif isinstance(event, Start):
                out.append(self._start(event))
            elif isinstance(event, End):
                self._end(event, out)
        return b"".join(out)

    def _start(self, event: Start) -> bytes:
        vendor = dict((event.vendor or {}).get(NAME, {}))
        counts = usage.write(event.usage)
        counts.update(schema.members.decode(vendor.pop("usage", b"{}")))
        message: dict[str, object] = {
            "id": event.id,
            "type": "message",
            "role": "assistant",
            "model": self._options.model or event.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            **vendor,
            "usage": counts,
        }
        return _frame("message_start", {"message": message})

    def _of_part(self, event: OfPart, out: list[bytes]) -> None:
        if isinstance(event, PartStart):
            if event.choice:
                return  # a client of this dialect cannot ask for alternatives
            if self._open is None:
                self._begin(event, out)
            else:
                self._waiting[event.index] = [event]
        elif event.index in self._waiting:
            self._waiting[event.index].append(event)
        elif event.index == self._open:
            if not isinstance(event, PartEnd):
                self._delta(event, out)
                return
            self._close(out)
            self._release(out)

    def _release(self, out: list[bytes]) -> None:
        """Writes what waits, up to the first part that has not ended."""
        while self._open is None and self._waiting:
            held = self._waiting.pop(next(iter(self._waiting)))
            for event in held:
                if isinstance(event, PartStart):
                    self._begin(event, out)
                elif isinstance(event, PartEnd):
                    self._close(out)
                else:
                    self._delta(event, out)

    def _begin(self, event: PartStart, out: list[bytes]) -> None:
        self._open, self._part = event.index, event.part
        block, text = _empty_block(event.part)
        if block is None:
            self._part = None  # what this client could not read
            return
        self._block += 1
        out.append(_frame("content_block_start", {"index": self._block, "content_block": block}))
        if text:
            self._delta(TextDelta(index=event.index, text=text), out)
        if isinstance(event.part, Reasoning) and event.part.signature:
            self._delta(SignatureDelta(index=event.index, signature=event.part.signature), out)

    def _delta(self, event: Delta, out: list[bytes]) -> None:
        if self._part is None:
            return
        if isinstance(event, TextDelta):
            deltas = [_text_delta(self._part, event.text)] if event.text else []
        elif isinstance(event, SignatureDelta):
            deltas = [{"type": "signature_delta", "signature": event.signature}]
        else:
            deltas = _vendor_deltas(self._part, event)
        out += [_frame("content_block_delta", {"index": self._block, "delta": delta}) for delta in deltas]

    def _close(self, out: list[bytes]) -> None:
        if self._part is not None:
            out.append(_frame("content_block_stop", {"index": self._block}))
        self._open = self._part = None

    def _end(self, event: End, out: list[bytes]) -> None:
        vendor = dict((event.vendor or {}).get(NAME, {}))
        counts = usage.write(event.usage, event.service_tier)
        counts.update(schema.members.decode(vendor.pop("usage", b"{}")))
        cost = usage.price(event.usage, event.service_tier, self._options.cost)
        if cost is not None:
            counts["cost"] = cost
        why = event.finishes[0] if event.finishes else Finish(reason="stop")
        delta: dict[str, object] = {
            "stop_reason": finish.write(why),
            "stop_sequence": why.stop_sequence,
            **{name: vendor.pop(name) for name in _OF_DELTA if name in vendor},
        }
        out.append(_frame("message_delta", {"delta": delta, "usage": counts, **vendor}))
        out.append(_frame("message_stop", {}))


def _frame(name: str, members: dict[str, object]) -> bytes:
    data = encode({"type": name, **members})
    if b"\n" in data or b"\r" in data:  # white space inside a value that is passed on as it came
        data = data.replace(b"\n", b" ").replace(b"\r", b" ")
    return sse.encode(data, name.encode())


def _empty_block(part: Part) -> tuple[Block | None, str]:
    """A part's block as it starts, and the text it started with, which follows as a delta."""
    if isinstance(part, ToolCall):
        block = write_answered(msgspec.structs.replace(part, arguments="", custom=False))
        return block, part.arguments
    if isinstance(part, Text | Refusal):
        start: dict[str, object] = {"type": "text", "text": ""}
        add_vendor(start, part.vendor)
        return start, part.text
    if isinstance(part, Reasoning):
        return write_answered(msgspec.structs.replace(part, text="", signature=None)), part.text
    return write_answered(part), ""


def _text_delta(part: Part, text: str) -> dict[str, object]:
    if isinstance(part, ToolCall):
        return {"type": "input_json_delta", "partial_json": text}
    if isinstance(part, Reasoning):
        return {"type": "thinking_delta", "thinking": text}
    return {"type": "text_delta", "text": text}


def _vendor_deltas(part: Part, event: VendorDelta) -> list[dict[str, object]]:
    if event.dialect != NAME:
        return []
    found = schema.members.decode(event.raw)
    if not isinstance(part, Opaque):
        citations = msgspec.json.decode(found.get("citations", b"[]"), type=list[msgspec.Raw])
        return [{"type": "citations_delta", "citation": citation} for citation in citations]
    tool_input = found.pop("input", None)
    deltas: list[dict[str, object]] = []
    if tool_input is not None:
        deltas.append({"type": "input_json_delta", "partial_json": bytes(tool_input).decode()})
    if found:
        deltas.append({"type": f"{part.type}_delta", **found})
    return deltas
