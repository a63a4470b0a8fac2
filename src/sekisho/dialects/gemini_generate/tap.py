"""Passing an answer through: the bytes go on as they came, and metering reads along.

The hot path. Every event is decoded once, narrowly. Only what `ReplyOptions` ask for is changed: the model's
name, money beside the usage, and the framing, for providers are asked for server-sent events even where the
client wants one JSON array.

Shapes that the hub would not understand pass: the client gets what its own API sent.
"""

from typing import Any

import msgspec

from sekisho.core import resume
from sekisho.core.contract import Facts, LooseEnd, Members, ReplyOptions
from sekisho.core.error import Malformed, Truncated
from sekisho.core.heard import Heard
from sekisho.core.usage import Usage
from sekisho.dialects.gemini_generate import errors, usage
from sekisho.dialects.gemini_generate.parts import unwrapped
from sekisho.dialects.gemini_generate.stream import Reader
from sekisho.dialects.gemini_generate.stream_write import Writer
from sekisho.wire import json
from sekisho.wire.json import members_of
from sekisho.wire.relaying import relay_all
from sekisho.wire.shape import BROKEN
from sekisho.wire.sse import Frame, FrameDecoder, encode


class _Call(msgspec.Struct, gc=False):
    args: msgspec.Raw = msgspec.Raw(b"{}")


class _Part(msgspec.Struct, gc=False, rename="camel"):
    text: str | None = None
    function_call: _Call | None = None
    thought: bool = False


class _Content(msgspec.Struct, gc=False):
    parts: list[_Part] = []


class _Candidate(msgspec.Struct, gc=False, rename="camel"):
    content: _Content | None = None
    finish_reason: str | None = None
    index: int | None = None


class _Feedback(msgspec.Struct, gc=False, rename="camel"):
    block_reason: str | None = None


class _Event(msgspec.Struct, gc=False, rename="camel"):
    candidates: list[_Candidate] | None = None
    usage_metadata: dict[str, Any] | None = None
    model_version: str | None = None
    response_id: str | None = None
    prompt_feedback: _Feedback | None = None
    error: Any = None


_event = msgspec.json.Decoder(_Event)


