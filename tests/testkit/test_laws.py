"""Every law catches the fault it is there for: a dialect that works, with one thing broken at a time."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sekisho.core.contract import Dialect, Facts, Loss, ReplyOptions, TargetFacts, Written
from sekisho.core.error import Malformed, SekishoError, UpstreamError
from sekisho.core.event import End, Event, TextDelta
from sekisho.core.message import Document, Link, Message, Text
from sekisho.core.request import Request
from sekisho.dialects import openai_chat
from sekisho.testkit import golden
from sekisho.testkit.laws import conservation, errors, replies, requests, streams

GOOD = openai_chat.DIALECT
CASES = {case.name: case for case in golden.cases(Path(__file__).parents[1] / "golden", GOOD.name)}

UNSPEAKABLE = Request(
    model="m",
    messages=(
        Message(
            role="user", parts=(Document(source=Link(url="https://example.com/a.pdf")), Text(text="Hm?"))
        ),
    ),
)


def request(name: str) -> bytes:
    return CASES[name].request or b""


def reply(name: str = "text") -> bytes:
    return CASES[name].reply or b""


def stream(name: str = "text") -> bytes:
    return CASES[name].stream or b""


class Reader:
    """A stream reader that spoils the events of a good one."""

    def __init__(self, spoil: Callable[[list[Event]], list[Event]]) -> None:
        self._inner = GOOD.stream_reader()
        self._spoil = spoil

    def feed(self, data: bytes) -> list[Event]:
        return self._spoil(self._inner.feed(data))

    def finish(self) -> list[Event]:
        return self._inner.finish()


class Writer:
    """A stream writer that leaves out some events."""

    def __init__(self, keep: Callable[[Event], bool], options: ReplyOptions) -> None:
        self._inner = GOOD.stream_writer(options)
        self._keep = keep

    def write(self, events: Sequence[Event]) -> bytes:
        return self._inner.write([event for event in events if self._keep(event)])


class Tap:
    """A stream tap that spoils what a good one relays, and believes too much."""

    def __init__(self, options: ReplyOptions, *, relayed: bytes = b"", eager: bool = False) -> None:
        self._inner = GOOD.tap(options)
        self._relayed = relayed
        self._eager = eager

    @property
    def facts(self) -> Facts:
        return self._inner.facts

    @property
    def started(self) -> bool:
        return self._inner.started

    @property
    def complete(self) -> bool:
        return self._inner.complete or (self._eager and self._inner.facts.finish is not None)

    def feed(self, data: bytes) -> bytes:
        return self._inner.feed(data) + self._relayed


def writing(change: Callable[[Written], Written]) -> Dialect:
    return replace(GOOD, write_request=lambda asked, target: change(GOOD.write_request(asked, target)))


def reading_streams(spoil: Callable[[list[Event]], list[Event]]) -> Dialect:
    return replace(GOOD, stream_reader=lambda: Reader(spoil))


def forgetful(asked: Any, target: TargetFacts) -> Written:
    return GOOD.write_request(msgspec.structs.replace(asked, messages=asked.messages[-1:]), target)


def swapped(asked: Any, target: TargetFacts) -> Written:
    """Marks the last message, so that its bytes change when it no longer is the last."""
    *earlier, last = asked.messages
    marked = msgspec.structs.replace(last, name=f"message_{len(earlier)}")
    return GOOD.write_request(msgspec.structs.replace(asked, messages=(*earlier, marked)), target)


def silent(written: Written) -> Written:
    return replace(written, losses=())


def knobs(written: Written) -> Written:
    return replace(written, losses=tuple(replace(loss, content=False) for loss in written.losses))


def timid(written: Written) -> Written:
    more = Loss("messages.0.parts.1", "who knows", content=True)
    return replace(written, losses=(*written.losses, more))


def late(events: list[Event]) -> list[Event]:
    return [event for event in events if not isinstance(event, End)]


def twice(events: list[Event]) -> list[Event]:
    return [piece for event in events for piece in ([event] * 2 if isinstance(event, TextDelta) else [event])]


def by_pieces(events: list[Event]) -> list[Event]:
    """What a reader does that cannot hold half an event."""
    return events if len(events) > 1 else []


def adding(members: Any, target: TargetFacts) -> bool:
    members["temperature"] = msgspec.Raw(b"1")
    return GOOD.patch_request(members, target)


def upset(status: int, headers: Any, body: bytes) -> UpstreamError:
    return UpstreamError("it failed", provider_status=status)


def wordy(error: SekishoError, request_id: str) -> bytes:
    return msgspec.json.encode({"error": {"message": error.message, "id": request_id}})


def unread(data: bytes) -> Any:
    return msgspec.json.decode(data)["model"]


def muted(body: bytes) -> Any:
    answer = GOOD.read_reply(body)
    choices = tuple(msgspec.structs.replace(choice, parts=(Text(text="?"),)) for choice in answer.choices)
    return msgspec.structs.replace(answer, choices=choices)


FAULTS: dict[str, Callable[[], object]] = {
    "a message forgotten": lambda: requests.round_trip(
        replace(GOOD, write_request=forgetful), request("tool_results")
    ),
    "a loss not named": lambda: requests.honest(writing(silent), UNSPEAKABLE),
    "a lost document called a knob": lambda: requests.honest(writing(knobs), UNSPEAKABLE),
    "a loss of what is there": lambda: requests.honest(writing(timid), UNSPEAKABLE),
    "earlier bytes changed": lambda: requests.stable_prefix(
        replace(GOOD, write_request=swapped), GOOD.read_request(request("tool_results"))
    ),
    "a member added in passing": lambda: requests.spliced(
        replace(GOOD, patch_request=adding), request("text")
    ),
    "a request refused by an error of ours": lambda: requests.read_is_total(
        replace(GOOD, read_request=unread), b"{}"
    ),
    "a reply read as something else": lambda: conservation.reply(
        GOOD, replace(GOOD, read_reply=muted), reply()
    ),
    "a reply changed in passing": lambda: replies.tapped(
        replace(GOOD, unary_tap=lambda body, options: (GOOD.unary_tap(body, options)[0], body + b" ")),
        reply(),
    ),
    "usage not tapped": lambda: replies.tapped(
        replace(GOOD, unary_tap=lambda body, options: (Facts(), body)), reply()
    ),
    "options not followed": lambda: replies.shown(
        replace(GOOD, write_reply=lambda answer, _: GOOD.write_reply(answer, ReplyOptions())), reply()
    ),
    "a stream without an end": lambda: streams.round_trip(reading_streams(late), stream()),
    "text doubled": lambda: streams.same_as_unary(reading_streams(twice), stream(), reply()),
    "half an event lost": lambda: streams.split_invariant(
        reading_streams(by_pieces), stream(), range(len(stream()))
    ),
    "text not written": lambda: conservation.stream(
        GOOD,
        replace(
            GOOD,
            stream_writer=lambda options: Writer(lambda event: not isinstance(event, TextDelta), options),
        ),
        stream(),
    ),
    "bytes added to a stream": lambda: streams.split_invariant(
        replace(GOOD, tap=lambda options: Tap(options, relayed=b"\n")), stream(), [7]
    ),
    "an end seen too early": lambda: streams.cut_is_no_end(
        replace(GOOD, tap=lambda options: Tap(options, eager=True)), stream()
    ),
    "an error without a leaf": lambda: errors.read_is_total(replace(GOOD, read_error=upset), 500, (), b""),
    "an inner text told": lambda: errors.written_in_shape(
        replace(GOOD, write_error=wordy), errors.InternalError("the secret plan")
    ),
    "an error that no reader sees": lambda: errors.frame_ends_a_stream(
        replace(GOOD, write_error_frame=lambda error, *_: b"data: {}\n\n"), Malformed("x")
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_law_catches_the_fault_it_is_there_for(fault: str) -> None:
    with pytest.raises((AssertionError, KeyError, SekishoError)):
        FAULTS[fault]()
