"""A provider's stream of semantic events, read into the hub's events.

https://platform.openai.com/docs/api-reference/responses-streaming (2026-11)

Every text is said several times: in deltas, when its part is done, when its item is done, and in the last
event. The reader takes the deltas, and of what came without any the first event that says it whole. Items
that the hub does not know, and pictures, are taken when they are done; what happens on the way to them (a
search's stages, a program's code) is dropped.

The stream is complete with `response.completed` or `response.incomplete`; what follows (some servers send
`[DONE]`) means nothing.
"""

from collections.abc import Sequence

import msgspec

from sekisho.core.error import BadRequest, Malformed, Truncated
from sekisho.core.event import End, Event, LogprobsDelta, Start
from sekisho.dialects.openai_responses import errors, finish, reply, usage
from sekisho.dialects.openai_responses.schema import WireEvent, WireResponse
from sekisho.dialects.openai_responses.shape import own, vendor_of
from sekisho.dialects.openai_responses.stream_parts import HANDLERS, PartReader
from sekisho.wire import json
from sekisho.wire.shape import BROKEN, Shape, given, refuse_bad_text
from sekisho.wire.sse import DONE, Frame, FrameDecoder

TEXT_DELTA = "response.output_text.delta"
BEGUN = ("response.created", "response.in_progress", "response.queued")
LAST = ("response.completed", "response.incomplete")
FAILED = "response.failed"
LIFE = frozenset((*BEGUN, *LAST, FAILED))
"""Events about the response as a whole."""

_event = msgspec.json.Decoder(WireEvent)
_response = Shape(WireResponse)


class ResponsesStreamReader:
    """One stream. See `core.contract.StreamReader`."""

    __slots__ = ("_done", "_frames", "_parts", "_start")

    def __init__(self) -> None:
        self._frames = FrameDecoder()
        self._start: Start | None = None
        self._parts = PartReader()
        self._done = False

    def feed(self, data: bytes) -> list[Event]:
        return self._read(self._frames.feed(data))

    def finish(self, *, needs_terminator: bool = True) -> list[Event]:  # noqa: ARG002 - the last event is one
        events = self._read(self._frames.finish())
        if not self._done:
            raise Truncated("the stream ended without response.completed")
        return events

    def _read(self, frames: Sequence[Frame]) -> list[Event]:
        events: list[Event] = []
        for frame in frames:
            if self._done:
                break  # nothing that follows belongs to the answer
            if frame.data and frame.data != DONE:
                try:
                    self._read_event(frame, events)
                except (*BROKEN, BadRequest) as error:
                    raise Malformed(f"an event that cannot be understood: {error}") from None
            elif self._start is None and not frame.data:
                errors.refuse_what_is_no_stream(frame.raw)
        return events

    def _read_event(self, frame: Frame, events: list[Event]) -> None:
        data = frame.data
        refuse_bad_text(data)
        event = _event.decode(data)
        kind = event.type
        if kind == TEXT_DELTA and self._start is not None:  # nearly always
            self._parts.text(event, events)
            if event.logprobs and bytes(event.logprobs) not in (b"[]", b"null"):
                events.append(LogprobsDelta(choice=0, raw=json.raw({"content": event.logprobs})))
            return
        if kind == "error" or frame.event == b"error" or given(event.error) is not None:
            raise errors.in_answer(data)
        if kind in LIFE:
            self._live(kind, event.response, events)
        elif not kind:
            errors.refuse(data)
        elif self._start is None:
            raise Malformed(f"{kind[:60]} before the response was created")
        else:
            handler = HANDLERS.get(kind)
            if handler is not None:
                handler(self._parts, event, events)

    def _live(self, kind: str, raw: msgspec.Raw, events: list[Event]) -> None:
        """An event about the response as a whole."""
        wire = _response.decode(raw)
        if kind == FAILED or wire.status in reply.FAILED:
            raise errors.failed(wire.status, given(wire.error))
        if self._start is None:
            self._start = _start(wire, raw)
            events.append(self._start)
        if kind in LAST:
            wire.status = wire.status or kind.removeprefix("response.")
            self._end(wire, raw, events)

    def _end(self, wire: WireResponse, raw: msgspec.Raw, events: list[Event]) -> None:
        self._done = True
        self._parts.close(events)
        if self._parts.empty:
            for place, item in enumerate(wire.output or ()):
                self._parts.item(item, place, events)
        said = own(self._start.vendor) if self._start is not None else {}
        kept = {name: value for name, value in reply.echo(raw).items() if said.get(name) != value}
        reason = wire.incomplete_details.reason if wire.incomplete_details else None
        events.append(
            End(
                finishes=(finish.read(wire.status, reason, called=self._parts.called),),
                usage=usage.read(wire.usage),
                service_tier=wire.service_tier,
                vendor=vendor_of(kept),
            )
        )


def _start(wire: WireResponse, raw: msgspec.Raw) -> Start:
    return Start(
        id=wire.id or "",
        model=wire.model or "",
        created=None if wire.created_at is None else int(wire.created_at),
        vendor=vendor_of(reply.echo(raw)),
    )
