"""The hot path: requests and answers that pass through as they came.

Every event is parsed once, narrowly, with decoders built at import; nothing is written anew but what
ReplyOptions ask to change.
"""

from typing import Any

import msgspec

from sekisho.core import resume
from sekisho.core.contract import Facts, LooseEnd, Members, ReplyOptions, TargetFacts
from sekisho.core.error import BadRequest, Malformed, Truncated
from sekisho.core.heard import Heard
from sekisho.core.usage import Usage
from sekisho.dialects.bedrock_converse import errors, frames, schema, usage
from sekisho.dialects.bedrock_converse.reply import UNMEASURED
from sekisho.dialects.bedrock_converse.stream import Reader
from sekisho.dialects.bedrock_converse.stream_write import Writer
from sekisho.wire import json, kinds
from sekisho.wire.counts import shown_cost
from sekisho.wire.eventstream import Frame, FrameDecoder
from sekisho.wire.json import members_of
from sekisho.wire.relaying import relay_all
from sekisho.wire.shape import BROKEN, Wire

_KINDS = {
    "messages": kinds.ARRAY,
    "system": kinds.ARRAY,
    "inferenceConfig": kinds.OBJECT,
    "toolConfig": kinds.OBJECT,
    "guardrailConfig": kinds.OBJECT,
    "additionalModelRequestFields": kinds.OBJECT,
    "promptVariables": kinds.OBJECT,
    "requestMetadata": kinds.OBJECT,
    "performanceConfig": kinds.OBJECT,
    "serviceTier": kinds.OBJECT,
    "outputConfig": kinds.OBJECT,
}


class _ToolUse(Wire, rename="camel"):
    type: str | None = None
    input: msgspec.Raw = msgspec.Raw(b"")


class _ReasoningText(Wire):
    text: str = ""


class _Reasoning(Wire, rename="camel"):
    text: str = ""
    reasoning_text: _ReasoningText | None = None
    redacted_content: str | None = None


class _ToolInput(Wire):
    input: str = ""


class _Delta(Wire, rename="camel"):
    text: str | None = None
    tool_use: _ToolInput | None = None
    reasoning_content: _Reasoning | None = None


class _BlockDelta(Wire, rename="camel"):
    delta: _Delta
    content_block_index: int = 0


class _Begun(Wire, rename="camel"):
    tool_use: _ToolUse | None = None


class _BlockStart(Wire, rename="camel"):
    start: _Begun
    content_block_index: int = 0


class _Cited(Wire):
    content: list[_ReasoningText] = msgspec.field(default_factory=list)


class _Block(Wire, rename="camel"):
    text: str = ""
    tool_use: _ToolUse | None = None
    reasoning_content: _Reasoning | None = None
    citations_content: _Cited | None = None


class _Message(Wire):
    content: list[_Block] = msgspec.field(default_factory=list)


class _Output(Wire):
    message: msgspec.Raw


class _Answer(Wire, rename="camel"):
    output: _Output
    stop_reason: str | None = None
    usage: Any = None
    service_tier: schema.TierIn | None = None
    id: str = ""
    model: str = ""


_answer = msgspec.json.Decoder(_Answer)
_message = msgspec.json.Decoder(_Message)
_start = msgspec.json.Decoder(schema.StartIn)
_block_start = msgspec.json.Decoder(_BlockStart)
_block_delta = msgspec.json.Decoder(_BlockDelta)
_block_stop = msgspec.json.Decoder(schema.BlockStopIn)
_stop = msgspec.json.Decoder(schema.StopIn)
_metadata = msgspec.json.Decoder(schema.MetadataIn)


def check_members(members: Members) -> None:
    """The kinds of the members that are known; the provider checks the rest.

    Without messages only a prompt that is kept at the provider makes a request: variables fill it in.
    """
    kinds.check(members, _KINDS)
    if kinds.absent(members, "messages") and kinds.absent(members, "promptVariables"):
        raise BadRequest("messages: missing. This member is required.", param="messages")


def patch_request(members: Members, target: TargetFacts) -> bool:  # noqa: ARG001 - the contract's
    """Nothing: the path names the model. Streams of this dialect show usage to everybody."""
    return True


