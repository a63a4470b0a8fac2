"""Passing an answer of OpenAI's older APIs through: the bytes go on as they came, and metering reads along.

The hot path. Every event is decoded once, narrowly; only what `ReplyOptions` ask for is changed, and only
in the events that it concerns: `"usage": null` is cut out and the usage event dropped for a client that did
not ask for usage, money is added to the usage object (OpenRouter's contract, which knows no null there), the
model's name is replaced.

Shapes that the hub would not understand pass: whatever cannot be read off is not metered (and estimated
later), but the client gets what its own API sent.
"""

import re
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import msgspec

from sekisho.core import resume
from sekisho.core.contract import Facts, LooseEnd, ReplyOptions, StreamReader, StreamWriter
from sekisho.core.error import Malformed, Truncated
from sekisho.core.usage import Usage
from sekisho.wire import json, openai_errors, openai_finish, openai_usage, sse
from sekisho.wire.json import members_of
from sekisho.wire.openai_usage import WireUsage
from sekisho.wire.relaying import relay_all
from sekisho.wire.shape import BROKEN, Wire
from sekisho.wire.sse import DONE, Frame, FrameDecoder

FINGERPRINT = "system_fingerprint"
"""A member that answers which show money must have, if only as null: OpenRouter's contract says so."""

Choice = TypeVar("Choice")
Narrow = TypeVar("Narrow", bound=msgspec.Struct)
Reads = Callable[[Facts, list[Choice]], None]
"""Notes what an event's choices say (`finish` below does), and raises what they report."""


class Event(Wire, Generic[Choice]):
    """What is read of an event. Its choices are shaped by the API."""

    id: str | None = None
    model: str | None = None
    choices: list[Choice] | None = None
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


_whole = msgspec.json.Decoder(_Whole)

_TERMINATOR = b"data: [DONE]\n\n"
_NAMELESS_MOST = 4
"""Events without a model's name that are kept for what they say of the answer."""
_NULL_USAGE = re.compile(rb',\s*"usage"\s*:\s*null')
"""Cannot match inside of a JSON text, where quotes are escaped."""


def finish(facts: Facts, index: int, reason: str) -> None:
    """Notes a choice's end. Raises the error that its reason stands for."""
    failed = openai_finish.failure(reason)
    if failed is not None:
        raise failed
    if index == 0:
        facts.finish = reason


class Streams(NamedTuple):
    """Of the dialect, for another target to go on with its streams."""

    reader: Callable[[], StreamReader]
    writer: Callable[[ReplyOptions], StreamWriter]


