"""Laws of reading, writing and relaying streams."""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

from sekisho.core.contract import Dialect, ReplyOptions, Tap
from sekisho.core.error import Malformed, UpstreamError
from sekisho.core.estimate import measure
from sekisho.core.event import End, Event
from sekisho.core.fold import check, fold
from sekisho.core.message import Reasoning, Refusal, Text, ToolCall
from sekisho.core.reply import Reply
from sekisho.testkit.laws import content
from sekisho.testkit.laws.framing import Frame, frames
from sekisho.testkit.laws.refusal import refusal
from sekisho.testkit.laws.replies import AS_IT_CAME, SHOWN

HIDDEN = ReplyOptions(show_usage=False)
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""Part of the framing, like a chunk's size: it may be left out."""


def split(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    """`data` in pieces, cut at the given places (any order, out of range is fine)."""
    places = [0, *sorted({cut for cut in cuts if 0 < cut < len(data)}), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


def read(dialect: Dialect, pieces: Sequence[bytes]) -> list[Event]:
    """All events of a complete stream."""
    reader = dialect.stream_reader()
    events = [event for piece in pieces for event in reader.feed(piece)]
    return events + reader.finish()


def write(dialect: Dialect, events: Sequence[Event], options: ReplyOptions = AS_IT_CAME) -> bytes:
    """The whole stream, written event by event."""
    writer = dialect.stream_writer(options)
    return b"".join(writer.write([event]) for event in events)


def relay(dialect: Dialect, pieces: Sequence[bytes], options: ReplyOptions = AS_IT_CAME) -> tuple[Tap, bytes]:
    """The tap after the whole stream, and what it let through."""
    tap = dialect.tap(options)
    relayed = [tap.feed(piece) for piece in pieces]
    return tap, b"".join(relayed if tap.complete else [*relayed, tap.finish()])


def well_formed(dialect: Dialect, data: bytes) -> None:
    """The events keep the grammar of `core.event`."""
    _check(read(dialect, [data]))


def split_invariant(dialect: Dialect, data: bytes, cuts: Sequence[int]) -> None:
    """Reader and tap make the same of the same bytes, however the network cut them."""
    pieces = split(data, cuts)
    assert read(dialect, pieces) == read(dialect, [data]), f"the reader minds the cuts {sorted(cuts)}"
    whole, _ = relay(dialect, [data])
    tap, relayed = relay(dialect, pieces)
    assert relayed == data.removeprefix(BYTE_ORDER_MARK), (
        f"cut at {sorted(cuts)}, {data!r}\nwas relayed as {relayed!r}"
    )
    assert tap.facts == whole.facts, f"the tap minds the cuts {sorted(cuts)}"
    assert tap.started, "the tap saw no start"
    assert tap.complete, "the tap saw no end"


def round_trip(dialect: Dialect, data: bytes) -> None:
    """A dialect can stream every answer that it can read."""
    means_the_same(dialect, read(dialect, [data]))


def means_the_same(dialect: Dialect, events: Sequence[Event]) -> None:
    """Written and read back, one event at a time or all at once, the stream means what it meant."""
    meant = fold(events)
    for written in (write(dialect, events), dialect.stream_writer(AS_IT_CAME).write(events)):
        again = read(dialect, [written])
        _check(again)
        assert fold(again) == meant, f"meant {meant}\nwrote {written!r}\nread back {fold(again)}"


def idempotent(dialect: Dialect, data: bytes) -> None:
    """What was read from a written stream is written as the same bytes."""
    once = write(dialect, read(dialect, [data]))
    twice = write(dialect, read(dialect, [once]))
    assert twice == once, f"{once!r}\nbecame {twice!r}"


def same_as_unary(dialect: Dialect, data: bytes, body: bytes) -> None:
    """The stream folds into the whole answer that the provider would have given."""
    streamed, unary = fold(read(dialect, [data])), dialect.read_reply(body)
    assert content.plain(streamed) == content.plain(unary), f"streamed {streamed}\nunary    {unary}"


def tapped(dialect: Dialect, data: bytes) -> None:
    """The tap reads what the reader reads: usage, names, and how much text there was."""
    reply = fold(read(dialect, [data]))
    tap, _ = relay(dialect, [data])
    facts = tap.facts
    found = (facts.usage, facts.model, facts.upstream_id, facts.service_tier)
    expected = (reply.usage, reply.model, reply.id, reply.service_tier)
    assert found == expected, f"the tap reads {found}, the reader {expected}"
    assert (facts.output_ascii, facts.output_wide) == produced(reply), (
        f"the tap counts {facts.output_ascii} and {facts.output_wide} characters, it was {produced(reply)}"
    )


def shown(dialect: Dialect, data: bytes) -> None:
    """What options ask of a relayed or written stream changes nothing else, and metering still sees usage."""
    events = read(dialect, [data])
    reply = fold(events)
    _, relayed = relay(dialect, [data], SHOWN)
    for way, answer in (("relayed", relayed), ("written", write(dialect, events, SHOWN))):
        again = fold(read(dialect, [answer]))
        assert again.model == "author/shown", f"the {way} stream names the model {again.model}"
        assert (again.choices, again.usage) == (reply.choices, reply.usage), f"{way} as {again}\nwas {reply}"
        assert reply.usage is None or b"0.0015" in answer, f"no cost in {answer!r}"
    tap, relayed = relay(dialect, [data], HIDDEN)
    assert tap.facts.usage == reply.usage, "hiding usage from the client hid it from metering"
    for answer in (relayed, write(dialect, events, HIDDEN)):
        assert fold(read(dialect, [answer])).choices == reply.choices, f"hiding usage changed {answer!r}"


def cut_is_no_end(dialect: Dialect, data: bytes) -> None:
    """A stream cut anywhere before its terminator is incomplete, for the reader and for the tap. Where the
    dialect has none, the first frame that a clean end may follow stands for it."""
    found = frames(data)
    ends = len(found) - 1
    if not dialect.has_terminator:
        ends = next(count for count in range(len(found)) if _completes(dialect, _join(found[: count + 1])))
    terminator = len(_join(found[:ends]))
    reader, tap = dialect.stream_reader(), dialect.tap(AS_IT_CAME)
    for place in range(terminator):
        events = reader.feed(data[place : place + 1])
        assert not any(isinstance(event, End) for event in events), f"an end at byte {place} of {terminator}"
        tap.feed(data[place : place + 1])
        assert not tap.complete, f"the tap saw the end at byte {place} of {terminator}"
    boundaries = [len(_join(found[:count])) for count in range(ends + 1)]
    last = range(terminator, terminator + len(found[ends].raw))
    for place in {*boundaries, *(place - 1 for place in boundaries), *last}:
        if data[place : last.stop].strip():
            assert not _completes(dialect, data[:place]), f"complete, though cut at {place} of {len(data)}"


def read_is_total(dialect: Dialect, data: bytes) -> None:
    """Whatever a provider streams is understood and well formed, or the provider's error; never ours."""
    events: list[Event] = []
    refusal(lambda: events.extend(read(dialect, [data])), UpstreamError)
    if events:
        _check(events)
    for options in (AS_IT_CAME, SHOWN, HIDDEN):
        refusal(partial(relay, dialect, [data], options), UpstreamError)


def reports(dialect: Dialect, data: bytes) -> UpstreamError:
    """A stream in which the provider reports an error raises it, in the reader and in the tap alike.
    Returns it."""
    raised = []
    for feed in (dialect.stream_reader().feed, dialect.tap(AS_IT_CAME).feed):
        try:
            feed(data)
        except UpstreamError as error:
            raised.append(error)
    assert len(raised) == 2, f"of reader and tap only {len(raised)} raised the error in {data!r}"
    assert type(raised[0]) is type(raised[1]), f"the reader raised {raised[0]!r}, the tap {raised[1]!r}"
    return raised[0]


def produced(reply: Reply) -> tuple[int, int]:
    """(ASCII, other) characters of all that the model wrote."""
    narrow = wide = 0
    for choice in reply.choices:
        for part in choice.parts:
            match part:
                case Text(text=text) | Refusal(text=text) | Reasoning(text=text) | ToolCall(arguments=text):
                    measured = measure(text)
                    narrow, wide = narrow + measured[0], wide + measured[1]
                case _:
                    pass
    return narrow, wide


def _check(events: Sequence[Event]) -> None:
    broken = refusal(lambda: check(events), Malformed)
    assert broken is None, f"{broken} in {events}"


def _completes(dialect: Dialect, data: bytes) -> bool:
    tap = dialect.tap(AS_IT_CAME)
    try:
        tap.feed(data)
        read(dialect, [data])
    except UpstreamError:
        return tap.complete
    return True


def _join(found: Sequence[Frame]) -> bytes:
    return b"".join(frame.raw for frame in found)
