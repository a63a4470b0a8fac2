"""The hot path: requests and answers that pass through as they came.

Every event is parsed once, narrowly, with decoders built at import; nothing is written anew but what
ReplyOptions ask to change.
"""

from typing import Any

import msgspec

from sekisho.core import resume
from sekisho.core.contract import Facts, LooseEnd, Members, ReplyOptions, TargetFacts
from sekisho.core.error import BadRequest, Malformed, Truncated
from sekisho.core.usage import Usage
from sekisho.dialects.anthropic_messages import errors, market, usage
from sekisho.dialects.anthropic_messages.stream import Reader
from sekisho.dialects.anthropic_messages.stream_write import Writer
from sekisho.wire import json, kinds, sse
from sekisho.wire.counts import shown_cost
from sekisho.wire.json import members_of
from sekisho.wire.relaying import relay_all
from sekisho.wire.shape import BROKEN, Wire


class _Delta(Wire):
    text: str = ""
    thinking: str = ""
    partial_json: str = ""
    stop_reason: str | None = None


class _Block(Wire):
    type: str = ""
    text: str = ""
    thinking: str = ""
    input: msgspec.Raw = msgspec.Raw(b"{}")


class _Start(Wire):
    id: str = ""
    model: str = ""
    usage: Any = None


class _Event(Wire):
    type: str = ""
    delta: _Delta | None = None
    content_block: _Block | None = None
    message: _Start | None = None
    usage: Any = None


class _Answer(Wire):
    type: str = "message"
    id: str = ""
    model: str = ""
    stop_reason: str | None = None
    usage: Any = None
    error: Any = None


class _Content(Wire):
    content: list[_Block] = msgspec.field(default_factory=list)


_event = msgspec.json.Decoder(_Event)
_answer = msgspec.json.Decoder(_Answer)
_content = msgspec.json.Decoder(_Content)
_KINDS = {"model": kinds.STRING, "messages": kinds.ARRAY}
_NEEDED = ("model", "messages")
_NATIVE = ("text", "thinking", "tool_use")
"""Blocks whose text counts as produced; what a server tool did is not the model's output."""
_GOES_ON = ("text", "thinking", "redacted_thinking")
"""Blocks after which another model could go on."""
_STOP = sse.encode(b'{"type":"message_stop"}', b"message_stop")


def check_members(members: Members) -> None:
    """The least that makes a request: model and messages, and no member that metering reads of a wrong type.

    A missing `max_tokens` is left to the provider, for counting tokens does without one.
    """
    kinds.check(members, _KINDS, _NEEDED)
    if kinds.empty(members, "messages"):
        raise BadRequest("messages: empty. Send at least one message.", param="messages")
    if not bytes(members.get("max_tokens", b"0")).isdigit():
        raise BadRequest("max_tokens: expected an integer, 0 or more.", param="max_tokens")


def patch_request(members: Members, target: TargetFacts) -> bool:
    """Names the upstream model. Streams of this dialect show usage to everybody: always True."""
    members["model"] = target.model_member
    return True


