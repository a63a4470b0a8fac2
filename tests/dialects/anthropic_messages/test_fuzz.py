"""Every value of every golden case replaced by something else: readers refuse it, and never fall over."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sekisho.core.contract import ReplyOptions, TargetFacts
from sekisho.core.error import BadRequest, UpstreamError
from sekisho.dialects.anthropic_messages import DIALECT

GOLDEN = Path(__file__).parents[2] / "golden" / "anthropic_messages"
SUBSTITUTES: tuple[object, ...] = (None, -1, 1.5, True, "", "x", [], {}, [None], {"type": "text"}, 10**40)
OPTIONS = ReplyOptions(model="author/shown", cost=lambda _usage, _tier: 1)


def files(name: str) -> list[Path]:
    return sorted(GOLDEN.glob(f"*/{name}"))


def mutated(value: Any) -> Iterator[Any]:
    """`value` with each of its parts, in turn, replaced or left out."""
    yield from SUBSTITUTES
    if isinstance(value, dict):
        for name, inner in value.items():
            yield {other: kept for other, kept in value.items() if other != name}
            for changed in mutated(inner):
                yield {**value, name: changed}
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            for changed in mutated(inner):
                yield [*value[:index], changed, *value[index + 1 :]]


@pytest.mark.parametrize("path", files("request.json"), ids=lambda path: path.parent.name)
def test_a_request_is_read_and_written_or_refused(path: Path) -> None:
    for changed in mutated(msgspec.json.decode(path.read_bytes())):
        try:
            request = DIALECT.read_request(msgspec.json.encode(changed))
        except BadRequest:
            continue
        DIALECT.write_request(request, TargetFacts(model="claude-opus-5-5"))


@pytest.mark.parametrize("path", files("reply.json"), ids=lambda path: path.parent.name)
def test_an_answer_is_read_and_written_or_refused(path: Path) -> None:
    for changed in mutated(msgspec.json.decode(path.read_bytes())):
        body = msgspec.json.encode(changed)
        try:
            DIALECT.write_reply(DIALECT.read_reply(body), OPTIONS)
        except UpstreamError:
            continue
        DIALECT.unary_tap(body, OPTIONS)


@pytest.mark.parametrize("path", files("stream.sse"), ids=lambda path: path.parent.name)
def test_a_stream_is_read_and_written_or_refused(path: Path) -> None:
    frames = path.read_bytes().replace(b"\r\n", b"\n").split(b"\n\n")
    for index, frame in enumerate(frames):
        name, _, data = frame.partition(b"data: ")
        if not data:
            continue
        for changed in mutated(msgspec.json.decode(data)):
            piece = name + b"data: " + msgspec.json.encode(changed)
            stream = b"\n\n".join([*frames[:index], piece, *frames[index + 1 :]])
            reader, writer = DIALECT.stream_reader(), DIALECT.stream_writer(OPTIONS)
            try:
                writer.write(reader.feed(stream))
                writer.write(reader.finish())
            except UpstreamError:
                continue
            DIALECT.tap(OPTIONS).feed(stream)
