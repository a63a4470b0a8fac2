"""Writing the hub's events as Bedrock's event stream.

Blocks have consecutive indices and never overlap. Unions must hold exactly one member, or boto3 gives up on
the whole stream; so texts have no start. Every block ends with its stop: SDKs' users put answers together
on it.
"""

from collections.abc import Sequence

import msgspec

from sekisho.core.contract import Members, ReplyOptions
from sekisho.core.event import End, Event, PartEnd, PartStart, SignatureDelta, Start, TextDelta, VendorDelta
from sekisho.core.message import (
    Audio,
    Image,
    Inline,
    Opaque,
    Part,
    Reasoning,
    RedactedReasoning,
    Refusal,
    Text,
    ToolCall,
)
from sekisho.core.reply import Finish
from sekisho.core.serial import Serial
from sekisho.dialects.bedrock_converse import finish, frames, usage
from sekisho.dialects.bedrock_converse.blocks import CITATIONS
from sekisho.dialects.bedrock_converse.blocks_write import write_inline
from sekisho.dialects.bedrock_converse.reply import EXTRA, UNMEASURED, named
from sekisho.dialects.bedrock_converse.schema import NAME, own, spread
from sekisho.wire import media
from sekisho.wire.counts import in_openai_words, shown_cost
from sekisho.wire.json import encode, items_of, members_of

Delta = dict[str, object]

_STARTS = {"toolUse": ("toolUseId", "name", "type"), "toolResult": ("toolUseId", "type", "status")}
"""What of a server tool's block stands in its start."""


class Writer:
    """One stream. See `core.contract.StreamWriter`."""

    __slots__ = ("_block", "_options", "_order", "_part", "_said", "_vendor")

    def __init__(self, options: ReplyOptions) -> None:
        self._options = options
        self._order = Serial()
        self._block = -1
        """Index of the block that was written last."""
        self._part: Part | None = None
        """The part that is being written; None for one that this client could not read."""
        self._said = False
        """Something of the block was written."""
        self._vendor: Members = {}

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
                self._delta({"reasoningContent": {"signature": signature}}, out)
            case VendorDelta(dialect=dialect, raw=raw) if dialect == NAME and self._part is not None:
                for delta in _vendor_deltas(self._part, members_of(raw)):
                    self._delta(delta, out)
            case Start():
                self._vendor = spread(event.vendor)
                model = self._options.model or event.model
                out.append(
                    frames.event("messageStart", encode({"role": "assistant", **named(event.id, model)}))
                )
            case End():
                self._end(event, out)

    def _begin(self, event: PartStart, out: list[bytes]) -> None:
        start, deltas = _opening(event.part)
        self._part = None if event.choice or (start is None and deltas is None) else event.part
        if self._part is None:
            return
        self._block += 1
        self._said = start is not None
        if start is not None:
            payload = {"start": start, "contentBlockIndex": self._block}
            out.append(frames.event("contentBlockStart", encode(payload)))
        for delta in deltas or ():
            self._delta(delta, out)

    def _delta(self, delta: Delta, out: list[bytes]) -> None:
        if self._part is None:
            return
        self._said = True
        payload = {"delta": delta, "contentBlockIndex": self._block}
        out.append(frames.event("contentBlockDelta", encode(payload)))

    def _close(self, out: list[bytes]) -> None:
        if self._part is None:
            return
        if not self._said:  # without a delta nobody knows that there was a block
            self._delta(_text_delta(self._part, ""), out)
        out.append(frames.event("contentBlockStop", encode({"contentBlockIndex": self._block})))
        self._part = None

    def _end(self, event: End, out: list[bytes]) -> None:
        vendor = {**self._vendor, **spread(event.vendor)}
        why = event.finishes[0] if event.finishes else Finish(reason="stop")
        stop: dict[str, object] = {"stopReason": finish.write(why)}
        if EXTRA in vendor:
            stop[EXTRA] = vendor.pop(EXTRA)
        out.append(frames.event("messageStop", encode(stop)))
        counts = usage.write(event.usage)
        counts.update(members_of(vendor.pop("usage", b"{}")))
        cost = shown_cost(event.usage, event.service_tier, self._options.cost)
        if cost is not None:
            counts["cost"] = cost
        metadata: dict[str, object] = {"usage": counts, "metrics": vendor.pop("metrics", UNMEASURED)}
        if event.service_tier is not None:
            metadata["serviceTier"] = {"type": in_openai_words(event.service_tier)}
        out.append(frames.event("metadata", encode({**metadata, **vendor})))


def _opening(part: Part) -> tuple[dict[str, object] | None, list[Delta] | None]:
    """(the block's start, the deltas that say what the part already holds). Twice None: there is no block."""
    match part:
        case ToolCall(id=call, name=name, arguments=text):
            return {"toolUse": {"toolUseId": call, "name": name}}, [_text_delta(part, text)] if text else []
        case Text(text=text) | Refusal(text=text):
            return None, [
                *([_text_delta(part, text)] if text else []),
                *_vendor_deltas(part, own(part.vendor)),
            ]
        case Reasoning(text=text, signature=signature):
            signed: list[Delta] = [{"reasoningContent": {"signature": signature}}] if signature else []
            return None, [*([_text_delta(part, text)] if text else []), *signed]
        case RedactedReasoning(data=data):
            redacted: Delta = {"reasoningContent": {"redactedContent": data}}
            return None, [redacted] if media.is_base64(data) else None
        case Opaque(dialect=dialect, type=kind, raw=raw):
            return _open_opaque(part, kind, raw) if dialect == NAME and kind in _STARTS else (None, None)
        case Image(source=Inline() as source):
            body = write_inline("image", source)
            if body is not None:
                return {"image": {"format": body["format"]}}, [{"image": {"source": body["source"]}}]
        case Audio(transcript=str(text)) if text:
            return None, [{"text": text}]
        case _:
            pass
    return None, None


def _open_opaque(
    part: Opaque, kind: str, raw: msgspec.Raw
) -> tuple[dict[str, object] | None, list[Delta] | None]:
    found = members_of(raw)
    inner = members_of(found[kind])
    start: dict[str, object] = {name: inner[name] for name in _STARTS[kind] if name in inner}
    return {kind: start}, _vendor_deltas(part, found)


def _text_delta(part: Part, text: str) -> Delta:
    if isinstance(part, ToolCall):
        return {"toolUse": {"input": text}}
    if isinstance(part, Reasoning):
        return {"reasoningContent": {"text": text}}
    return {"text": text}


def _vendor_deltas(part: Part, found: Members) -> list[Delta]:
    """What only this dialect knows of a part: citations of a text, input or content of a server tool."""
    deltas: list[Delta] = []
    if isinstance(part, Text):
        deltas += [{"citation": raw} for raw in items_of(found.get(CITATIONS, b"[]"))]
    elif isinstance(part, Opaque):
        inner = members_of(found.get(part.type, b"{}"))
        if "input" in inner:
            deltas.append({"toolUse": {"input": bytes(inner["input"]).decode()}})
        if "content" in inner:
            deltas.append({"toolResult": inner["content"]})
    return deltas