class Tap:
    """One stream. See `core.contract.Tap`.

    From `message_start` on `facts.usage` holds what the provider counted so far: of a stream that is not
    complete the input counts are right, the output count is not.
    """

    __slots__ = (
        "_counts",
        "_decoder",
        "_options",
        "_silent_tool",
        "_speaks",
        "_usage",
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
        self._options = options
        self._decoder = sse.FrameDecoder()
        self._usage: Any = None
        self._counts = False
        """The open block's text counts as produced."""
        self._speaks = False
        """The open block is text."""
        self._silent_tool = False
        """The open block is a tool call without input so far."""

    def feed(self, data: bytes) -> bytes:
        frames = self._decoder.feed(data)
        if len(frames) == 1:
            return self._see(frames[0])
        return relay_all(self, frames, self._see)

    def finish(self, *, needs_terminator: bool = True) -> bytes:
        rest = self.feed(b"\n\n")  # the last event may lack its blank line
        if not (self.complete or needs_terminator) and self.facts.finish is not None:
            rest += self.feed(_STOP)
        if not self.complete:
            self.unsent += rest
            raise Truncated("the stream ended without message_stop")
        return rest

    def conclude(self, _usage: Usage) -> bytes:
        return self.finish(needs_terminator=False)

    def loose_end(self) -> LooseEnd | None:
        return resume.retold(self.facts.heard, Reader(), Writer(self._options))

    def _see(self, frame: sse.Frame) -> bytes:
        if not frame.data or self.complete:
            return frame.raw
        try:
            event = _event.decode(frame.data)
        except BROKEN as error:
            raise Malformed(f"not an event of Anthropic's format: {error}") from None
        kind = event.type
        if kind == "content_block_delta":
            delta = event.delta
            if delta is not None and self._counts:
                text = delta.text or delta.thinking or delta.partial_json
                if text:
                    self._silent_tool = False
                    self.facts.produced(text)
                    if self._speaks and self.facts.heard is not None:
                        self.facts.heard.say(text)
            return frame.raw
        return self._see_other(kind, event, frame)

    def _see_other(self, kind: str, event: _Event, frame: sse.Frame) -> bytes:
        heard = self.facts.heard
        if kind == "content_block_start":
            return self._start_block(event.content_block or _Block(), frame)
        if kind == "content_block_stop":
            if heard is not None:
                heard.keep(frame.raw)
            self._end_block()
        elif kind == "message_start":
            if event.message is None:
                raise Malformed("a message_start without its message")
            if heard is not None:
                heard.keep(frame.raw)
            return self._begin(event.message, frame)
        elif kind == "message_delta":
            return self._update(event, frame)
        elif kind == "message_stop":
            self._end_block()
            self.complete = True
        elif kind == "error":
            raise errors.read_reported(frame.data)
        return frame.raw

    def _begin(self, message: _Start, frame: sse.Frame) -> bytes:
        self.started = True
        self.facts.upstream_id = message.id
        self.facts.model = message.model
        self._count_usage(message.usage)
        shown = self._options.model
        renamed = shown is not None and shown != message.model
        if not renamed and self._options.cost is None:
            return frame.raw
        found = _members(frame.data)
        if renamed:
            inner = _members(found["message"])
            inner["model"] = json.raw(shown)
            found["message"] = json.raw(inner)
        return self._anew("message_start", found, frame)

    def _update(self, event: _Event, frame: sse.Frame) -> bytes:
        if event.delta is not None and event.delta.stop_reason is not None:
            self.facts.finish = event.delta.stop_reason
        self._count_usage(event.usage)
        if self._options.cost is None:
            return frame.raw
        cost = shown_cost(self.facts.usage, self.facts.service_tier, self._options.cost)
        found = _members(frame.data)
        counts = found.get("usage", msgspec.Raw(b"{}"))
        if cost is not None and bytes(counts).startswith(b"{"):
            found["usage"] = _priced(counts, cost)
        return self._anew("message_delta", found, frame)

    def _anew(self, kind: str, found: Members, frame: sse.Frame) -> bytes:
        if self._options.cost is not None:
            market.complete_event(kind, found)
        return sse.encode(json.encode(found), frame.event)

    def _count_usage(self, found: Any) -> None:
        self._usage = usage.merge(self._usage, found)
        self.facts.usage = usage.read(self._usage)
        self.facts.service_tier = usage.tier(self._usage)

    def _start_block(self, block: _Block, frame: sse.Frame) -> bytes:
        self.started = True
        self._begin_block(block, frame)
        if self._options.cost is None:
            return frame.raw
        return self._anew("content_block_start", _members(frame.data), frame)

    def _begin_block(self, block: _Block, frame: sse.Frame) -> None:
        self._end_block()
        self._counts = block.type in _NATIVE
        self._speaks = block.type == "text"
        heard = self.facts.heard
        if heard is not None:
            heard.keep(frame.raw)
            if block.type not in _GOES_ON:
                heard.spoil()
            elif self._speaks:
                heard.say(block.text)
        if not self._counts:
            return
        if block.type == "tool_use":
            given = bytes(block.input)
            self._silent_tool = given == b"{}"
            if not self._silent_tool:
                self.facts.produced(given.decode())
        else:
            self.facts.produced(block.text or block.thinking)

    def _end_block(self) -> None:
        if self._silent_tool:
            self.facts.produced("{}")
        self._silent_tool = self._counts = self._speaks = False


def unary_tap(body: bytes, options: ReplyOptions) -> tuple[Facts, bytes]:
    """See `core.contract.UnaryTap`. Raises Malformed, or the UpstreamError that a 200 body reports."""
    try:
        answer = _answer.decode(body)
    except BROKEN as error:
        raise Malformed(f"not a message of Anthropic's format: {error}") from None
    if answer.type == "error" or answer.error is not None:
        raise errors.read_reported(body)
    counted = usage.read(answer.usage)
    facts = Facts(
        usage=counted,
        model=answer.model,
        upstream_id=answer.id,
        finish=answer.stop_reason,
        service_tier=usage.tier(answer.usage),
    )
    if counted is None:
        _measure(body, facts)
    renamed = options.model is not None and options.model != answer.model
    if not renamed and options.cost is None:
        return facts, body
    found = _members(body)
    if renamed:
        found["model"] = json.raw(options.model)
    if options.cost is not None:
        cost = shown_cost(counted, facts.service_tier, options.cost)
        if cost is not None:
            found["usage"] = _priced(found["usage"], cost)  # it was counted, so it is an object
        market.complete_message(found)
    return facts, json.encode(found)


def _members(data: bytes | msgspec.Raw) -> Members:
    try:
        return members_of(data)
    except BROKEN as error:
        raise Malformed(f"not JSON: {error}") from None


def _priced(counts: msgspec.Raw, cost: msgspec.Raw) -> msgspec.Raw:
    found = _members(counts)
    found["cost"] = cost
    return json.raw(found)


def _measure(body: bytes, facts: Facts) -> None:
    """What was produced, where the provider did not count it."""
    try:
        blocks = _content.decode(body).content
    except BROKEN as error:
        raise Malformed(f"not a message of Anthropic's format: {error}") from None
    for block in blocks:
        if block.type in _NATIVE:
            text = bytes(block.input).decode() if block.type == "tool_use" else block.text or block.thinking
            facts.produced(text)