class StreamTap(Generic[Choice]):
    """One stream that is passed through. See `core.contract.Tap`."""

    __slots__ = (
        "_cost",
        "_cut",
        "_decoder",
        "_frames",
        "_hide",
        "_model",
        "_options",
        "_read",
        "_streams",
        "complete",
        "facts",
        "started",
        "unsent",
    )

    _model: tuple[bytes, bytes] | None
    """The model's member as it comes, and what goes out in its place."""

    def __init__(
        self,
        options: ReplyOptions,
        decoder: msgspec.json.Decoder[Event[Choice]],
        read: Reads[Choice],
        streams: Streams | None = None,
    ) -> None:
        """`streams` None: nobody goes on with what this API's models have begun."""
        self.facts = Facts()
        self.started = False
        self.complete = False
        self.unsent = b""
        self._streams = streams
        self._options = options
        self._decoder = decoder
        self._read = read
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
            return relay_all(self, frames, self._relay)
        except BROKEN as error:
            raise Malformed(f"an event that is no chunk: {error}") from None

    def finish(self, *, needs_terminator: bool = True) -> bytes:
        rest = self.feed(b"\n\n")  # the last event may lack its blank line
        if not (self.complete or needs_terminator) and self.facts.finish is not None:
            rest += self.feed(_TERMINATOR)
        if not self.complete:
            self.unsent += rest
            raise Truncated("the stream ended before it was complete")
        return rest

    def conclude(self, usage: Usage) -> bytes:
        counted = self.facts.usage
        end = self.finish(needs_terminator=False)
        heard = self.facts.heard
        if counted is not None or self._hide or heard is None or not heard.events:
            return end
        return self._count(usage, heard.events[-1]) + end

    def _count(self, usage: Usage, first: bytes) -> bytes:
        """The event that a client is told usage in, named as `first` is."""
        (frame,) = FrameDecoder().feed(first)
        members = members_of(frame.data)
        members["choices"] = msgspec.Raw(b"[]")
        members["usage"] = json.raw(openai_usage.write(usage, self.facts.service_tier, self._options))
        if self._model is not None:
            members["model"] = json.raw(self._options.model)
        return sse.encode(json.encode(members), frame.event)

    def loose_end(self) -> LooseEnd | None:
        streams = self._streams
        if streams is None:
            return None
        return resume.spoken(self.facts.heard, streams.reader(), streams.writer(self._options))

    def _relay(self, frame: Frame) -> bytes:
        data = frame.data
        if not data or data == DONE or self.complete:
            return self._unspoken(frame)
        try:
            event = self._decoder.decode(data)
        except BROKEN as error:
            event = _salvage(data, self._decoder.type, error)
        if event.error is not None or frame.event == b"error":
            raise openai_errors.in_answer(data)
        if self.facts.model is None:
            self._name(event, frame)
        if event.service_tier is not None:
            self.facts.service_tier = event.service_tier
        if event.choices:
            self.started = True
            self._read(self.facts, event.choices)
        elif event.usage is None and event.choices is None:
            openai_errors.refuse(data)
        raw = frame.raw if self._model is None else frame.raw.replace(*self._model, 1)
        if event.usage is not None:
            return self._counted(event, frame, raw)
        return _without_null_usage(raw) if self._cut and b'"usage"' in raw else raw

    def _unspoken(self, frame: Frame) -> bytes:
        """Comments, the terminator, and whatever follows it."""
        if frame.data == DONE:
            self.complete = True
        elif not frame.data and not self.started:
            openai_errors.refuse_what_is_no_stream(frame.raw)
        return frame.raw

    def _name(self, event: Event[Choice], frame: Frame) -> None:
        """Notes the answer's names off the first event that has them."""
        heard = self.facts.heard
        if heard is not None and len(heard.events) < _NAMELESS_MOST:
            heard.keep(frame.raw)
        self.facts.upstream_id = event.id or self.facts.upstream_id
        if not event.model:
            return
        self.facts.model = event.model
        shown = self._options.model
        if shown is not None and shown != event.model:
            spelled = re.escape(bytes(members_of(frame.data)["model"]))
            found = re.search(rb'"model"\s*:\s*' + spelled, frame.raw)
            if found:
                self._model = (found[0], b'"model":' + json.encode(shown))

    def _counted(self, event: Event[Choice], frame: Frame, raw: bytes) -> bytes:
        counted = openai_usage.read(event.usage)
        if counted is None:
            return raw
        self.facts.usage = counted
        if self._hide and not event.choices:
            return b""
        if not self._cost:
            return raw
        members = members_of(frame.data)
        members["usage"] = json.raw(
            openai_usage.with_money(members["usage"], counted, self.facts.service_tier, self._options)
        )
        if self._model is not None:
            members["model"] = json.raw(self._options.model)
        return sse.encode(json.encode(members), frame.event)


def read_whole(
    body: bytes, options: ReplyOptions, measure: Callable[[Facts, bytes], None]
) -> tuple[Facts, bytes]:
    """The tap of a whole answer: (facts, body to relay). `measure` counts what was said where the provider
    did not."""
    try:
        return _read_whole(body, options, measure)
    except BROKEN as error:
        raise Malformed(f"not a completion: {error}") from None


def _read_whole(
    body: bytes, options: ReplyOptions, measure: Callable[[Facts, bytes], None]
) -> tuple[Facts, bytes]:
    try:
        found = _whole.decode(body)
    except BROKEN as error:
        found = _salvage(body, _Whole, error)
    if found.error is not None or not found.choices:
        raise openai_errors.in_answer(body)
    first = found.choices[0]
    failed = openai_finish.failure(first.finish_reason)
    if first.error is not None:
        raise openai_errors.in_answer(json.raw({"error": first.error}))
    if failed is not None:
        raise failed
    facts = Facts(
        usage=openai_usage.read(found.usage),
        model=found.model,
        upstream_id=found.id,
        finish=first.finish_reason,
        service_tier=found.service_tier,
    )
    if facts.usage is None:
        measure(facts, body)
    renamed = options.model is not None and options.model != found.model
    if not renamed and (options.cost is None or facts.usage is None):
        return facts, body
    members = members_of(body)
    if renamed:
        members["model"] = json.raw(options.model)
    if facts.usage is not None and options.cost is not None:
        priced = openai_usage.with_money(members["usage"], facts.usage, facts.service_tier, options)
        members["usage"] = json.raw(priced)
        members.setdefault(FINGERPRINT, msgspec.Raw(b"null"))
    return facts, json.encode(members)


def _without_null_usage(raw: bytes) -> bytes:
    cut = raw.replace(b',"usage":null', b"", 1)  # as OpenAI spells it
    return cut if len(cut) < len(raw) else _NULL_USAGE.sub(b"", raw, count=1)


def _salvage(data: bytes, kind: type[Narrow], why: Exception) -> Narrow:
    """What can be read of an object with a member of an unknown shape. Raises Malformed for anything else."""
    try:
        members = members_of(data)
    except BROKEN:
        raise Malformed(f"not a completion: {why}") from None
    found = kind()
    for field in msgspec.structs.fields(kind):
        raw = members.get(field.name)
        if raw is not None:
            try:
                setattr(found, field.name, msgspec.json.decode(raw, type=field.type))
            except BROKEN:
                continue
    return found
