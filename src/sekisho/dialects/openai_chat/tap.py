"""Passing an answer through: the bytes go on as they came, and metering reads along.

The hot path. Every event is decoded once, narrowly; only what `ReplyOptions` ask for is changed, and only
in the events that it concerns: `"usage": null` is cut out and the usage event dropped for a client that did
not ask for usage, money is added to the usage object (OpenRouter's contract, which knows no null there), the
model's name is replaced.

Shapes that the hub would not understand pass: whatever cannot be read off is not metered (and estimated
later), but the client gets what its own API sent.
"""

import re
from typing import TypeVar

import msgspec

from sekisho.core.contract import Facts, Members, ReplyOptions
from sekisho.core.error import Malformed, Truncated
from sekisho.core.estimate import measure
from sekisho.dialects.openai_chat import errors, usage
from sekisho.dialects.openai_chat.parts import arguments
from sekisho.dialects.openai_chat.reply import FINGERPRINT, pieces
from sekisho.dialects.openai_chat.schema import WireCustomCall, WireFunctionCall
from sekisho.wire import json, sse
from sekisho.wire import openai_finish as finish
from sekisho.wire.openai_usage import WireUsage
from sekisho.wire.shape import BROKEN, Wire
from sekisho.wire.sse import DONE, Frame, FrameDecoder


class _Call(Wire):
    function: WireFunctionCall | None = None
    custom: WireCustomCall | None = None


class _Detail(Wire):
    text: str | None = None
    summary: str | None = None


class _Said(Wire):
    """A delta or a message."""

    content: str | list[msgspec.Raw] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[_Detail] | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(Wire):
    delta: _Said | None = None
    finish_reason: str | None = None
    index: int = 0


class _Event(Wire):
    id: str | None = None
    model: str | None = None
    choices: list[_Choice] | None = None
    usage: WireUsage | None = None
    service_tier: str | None = None
    error: str | dict[str, msgspec.Raw] | None = None


class _Ended(Wire):
    finish_reason: str | None = None
    error: str | dict[str, msgspec.Raw] | None = None


class _Whole(Wire):
    id: str | None = None
    model: str | None = None
    choices: list[_Ended] | None = None
    usage: WireUsage | None = None
    service_tier: str | None = None
    error: str | dict[str, msgspec.Raw] | None = None


class _Message(Wire):
    message: _Said | None = None


class _Messages(Wire):
    choices: list[_Message] | None = None


Narrow = TypeVar("Narrow", _Event, _Whole)

_event = msgspec.json.Decoder(_Event)
_whole = msgspec.json.Decoder(_Whole)
_messages = msgspec.json.Decoder(_Messages)
_members = msgspec.json.Decoder(Members)

_TERMINATOR = b"data: [DONE]\n\n"
_NULL_USAGE = re.compile(rb',\s*"usage"\s*:\s*null')
"""Cannot match inside of a JSON text, where quotes are escaped."""


class ChatTap:
    """One stream that is passed through. See `core.contract.Tap`."""

    __slots__ = (
        "_cost",
        "_cut",
        "_frames",
        "_hide",
        "_model",
        "_options",
        "complete",
        "facts",
        "started",
    )

    _model: tuple[bytes, bytes] | None
    """The model's member as it comes, and what goes out in its place."""

    def __init__(self, options: ReplyOptions) -> None:
        self.facts = Facts()
        self.started = False
        self.complete = False
        self._options = options
        self._hide = not options.show_usage
        self._cost = options.cost is not None
        self._cut = self._hide or self._cost
        self._model = None
        self._frames = FrameDecoder()

    def feed(self, data: bytes) -> bytes:
        try:
            frames = self._frames.feed(data)
            if len(frames) == 1:
                return self._relay(frames[0])
            return b"".join([self._relay(frame) for frame in frames])
        except BROKEN as error:
            raise Malformed(f"an event that is no chunk: {error}") from None

    def finish(self, *, needs_terminator: bool = True) -> bytes:
        rest = self.feed(b"\n\n")  # the last event may lack its blank line
        if not (self.complete or needs_terminator) and self.facts.finish is not None:
            rest += self.feed(_TERMINATOR)
        if not self.complete:
            raise Truncated("the stream ended before it was complete")
        return rest

    def _relay(self, frame: Frame) -> bytes:
        data = frame.data
        if not data or data == DONE or self.complete:
            return self._unspoken(frame)
        try:
            event = _event.decode(data)
        except BROKEN as error:
            event = _salvage(data, _Event, error)
        if event.error is not None or frame.event == b"error":
            raise errors.in_answer(data)
        if self.facts.model is None:
            self._name(event, frame)
        if event.service_tier is not None:
            self.facts.service_tier = event.service_tier
        if event.choices:
            self._read(event.choices)
        elif event.usage is None and event.choices is None:
            errors.refuse(data)
        raw = frame.raw if self._model is None else frame.raw.replace(*self._model, 1)
        if event.usage is not None:
            return self._counted(event, frame, raw)
        return _without_null_usage(raw) if self._cut and b'"usage"' in raw else raw

    def _read(self, choices: list[_Choice]) -> None:
        self.started = True
        for choice in choices:
            if choice.delta is not None:
                self._count(choice.delta)
            if choice.finish_reason is not None:
                self._finish(choice)

    def _unspoken(self, frame: Frame) -> bytes:
        """Comments, the terminator, and whatever follows it."""
        if frame.data == DONE:
            self.complete = True
        elif not frame.data and not self.started:
            errors.refuse_what_is_no_stream(frame.raw)
        return frame.raw

    def _name(self, event: _Event, frame: Frame) -> None:
        """Notes the answer's names off the first event that has them."""
        self.facts.upstream_id = event.id or self.facts.upstream_id
        if not event.model:
            return
        self.facts.model = event.model
        shown = self._options.model
        if shown is not None and shown != event.model:
            spelled = re.escape(bytes(_members.decode(frame.data)["model"]))
            found = re.search(rb'"model"\s*:\s*' + spelled, frame.raw)
            if found:
                self._model = (found[0], b'"model":' + json.encode(shown))

    def _count(self, delta: _Said) -> None:
        facts = self.facts
        content = delta.content
        if content.__class__ is str and content.isascii():  # nearly always
            facts.output_ascii += len(content)
        elif content:
            _measure(facts, _content(content))
        if (
            delta.tool_calls is not None
            or delta.reasoning_content is not None
            or delta.reasoning is not None
            or delta.reasoning_details is not None
            or delta.refusal is not None
        ):
            _measure(facts, _beside_content(delta))

    def _finish(self, choice: _Choice) -> None:
        failed = finish.failure(choice.finish_reason)
        if failed is not None:
            raise failed
        if choice.index == 0:
            self.facts.finish = choice.finish_reason

    def _counted(self, event: _Event, frame: Frame, raw: bytes) -> bytes:
        counted = usage.read(event.usage)
        if counted is None:
            return raw
        self.facts.usage = counted
        if self._hide and not event.choices:
            return b""
        if not self._cost:
            return raw
        members = _members.decode(frame.data)
        members["usage"] = json.raw(
            usage.with_money(members["usage"], counted, self.facts.service_tier, self._options)
        )
        if self._model is not None:
            members["model"] = json.raw(self._options.model)
        return sse.encode(json.encode(members), frame.event)


