"""Writing the hub's events as Anthropic's event stream.

Blocks have consecutive indices and never overlap. `message_start` shows what the provider had counted by then
(zeros, if it counts only at the end); `message_delta` shows all counts, the input's included.
"""

from collections.abc import Sequence

import msgspec

from sekisho.core.contract import ReplyOptions
from sekisho.core.event import End, Event, PartEnd, PartStart, SignatureDelta, Start, TextDelta, VendorDelta
from sekisho.core.message import Opaque, Part, Reasoning, Refusal, Text, ToolCall
from sekisho.core.reply import Finish
from sekisho.core.serial import Serial
from sekisho.dialects.anthropic_messages import finish, market, usage
from sekisho.dialects.anthropic_messages.blocks import Block
from sekisho.dialects.anthropic_messages.reply import write_answered
from sekisho.dialects.anthropic_messages.schema import NAME, spread
from sekisho.wire import sse
from sekisho.wire.counts import shown_cost
from sekisho.wire.json import encode, items_of, members_of

_OF_DELTA = ("stop_details", "container")
"""Members of an answer that stand in `message_delta.delta`; others stand beside it."""


class Writer:
    """One stream. See `core.contract.StreamWriter`."""

    __slots__ = ("_block", "_options", "_order", "_part")

    def __init__(self, options: ReplyOptions) -> None:
        self._options = options
        self._order = Serial()
        self._block = -1
        """Index of the block that was written last."""
        self._part: Part | None = None
        """The part that is being written; None for one that this client could not read."""

    def write(self, events: Sequence[Event]) -> bytes:
        out: list[bytes] = []
        for event in events:
            for one in self._order.put(event):
                self._write(one, out)
        return b"".join(out)

    def _write(self, event: Event, out: list[bytes]) -> None:
        match event:
            case TextDelta(text=text):
                if text and self._part is not None:
                    self._delta(_text_delta(self._part, text), out)
            case PartStart():
                self._begin(event, out)
            case PartEnd():
                self._close(out)
            case SignatureDelta(signature=signature):
                self._delta({"type": "signature_delta", "signature": signature}, out)
            case VendorDelta() if self._part is not None:
                for delta in _vendor_deltas(self._part, event):
                    self._delta(delta, out)
            case Start():
                out.append(self._start(event))
            case End():
                self._end(event, out)

    def _start(self, event: Start) -> bytes:
        vendor = spread(event.vendor)
        counts = usage.write(event.usage)
        counts.update(members_of(vendor.pop("usage", b"{}")))
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
        return self._frame("message_start", {"message": message})

    def _begin(self, event: PartStart, out: list[bytes]) -> None:
        block, text = _empty_block(event.part)
        # What this client could not read is left out, and alternatives, which it cannot ask for.
        self._part = None if block is None or event.choice else event.part
        if self._part is None:
            return
        self._block += 1
        out.append(self._frame("content_block_start", {"index": self._block, "content_block": block}))
        if text:
            self._delta(_text_delta(event.part, text), out)
        if isinstance(event.part, Reasoning) and event.part.signature:
            self._delta({"type": "signature_delta", "signature": event.part.signature}, out)

    def _delta(self, delta: dict[str, object], out: list[bytes]) -> None:
        if self._part is not None:
            out.append(_frame("content_block_delta", {"index": self._block, "delta": delta}))

    def _close(self, out: list[bytes]) -> None:
        if self._part is not None:
            out.append(_frame("content_block_stop", {"index": self._block}))
        self._part = None

    def _end(self, event: End, out: list[bytes]) -> None:
        vendor = spread(event.vendor)
        counts = usage.write(event.usage, event.service_tier)
        counts.update(members_of(vendor.pop("usage", b"{}")))
        cost = shown_cost(event.usage, event.service_tier, self._options.cost)
        if cost is not None:
            counts["cost"] = cost
        why = event.finishes[0] if event.finishes else Finish(reason="stop")
        delta: dict[str, object] = {
            "stop_reason": finish.write(why),
            "stop_sequence": why.stop_sequence,
            **{name: vendor.pop(name) for name in _OF_DELTA if name in vendor},
        }
        out.append(self._frame("message_delta", {"delta": delta, "usage": counts, **vendor}))
        out.append(_frame("message_stop", {}))

    def _frame(self, name: str, members: dict[str, object]) -> bytes:
        """An event of which OpenRouter's document demands more than Anthropic's."""
        if self._options.cost is None:
            return _frame(name, members)
        found = members_of(encode(members))
        market.complete_event(name, found)
        return _frame(name, {**found})


def _frame(name: str, members: dict[str, object]) -> bytes:
    return sse.encode(encode({"type": name, **members}), name.encode())


def _empty_block(part: Part) -> tuple[Block | None, str]:
    """A part's block as it starts, and the text it started with, which follows as a delta."""
    if isinstance(part, ToolCall):
        block = write_answered(msgspec.structs.replace(part, arguments="", custom=False))
        return block, part.arguments
    if isinstance(part, Text | Refusal):
        start: dict[str, object] = {"type": "text", "text": ""}
        return {**start, **spread(part.vendor)}, part.text
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
    found = members_of(event.raw)
    if not isinstance(part, Opaque):
        citations = items_of(found.get("citations", b"[]"))
        return [{"type": "citations_delta", "citation": citation} for citation in citations]
    tool_input = found.pop("input", None)
    deltas: list[dict[str, object]] = []
    if tool_input is not None:
        deltas.append({"type": "input_json_delta", "partial_json": bytes(tool_input).decode()})
    if found:
        deltas.append({"type": f"{part.type}_delta", **found})
    return deltas