class Tap:
    """One stream. See `core.contract.Tap`."""

    __slots__ = (
        "_array",
        "_begun",
        "_blocked",
        "_finished",
        "_frames",
        "_options",
        "_rewrites",
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
        self._array = options.framing == "json_array"
        self._rewrites = options.model is not None or options.cost is not None
        self._frames = FrameDecoder()
        self._begun = False
        self._finished: dict[int, bool] = {}
        """Whether a candidate has a finish reason, by its index."""
        self._blocked = False

    def feed(self, data: bytes) -> bytes:
        frames = self._frames.feed(data)
        if len(frames) == 1:
            return self._relay(frames[0])
        return relay_all(self, frames, self._relay)

    def finish(self, *, needs_terminator: bool = True) -> bytes:  # noqa: ARG002 - there is none
        rest = b"".join([self._relay(frame) for frame in self._frames.finish()])
        expected = max(self._finished, default=-1) + 1
        finished = sum(self._finished.values())
        if finished != expected or not (finished or self._blocked):
            self.unsent += rest
            raise Truncated("the stream ended before the answer had")
        self.complete = True
        return rest + b"\r\n]" if self._array else rest

    def conclude(self, _usage: Usage) -> bytes:
        return self.finish(needs_terminator=False)

    def loose_end(self) -> LooseEnd | None:
        return resume.spoken(self.facts.heard, Reader(), Writer(self._options))

    def _relay(self, frame: Frame) -> bytes:
        data = frame.data
        if not data:
            if not self.started:
                errors.refuse_what_is_no_stream(frame.raw)
            return b"" if self._array else frame.raw
        try:
            return self._relay_event(data, frame.raw)
        except BROKEN as error:
            raise Malformed(f"not an event of Gemini's format: {error}") from None

    def _relay_event(self, data: bytes, raw: bytes) -> bytes:
        event = _event.decode(data)
        if event.error is not None:
            raise errors.in_answer(data)
        heard = self.facts.heard
        if not self.started:
            self.started = True
            if heard is not None:
                heard.keep(raw)
            self.facts.model = event.model_version or ""
            self.facts.upstream_id = event.response_id or ""
        if event.usage_metadata is not None:
            self._count_usage(event.usage_metadata)
        if event.candidates is not None:
            self._see(event.candidates)
        if event.prompt_feedback is not None and event.prompt_feedback.block_reason:
            self._blocked = True
            self.facts.finish = self.facts.finish or event.prompt_feedback.block_reason
        if self._rewrites:
            data = self._rewritten(data)
            return self._framed(data) if self._array else encode(data)
        return self._framed(data) if self._array else raw

    def _see(self, candidates: list[_Candidate]) -> None:
        for place, candidate in enumerate(candidates):
            index = place if candidate.index is None else candidate.index
            if index < 0:
                raise Malformed(f"a candidate with the index {index}")
            if candidate.content is not None:
                _count(self.facts, candidate.content.parts)
                if self.facts.heard is not None:
                    _tell(self.facts.heard, candidate.content.parts)
            if candidate.finish_reason is not None:
                self._finished[index] = True
                if index == 0:
                    self.facts.finish = candidate.finish_reason
            elif index not in self._finished:
                self._finished[index] = False

    def _count_usage(self, found: dict[str, Any]) -> None:
        self.facts.usage = usage.read(found)
        self.facts.service_tier = usage.tier(found)

    def _rewritten(self, data: bytes) -> bytes:
        members = members_of(data)
        _rename(members, self._options)
        _add_cost(members, self.facts, self._options)
        return json.encode(members)

    def _framed(self, data: bytes) -> bytes:
        begun, self._begun = self._begun, True
        return b",\r\n" + data if begun else b"[" + data


def unary_tap(body: bytes, options: ReplyOptions) -> tuple[Facts, bytes]:
    """See `core.contract.UnaryTap`. Raises Malformed, or the UpstreamError that a 200 body reports."""
    try:
        return _unary_tap(body, options)
    except BROKEN as error:
        raise Malformed(f"not an answer of Gemini's format: {error}") from None


def _unary_tap(body: bytes, options: ReplyOptions) -> tuple[Facts, bytes]:
    answer = _event.decode(body)
    blocked = answer.prompt_feedback.block_reason if answer.prompt_feedback is not None else None
    if answer.error is not None or not (answer.candidates or blocked):
        raise errors.in_answer(body)
    counts = answer.usage_metadata or {}
    facts = Facts(
        usage=usage.read(counts),
        model=answer.model_version or "",
        upstream_id=answer.response_id or "",
        finish=answer.candidates[0].finish_reason if answer.candidates else blocked,
        service_tier=usage.tier(counts),
    )
    if facts.usage is None:
        for candidate in answer.candidates or ():
            if candidate.content is not None:
                _count(facts, candidate.content.parts)
    renamed = options.model is not None and options.model != facts.model
    if not renamed and (options.cost is None or facts.usage is None):
        return facts, body
    members = members_of(body)
    _rename(members, options)
    _add_cost(members, facts, options)
    return facts, json.encode(members)


def _rename(members: Members, options: ReplyOptions) -> None:
    if options.model is not None:
        members["modelVersion"] = json.raw(options.model)


def _add_cost(members: Members, facts: Facts, options: ReplyOptions) -> None:
    cost = usage.price(facts.usage, facts.service_tier, options.cost)
    counts = members.get("usageMetadata")
    if cost and counts is not None and bytes(counts).startswith(b"{"):
        members["usageMetadata"] = json.raw({**members_of(counts), **cost})


def _count(facts: Facts, parts: list[_Part]) -> None:
    """What the model produced: texts, thoughts and arguments."""
    for part in parts:
        text = part.text
        if part.function_call is not None:
            text = unwrapped(part.function_call.args)
        if text:
            facts.produced(text)


def _tell(heard: Heard, parts: list[_Part]) -> None:
    for part in parts:
        if part.text is None:
            heard.spoil()  # a call, an image, code: nobody can go on from there
        elif not part.thought:
            heard.say(part.text)