def read_whole(body: bytes, options: ReplyOptions) -> tuple[Facts, bytes]:
    """The tap of a whole answer: (facts, body to relay)."""
    try:
        return _read_whole(body, options)
    except BROKEN as error:
        raise Malformed(f"not a chat completion: {error}") from None


def _read_whole(body: bytes, options: ReplyOptions) -> tuple[Facts, bytes]:
    try:
        found = _whole.decode(body)
    except BROKEN as error:
        found = _salvage(body, _Whole, error)
    if found.error is not None or not found.choices:
        raise errors.in_answer(body)
    first = found.choices[0]
    failed = finish.failure(first.finish_reason)
    if first.error is not None:
        raise errors.in_answer(json.raw({"error": first.error}))
    if failed is not None:
        raise failed
    facts = Facts(
        usage=usage.read(found.usage),
        model=found.model,
        upstream_id=found.id,
        finish=first.finish_reason,
        service_tier=found.service_tier,
    )
    if facts.usage is None:
        _measure_whole(facts, body)
    renamed = options.model is not None and options.model != found.model
    if not renamed and (options.cost is None or facts.usage is None):
        return facts, body
    members = _members.decode(body)
    if renamed:
        members["model"] = json.raw(options.model)
    if facts.usage is not None and options.cost is not None:
        priced = usage.with_money(members["usage"], facts.usage, facts.service_tier, options)
        members["usage"] = json.raw(priced)
        members.setdefault(FINGERPRINT, msgspec.Raw(b"null"))
    return facts, json.encode(members)


def _without_null_usage(raw: bytes) -> bytes:
    cut = raw.replace(b',"usage":null', b"", 1)  # as OpenAI spells it
    return cut if len(cut) < len(raw) else _NULL_USAGE.sub(b"", raw, count=1)


def _measure_whole(facts: Facts, body: bytes) -> None:
    try:
        answer = _messages.decode(body)
    except msgspec.ValidationError:
        return  # a shape of its own: it stays unmeasured
    for choice in answer.choices or ():
        if choice.message is not None:
            _measure(facts, _content(choice.message.content))
            _measure(facts, _beside_content(choice.message))


def _content(content: str | list[msgspec.Raw] | None) -> str:
    try:
        return "".join(text for _, text in pieces(content))
    except BROKEN:
        return ""  # parts of a shape of their own: they stay unmeasured


def _beside_content(said: _Said) -> str:
    """Thinking (which may be said twice, but counts once), refusals, and tool arguments."""
    found = "".join(detail.text or detail.summary or "" for detail in said.reasoning_details or ())
    found = found or said.reasoning_content or said.reasoning or ""
    found += said.refusal or ""
    for call in said.tool_calls or ():
        if call.function is not None:
            found += arguments(call.function.arguments)
        if call.custom is not None:
            found += call.custom.input or ""
    return found


def _measure(facts: Facts, text: str) -> None:
    narrow, wide = measure(text)
    facts.output_ascii += narrow
    facts.output_wide += wide


def _salvage(data: bytes, kind: type[Narrow], why: Exception) -> Narrow:
    """What can be read of an object with a member of an unknown shape. Raises Malformed for anything else."""
    try:
        members = _members.decode(data)
    except BROKEN:
        raise Malformed(f"not a chat completion: {why}") from None
    found = kind()
    for field in msgspec.structs.fields(kind):
        raw = members.get(field.name)
        if raw is not None:
            try:
                setattr(found, field.name, msgspec.json.decode(raw, type=field.type))
            except BROKEN:
                continue
    return found
