"""Passing an answer through: the bytes go on as they came, and metering reads along.

The hot path. Every event is decoded once, narrowly. The last one repeats the whole answer: usage is read off
it, and nothing else. Only what `ReplyOptions` ask for is changed, and only in the events that hold a response
(its `model`; money in its `usage`); usage is never hidden, for these streams show it to everybody.

Shapes that the hub would not understand pass: whatever cannot be read off is not metered (and estimated
later), but the client gets what its own API sent.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from sekisho.core.contract import Facts, LooseEnd, ReplyOptions
from sekisho.core.error import BadRequest, Malformed, Truncated
from sekisho.core.message import Part, Reasoning, Refusal, Text, ToolCall
from sekisho.core.usage import Usage
from sekisho.dialects.openai_responses import content, errors, finish, heard, usage
from sekisho.dialects.openai_responses.compulsory import MISSING
from sekisho.dialects.openai_responses.items import BETWEEN
from sekisho.dialects.openai_responses.reply import FAILED, read_item
from sekisho.dialects.openai_responses.schema import WireIncomplete, WireThought, WireUsage
from sekisho.dialects.openai_responses.stream import FAILED as FAILED_EVENT
from sekisho.dialects.openai_responses.stream import LAST, LIFE, TEXT_DELTA
from sekisho.wire import json, sse
from sekisho.wire.json import items_of, members_of
from sekisho.wire.relaying import relay_all
from sekisho.wire.shape import BROKEN, Wire, given
from sekisho.wire.sse import DONE, Frame, FrameDecoder


class _Response(Wire):
    id: str | None = None
    model: str | None = None
    status: str | None = None
    usage: WireUsage | None = None
    service_tier: str | None = None
    incomplete_details: WireIncomplete | None = None
    error: msgspec.Raw = msgspec.Raw()
    output: msgspec.Raw = msgspec.Raw()


class _Event(Wire):
    type: str = ""
    delta: Any = None
    output_index: int = 0
    content_index: int = 0
    summary_index: int = 0
    response: msgspec.Raw = msgspec.Raw()
    item: msgspec.Raw = msgspec.Raw()
    part: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


_event = msgspec.json.Decoder(_Event)
_response = msgspec.json.Decoder(_Response)
_thought = msgspec.json.Decoder(WireThought)

_DELTAS = {
    TEXT_DELTA: "",
    "response.refusal.delta": "",
    "response.function_call_arguments.delta": "",
    "response.custom_tool_call_input.delta": "",
    "response.reasoning_text.delta": "content",
    "response.reasoning_summary_text.delta": "summary",
}
"""Events with what the model wrote -> the member of a reasoning item that it stands in."""
_WHOLE_PIECES = ("response.content_part.done", "response.reasoning_summary_part.done")
_ITEM_DONE = "response.output_item.done"


class ResponsesTap:
    """One stream that is passed through. See `core.contract.Tap`."""

    __slots__ = (
        "_begun",
        "_changes",
        "_frames",
        "_last",
        "_latest",
        "_options",
        "_pieces",
        "complete",
        "facts",
        "started",
        "unsent",
    )

    def __init__(self, options: ReplyOptions) -> None:
        self.facts = Facts()
        self.started = False
        self.complete = False
        self.unsent = b""
        self._latest = b""
        """The event that was relayed last, for its number."""
        self._options = options
        self._changes = options.model is not None or options.cost is not None
        self._frames = FrameDecoder()
        self._last: tuple[int, int, str] | None = None
        """What is being said: item, piece of it, and member of a reasoning item."""
        self._begun: set[int] = set()
        """Items of which something was said."""
        self._pieces: set[tuple[int, int, str]] = set()

    def feed(self, data: bytes) -> bytes:
        try:
            frames = self._frames.feed(data)
            if len(frames) == 1:
                return self._relay(frames[0])
            return relay_all(self, frames, self._relay)
        except (*BROKEN, BadRequest) as error:
            raise Malformed(f"an event that cannot be understood: {error}") from None

    def finish(self, *, needs_terminator: bool = True) -> bytes:  # noqa: ARG002 - the last event is one
        rest = self.feed(b"\n\n")  # the last event may lack its blank line
        if not self.complete:
            self.unsent += rest
            raise Truncated("the stream ended without response.completed")
        return rest

    def conclude(self, _usage: Usage) -> bytes:
        return self.finish(needs_terminator=False)

    def loose_end(self) -> LooseEnd | None:
        kept = self.facts.heard
        if kept is None or not kept.plain or not kept.events:
            return None
        return heard.loose_end(kept, self._latest, self._options)

    def _relay(self, frame: Frame) -> bytes:
        data = frame.data
        if not data or data == DONE or self.complete:
            if not data and not self.started:
                errors.refuse_what_is_no_stream(frame.raw)
            return frame.raw
        event = _event.decode(data)
        kind = event.type
        member = _DELTAS.get(kind)
        if member is not None:
            self._said(event, member, event.delta)
            if self.facts.heard is not None:
                heard.note_delta(self.facts.heard, kind, event.delta)
            self._latest = data
            return frame.raw
        if self.facts.heard is not None:
            heard.note(self.facts.heard, kind, frame)
        relayed = self._relay_other(event, frame)
        self._latest = data
        return relayed

    def _relay_other(self, event: _Event, frame: Frame) -> bytes:
        kind = event.type
        if kind in LIFE:
            return self._live(event, frame)
        if kind == "error" or frame.event == b"error" or given(event.error) is not None:
            raise errors.in_answer(frame.data)
        if kind in _WHOLE_PIECES:
            self._whole_piece(event)
        elif kind == _ITEM_DONE and event.output_index not in self._begun:
            self._begun.add(event.output_index)
            _measure_output(self.facts, [event.item])
        elif not kind:
            errors.refuse(frame.data)
        return frame.raw

    def _said(self, event: _Event, member: str, text: Any) -> None:
        """More of what the model wrote."""
        if text.__class__ is not str or not text:
            return
        piece = event.summary_index if member == "summary" else event.content_index
        place = (event.output_index, piece, member)
        if place != self._last:
            self._turn(place)
        self.facts.produced(text)

    def _turn(self, place: tuple[int, int, str]) -> None:
        """Another piece is being said. Pieces of one thought are read with a blank line between them."""
        item, _, member = place
        before = self._last
        if member and before is not None and before[0] == item and before[2] == member:
            self.facts.output_ascii += len(BETWEEN)
        self._last = place
        self._begun.add(item)
        self._pieces.add(place)

    def _whole_piece(self, event: _Event) -> None:
        """A piece that is done counts where it came without deltas."""
        place = event.output_index
        if event.type != _WHOLE_PIECES[0]:
            if (place, event.summary_index, "summary") not in self._pieces:
                self._said(event, "summary", _thought.decode(event.part).text)
        elif b"reasoning_text" in bytes(event.part)[:64]:
            if (place, event.content_index, "content") not in self._pieces:
                self._said(event, "content", _thought.decode(event.part).text)
        elif (place, event.content_index, "") not in self._pieces:
            self._turn((place, event.content_index, ""))
            _measure(self.facts, [content.read_part(event.part, "part")])

    def _live(self, event: _Event, frame: Frame) -> bytes:
        """An event about the response as a whole."""
        wire = _response.decode(event.response)
        if event.type == FAILED_EVENT or wire.status in FAILED:
            raise errors.failed(wire.status, given(wire.error))
        self.started = True
        facts = self.facts
        if facts.model is None:
            facts.model = wire.model or ""
            facts.upstream_id = wire.id or ""
        if event.type in LAST:
            self.complete = True
            reason = wire.incomplete_details.reason if wire.incomplete_details else None
            facts.finish = finish.word(wire.status, reason)
            facts.usage = usage.read(wire.usage)
            facts.service_tier = wire.service_tier
            if not self._begun and given(wire.output) is not None:
                _measure_output(facts, items_of(wire.output))
        if not self._changes:
            return frame.raw
        members = members_of(frame.data)
        members["response"] = msgspec.Raw(_changed(event.response, facts, self._options))
        return sse.encode(json.encode(members), frame.event)


def read_whole(body: bytes, options: ReplyOptions) -> tuple[Facts, bytes]:
    """The tap of a whole answer: (facts, body to relay)."""
    try:
        return _read_whole(body, options)
    except (*BROKEN, BadRequest) as error:
        raise Malformed(f"not a response: {error}") from None


def _read_whole(body: bytes, options: ReplyOptions) -> tuple[Facts, bytes]:
    wire = _response.decode(body)
    output = given(wire.output)
    error = given(wire.error)
    if wire.status in FAILED or (error is not None and output is not None):
        raise errors.failed(wire.status, error)
    if error is not None or output is None:
        raise errors.in_answer(body)
    reason = wire.incomplete_details.reason if wire.incomplete_details else None
    facts = Facts(
        usage=usage.read(wire.usage),
        model=wire.model or "",
        upstream_id=wire.id or "",
        finish=finish.word(wire.status, reason),
        service_tier=wire.service_tier,
        pending=wire.status in finish.UNFINISHED,
    )
    if facts.usage is None:
        _measure_output(facts, items_of(output))
    renamed = options.model is not None and options.model != wire.model
    if not renamed and options.cost is None:
        return facts, body
    return facts, _changed(body, facts, options)


def _changed(response: bytes | msgspec.Raw, facts: Facts, options: ReplyOptions) -> bytes:
    """A response with the name to show, money beside its counts, and what OpenRouter's document demands; all
    else byte for byte."""
    members = members_of(response)
    if options.model is not None:
        members["model"] = json.raw(options.model)
    counted = members.get("usage")
    if options.cost is not None and facts.usage is not None and counted is not None:
        priced = usage.with_money(counted, facts.usage, facts.service_tier, options)
        members["usage"] = json.raw(priced)
    if options.cost is not None:
        json.add_missing(members, MISSING)
    return json.encode(members)


def _measure_output(facts: Facts, output: Sequence[msgspec.Raw]) -> None:
    for raw in output:
        try:
            _measure(facts, read_item(raw, "output"))
        except (*BROKEN, BadRequest):
            continue  # a shape of its own: it stays unmeasured


def _measure(facts: Facts, parts: Sequence[Part]) -> None:
    for part in parts:
        if isinstance(part, Text | Refusal | Reasoning):
            facts.produced(part.text)
        elif isinstance(part, ToolCall):
            facts.produced(part.arguments)
