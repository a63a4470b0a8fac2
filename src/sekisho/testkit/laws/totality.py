"""Whatever arrives is translated into every dialect, or refused with an error of the tree. Nothing else is
raised, whatever the bytes, and what was written can be read by whom it was written for.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import msgspec

from sekisho.core.contract import Dialect, Headers, TargetFacts
from sekisho.core.error import BadRequest, InternalError, Malformed, SekishoError, UpstreamError
from sekisho.core.event import End, Event
from sekisho.core.fold import check
from sekisho.core.message import Message, Reasoning, RedactedReasoning, Refusal, Text
from sekisho.core.request import Request
from sekisho.pipeline import provenance
from sekisho.testkit.laws import errors, replies, requests, streams
from sekisho.testkit.laws.refusal import refusal
from sekisho.wire import json

REQUEST_ID = "req_0123456789"
FACTS = TargetFacts(model="upstream/model", max_output=4096)
Read = TypeVar("Read")


def request(source: Dialect, targets: Sequence[Dialect], body: bytes) -> None:
    """A client's request, to providers of every dialect."""
    requests.read_is_total(source, body)
    _passes_through(source, body)
    asked = _read(lambda: source.read_request(body), BadRequest)
    if asked is None:
        return
    for target in targets:
        _request_to(source, target, asked)


def reply(source: Dialect, targets: Sequence[Dialect], body: bytes) -> None:
    """A provider's answer, to clients of every dialect."""
    replies.read_is_total(source, body)
    said = _read(lambda: source.read_reply(body), UpstreamError)
    if said is None:
        return
    sealed = provenance.seal_reply(said, source.name)
    for target in targets:
        written = _typed(partial(target.write_reply, sealed, replies.SHOWN))
        if written is not None:
            _readable(target, written, partial(target.read_reply, written))


def stream(source: Dialect, targets: Sequence[Dialect], pieces: Sequence[bytes]) -> None:
    """A provider's stream, to clients of every dialect; however it was cut, the same becomes of it."""
    data = b"".join(pieces)
    streams.read_is_total(source, data)
    whole, cut = (_outcome(partial(streams.read, source, into)) for into in ([data], pieces))
    assert whole == cut, f"the reader makes {whole} of the whole, and {cut} of pieces"
    events = _read(lambda: streams.read(source, pieces), UpstreamError)
    if not events:
        return
    sealer = provenance.StreamSealer(source.name)
    sealed = [made for event in events for made in sealer.seal([event])]
    for target in targets:
        _stream_to(target, sealed)


def error(source: Dialect, targets: Sequence[Dialect], status: int, headers: Headers, body: bytes) -> None:
    """A provider's error, to clients of every dialect."""
    said = errors.read_is_total(source, status, headers, body)
    for target in targets:
        errors.written_in_shape(target, said)
        errors.frame_ends_a_stream(target, said)


def _passes_through(dialect: Dialect, body: bytes) -> None:
    """What is done to a request on its way to a provider of its own dialect."""
    found = _read(lambda: json.members(body), BadRequest)
    if found is None:
        return
    refused = refusal(lambda: dialect.check_members(found), BadRequest)
    if refused is None:
        for change in (dialect.patch_request, dialect.cache_marks.place):
            _typed(partial(change, dict(found), FACTS))
        _typed(lambda: dialect.cache_marks.strip(found))
        _typed(lambda: json.encode(found))
    counted = _read(lambda: dialect.token_counting.unwrap(body), BadRequest)
    if counted is not None:
        _typed(lambda: dialect.token_counting.wrap(counted))


def _request_to(source: Dialect, target: Dialect, asked: Request) -> None:
    opened, _ = provenance.open_request(asked, source.name, target.name)
    written = _typed(lambda: target.write_request(opened, FACTS))
    if written is None:
        return
    found = json.members(written.body)
    _typed(lambda: target.cache_marks.place(found, FACTS))
    _typed(lambda: target.cache_marks.strip(found))
    # Instructions alone, blank texts, or what is left after losses may be no conversation to the target.
    if any(map(_speaks, opened.messages)) and not any(loss.content for loss in written.losses):
        _readable(target, written.body, lambda: target.read_request(written.body))


def _speaks(message: Message) -> bool:
    """Whether the message is one in every dialect."""
    texts = Text | Refusal | Reasoning | RedactedReasoning
    return message.role in ("user", "assistant") and any(
        part.text.strip() if isinstance(part, Text) else not isinstance(part, texts) for part in message.parts
    )


def _stream_to(target: Dialect, events: Sequence[Event]) -> None:
    written = _typed(lambda: streams.write(target, events, replies.SHOWN))
    if written is None:
        return
    heard = _readable(target, written, lambda: streams.read(target, [written]))
    broken = refusal(lambda: check(heard), Malformed)
    assert broken is None, f"{target.name} wrote {broken}: {written!r}"
    assert any(isinstance(event, End) for event in heard), f"{target.name} wrote no end: {written!r}"


def _readable(dialect: Dialect, written: bytes, read: Callable[[], Read]) -> Read:
    try:
        return read()
    except SekishoError as refused:
        raise AssertionError(
            f"{dialect.name} refuses what it wrote: {refused.message}\nin {written!r}"
        ) from refused


def _typed(write: Callable[[], Read]) -> Read | None:
    """What was written; None: it was refused in a way that the pipeline knows."""
    try:
        return write()
    except InternalError:
        raise
    except SekishoError:
        return None


def _read(read: Callable[[], Read], kind: type[SekishoError]) -> Read | None:
    try:
        return read()
    except kind:
        return None


def _outcome(read: Callable[[], list[Event]]) -> str:
    """What became of a stream, to compare."""
    try:
        return repr(msgspec.json.encode(read()))
    except UpstreamError as refused:
        return type(refused).__name__
