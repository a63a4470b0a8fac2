"""Whatever arrives, from a client or a provider, is understood or is an error of theirs: golden bytes with
one value changed, bytes of any kind, and nesting without end."""

from collections.abc import Callable, Iterator
from pathlib import Path as File
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.core.contract import Dialect
from sekisho.dialects import (
    anthropic_messages,
    bedrock_converse,
    gemini_generate,
    openai_chat,
    openai_completions,
    openai_responses,
)
from sekisho.testkit import golden
from sekisho.testkit.laws import errors, framing, replies, requests, streams

ROOT = File(__file__).parents[1] / "golden"
DIALECTS = (
    openai_chat.DIALECT,
    anthropic_messages.DIALECT,
    bedrock_converse.DIALECT,
    gemini_generate.DIALECT,
    openai_completions.DIALECT,
    openai_responses.DIALECT,
)
DEEP = 100_000

Path = tuple[str | int, ...]
gone = object()
wrong = st.sampled_from(
    [
        gone,
        None,
        True,
        -1,
        1e300,
        "",
        "x",
        "\x00関",
        [],
        [None],
        ["x"],
        [[]],
        [{}],
        {},
        {"type": "x"},
        {"text": 1},
    ]
)


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    yield path
    if isinstance(value, dict):
        for name, member in value.items():
            yield from paths(member, (*path, name))
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from paths(item, (*path, index))


def changed(value: Any, path: Path, new: Any) -> Any:
    if not path:
        return None if new is gone else new
    copy = dict(value) if isinstance(value, dict) else list(value)
    if len(path) == 1 and new is gone:
        del copy[path[0]]
    else:
        copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


@st.composite
def mutants(draw: Callable[..., Any], body: bytes) -> bytes:
    value = msgspec.json.decode(body)
    path = draw(st.sampled_from(list(paths(value))))
    return msgspec.json.encode(changed(value, path, draw(wrong)))


@st.composite
def torn(draw: Callable[..., Any], body: bytes) -> bytes:
    """`body` with one byte gone wrong, which may leave text that is not UTF-8."""
    place = draw(st.integers(0, len(body) - 1))
    return (
        body[:place]
        + draw(st.sampled_from([b"", b"\xff", b"\x00", b'"', b"\\", b"\\ud83d"]))
        + body[place + 1 :]
    )


@st.composite
def mutant_streams(draw: Callable[..., Any], data: bytes) -> bytes:
    frames = framing.frames(data)
    chosen = draw(st.integers(0, len(frames) - 1))
    frame = frames[chosen]
    kind = draw(st.sampled_from(["change", "drop", "double"]))
    if kind == "change" and frame.data.startswith(b"{"):
        raw = framing.carrying(frame, draw(mutants(frame.data)))
    else:
        raw = b"" if kind == "drop" else frame.raw * 2
    raws = [other.raw for other in frames]
    return b"".join([*raws[:chosen], raw, *raws[chosen + 1 :]])


def over_cases(file: str, law: Callable[[Dialect, bytes], None], mutate: Callable[[bytes], Any]) -> Any:
    """A test that applies `law` to changed bytes of every case."""

    @pytest.mark.parametrize(
        ("dialect", "body"),
        [
            pytest.param(dialect, body, id=f"{dialect.name}-{case.name}")
            for dialect in DIALECTS
            for case in golden.cases(ROOT, dialect.name)
            if (body := getattr(case, file)) is not None
        ],
    )
    def test(dialect: Dialect, body: bytes) -> None:
        @settings(max_examples=100, deadline=None, database=None)
        @given(mutate(body) | torn(body))
        def any_change(data: bytes) -> None:
            law(dialect, data)

        any_change()

    return test


test_a_request_with_one_wrong_value_is_understood_or_refused = over_cases(
    "request", requests.read_is_total, mutants
)
test_a_reply_with_one_wrong_value_is_understood_or_the_providers_fault = over_cases(
    "reply", replies.read_is_total, mutants
)
test_a_stream_with_one_wrong_value_is_understood_or_the_providers_fault = over_cases(
    "stream", streams.read_is_total, mutant_streams
)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@settings(max_examples=100, deadline=None, database=None)
@given(st.binary(max_size=40))
def test_bytes_of_any_kind_are_refused(dialect: Dialect, data: bytes) -> None:
    requests.read_is_total(dialect, data)
    replies.read_is_total(dialect, data)
    streams.read_is_total(dialect, b"data: " + data + b"\n\n")


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize(
    "member",
    ["model", "messages", "input", "tools", "choices", "output", "response", "content", "error", "x"],
)
def test_nesting_without_end_is_refused(dialect: Dialect, member: str) -> None:
    for nest in (b"[" * DEEP, b"[" * DEEP + b"]" * DEEP, b'{"a":' * DEEP + b"1" + b"}" * DEEP):
        body = b'{"%s":%s}' % (member.encode(), nest)
        requests.read_is_total(dialect, body)
        replies.read_is_total(dialect, body)
        streams.read_is_total(dialect, b"data: " + body + b"\n\n")
        errors.read_is_total(dialect, 500, (), body)