class Tap:
    """One stream. See `core.contract.Tap`."""

    __slots__ = ("_block", "_decoder", "_options", "_tools", "complete", "facts", "started", "unsent")

    def __init__(self, options: ReplyOptions) -> None:
        self.facts = Facts()
        self.started = False
        self.complete = False
        self.unsent = b""
        self._options = options
        self._decoder = FrameDecoder()
        self._block = -1
        """Index of the block that was begun last."""
        self._tools: dict[int, bool] = {}
        """Tool calls that are open: whether they have said nothing so far."""

    def feed(self, data: bytes) -> bytes:
        found = self._decoder.feed(data)
        if len(found) == 1:
            return self._see(found[0])
        return relay_all(self, found, self._see)

    def finish(self, *, needs_terminator: bool = True) -> bytes:
        if not self.complete:
            if needs_terminator or self.facts.finish is None:
                raise Truncated("the stream ended without metadata")
            self.complete = True
        return b""

    def conclude(self, counted: Usage) -> bytes:
        if self.facts.finish is None:
            raise Truncated("the stream ended without messageStop")
        event = json.encode({"usage": usage.write(counted), "metrics": UNMEASURED})
        return self.feed(frames.event("metadata", event))

    def loose_end(self) -> LooseEnd | None:
        return resume.retold(self.facts.heard, Reader(), Writer(self._options))

    def _see(self, frame: Frame) -> bytes:
        if self.complete:
            return frame.raw
        headers = frame.headers
        if headers.get(":message-type") != "event":
            raise errors.read_exception(*frames.failure(frame))
        kind = headers.get(":event-type")
        try:
            if kind == "contentBlockDelta":
                event = _block_delta.decode(frame.payload)
                self._count_delta(event)
                if self.facts.heard is not None:
                    self._tell(self.facts.heard, event, frame)
                return frame.raw
            return self._see_other(kind, frame)
        except BROKEN as error:
            raise Malformed(f"not an event of Converse: {error}") from None

    def _count_delta(self, event: _BlockDelta) -> None:
        self.started = True
        delta = event.delta
        if delta.text is not None:
            self.facts.produced(delta.text)
        elif delta.tool_use is not None:
            if event.content_block_index in self._tools and delta.tool_use.input:
                self._tools[event.content_block_index] = False
                self.facts.produced(delta.tool_use.input)
        elif delta.reasoning_content is not None:
            self.facts.produced(delta.reasoning_content.text)

    def _tell(self, heard: Heard, event: _BlockDelta, frame: Frame) -> None:
        """Of every block the first event is kept, for texts and thinking have no start of their own."""
        if event.content_block_index != self._block:
            self._block = event.content_block_index
            heard.keep(frame.raw)
        if event.delta.text is not None:
            heard.say(event.delta.text)
        elif event.delta.reasoning_content is not None:
            if event.delta.reasoning_content.redacted_content is not None:
                heard.spoil()  # its pieces are no block of their own for the writer
        else:
            heard.spoil()

    def _see_other(self, kind: object, frame: Frame) -> bytes:
        heard = self.facts.heard
        if heard is not None and kind in ("messageStart", "contentBlockStop"):
            heard.keep(frame.raw)
        if kind == "contentBlockStart":
            if heard is not None:
                heard.spoil()
            self._begin_block(_block_start.decode(frame.payload))
        elif kind == "contentBlockStop":
            self._end_tool(_block_stop.decode(frame.payload).content_block_index)
        elif kind == "messageStart":
            return self._begin(frame)
        elif kind == "messageStop":
            self.facts.finish = _stop.decode(frame.payload).stop_reason
        elif kind == "metadata":
            return self._end(frame)
        return frame.raw

    def _begin(self, frame: Frame) -> bytes:
        message = _start.decode(frame.payload)
        self.started = True
        self.facts.upstream_id = message.id
        self.facts.model = message.model
        shown = self._options.model
        if shown is None or shown == message.model:
            return frame.raw
        found = members_of(frame.payload)
        found["model"] = json.raw(shown)
        return frames.again(frame, json.encode(found))

    def _begin_block(self, event: _BlockStart) -> None:
        self.started = True
        self._end_tool(event.content_block_index)
        tool = event.start.tool_use
        if tool is not None and tool.type is None:
            self._tools[event.content_block_index] = True

    def _end_tool(self, index: int) -> None:
        if self._tools.pop(index, False):
            self.facts.produced("{}")

    def _end(self, frame: Frame) -> bytes:
        said = _metadata.decode(frame.payload)
        for index in list(self._tools):
            self._end_tool(index)
        facts = self.facts
        facts.usage = usage.read(said.usage)
        facts.service_tier = said.service_tier.type if said.service_tier else None
        self.complete = True
        cost = shown_cost(facts.usage, facts.service_tier, self._options.cost)
        if cost is None:
            return frame.raw
        found = members_of(frame.payload)
        found["usage"] = _priced(found["usage"], cost)  # it was counted, so it is an object
        return frames.again(frame, json.encode(found))


def unary_tap(body: bytes, options: ReplyOptions) -> tuple[Facts, bytes]:
    """See `core.contract.UnaryTap`. Raises Malformed, or the UpstreamError that a 200 body reports."""
    try:
        return _tap_answer(body, options)
    except BROKEN as error:
        raise errors.reported(body) or Malformed(f"not an answer of Converse: {error}") from None


def _tap_answer(body: bytes, options: ReplyOptions) -> tuple[Facts, bytes]:
    answer = _answer.decode(body)
    counted = usage.read(answer.usage)
    facts = Facts(
        usage=counted,
        model=answer.model,
        upstream_id=answer.id,
        finish=answer.stop_reason,
        service_tier=answer.service_tier.type if answer.service_tier else None,
    )
    if counted is None:
        _measure(_message.decode(answer.output.message), facts)
    renamed = options.model is not None and options.model != answer.model
    cost = shown_cost(counted, facts.service_tier, options.cost)
    if not renamed and cost is None:
        return facts, body
    found = members_of(body)
    if renamed:
        found["model"] = json.raw(options.model)
    if cost is not None:
        found["usage"] = _priced(found["usage"], cost)
    return facts, json.encode(found)


def _priced(counts: msgspec.Raw, cost: msgspec.Raw) -> msgspec.Raw:
    return json.raw({**members_of(counts), "cost": cost})


def _measure(message: _Message, facts: Facts) -> None:
    """What was produced, where the provider did not count it."""
    for block in message.content:
        text = block.text
        if block.tool_use is not None and block.tool_use.type is None:
            text = bytes(block.tool_use.input).decode()
        elif block.reasoning_content is not None and block.reasoning_content.reasoning_text is not None:
            text = block.reasoning_content.reasoning_text.text
        elif block.citations_content is not None:
            text = "".join(piece.text for piece in block.citations_content.content)
        facts.produced(text)
