"""Every law of the testkit over every golden case, for every dialect and every pair of dialects."""

from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.core.contract import Dialect
from sekisho.core.error import SekishoError
from sekisho.core.fold import fold
from sekisho.dialects import (
    anthropic_messages,
    bedrock_converse,
    gemini_generate,
    openai_chat,
    openai_completions,
    openai_responses,
)
from sekisho.testkit import golden
from sekisho.testkit.laws import conservation, errors, replies, requests, streams

ROOT = Path(__file__).parents[1] / "golden"
CONVERSING = (
    openai_chat.DIALECT,
    anthropic_messages.DIALECT,
    bedrock_converse.DIALECT,
    gemini_generate.DIALECT,
    openai_responses.DIALECT,
)
"""Dialects that hold conversations, which must arrive in each other."""
DIALECTS = (*CONVERSING, openai_completions.DIALECT)
"""Completions have one prompt and nothing else: nearly every conversation is refused there with its losses,
so that there is nothing to conserve (see `openai_completions/test_pairs.py` for what there is)."""
EVERY_BYTE_BELOW = 2_000
"""Streams shorter than this are cut at every byte, longer ones where hypothesis says."""


def cases(*files: str) -> list[object]:
    return [
        pytest.param(dialect, case, id=f"{dialect.name}-{case.name}")
        for dialect in DIALECTS
        for case in golden.cases(ROOT, dialect.name)
        if all(getattr(case, file) is not None for file in files)
    ]


def pairs(file: str) -> list[object]:
    return [
        pytest.param(source, target, case, id=f"{source.name}-{target.name}-{case.name}")
        for source, target in permutations(CONVERSING, 2)
        for case in golden.cases(ROOT, source.name)
        if getattr(case, file) is not None
    ]


def each_dialect(test: Callable[..., None]) -> Callable[..., None]:
    return pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)(test)


def content_of(data: bytes | None) -> bytes:
    assert data is not None
    return data


# --- requests -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dialect", "case"), cases("request"))
def test_a_request_survives_its_own_dialect(dialect: Dialect, case: golden.Case) -> None:
    body = content_of(case.request)
    requests.round_trip(dialect, body)
    requests.idempotent(dialect, requests.read(dialect, body))


@pytest.mark.parametrize(("dialect", "case"), cases("request"))
def test_a_request_that_passes_through_asks_the_same_of_another_model(
    dialect: Dialect, case: golden.Case
) -> None:
    requests.spliced(dialect, content_of(case.request))


@pytest.mark.parametrize(("dialect", "case"), cases("request"))
def test_earlier_turns_stay_byte_for_byte(dialect: Dialect, case: golden.Case) -> None:
    request = requests.read(dialect, content_of(case.request))
    for target in CONVERSING:
        requests.stable_prefix(target, request)


@pytest.mark.parametrize(("source", "target", "case"), pairs("request"))
def test_a_request_arrives_in_another_dialect_or_its_losses_are_named(
    source: Dialect, target: Dialect, case: golden.Case
) -> None:
    conservation.request(source, target, content_of(case.request))


# --- whole answers --------------------------------------------------------------------------------


@pytest.mark.parametrize(("dialect", "case"), cases("reply"))
def test_a_reply_survives_its_own_dialect(dialect: Dialect, case: golden.Case) -> None:
    body = content_of(case.reply)
    replies.round_trip(dialect, body)
    replies.idempotent(dialect, dialect.read_reply(body))


@pytest.mark.parametrize(("dialect", "case"), cases("reply"))
def test_a_tapped_reply_is_read_right_and_changed_only_where_asked(
    dialect: Dialect, case: golden.Case
) -> None:
    replies.tapped(dialect, content_of(case.reply))
    replies.shown(dialect, content_of(case.reply))


@pytest.mark.parametrize(("source", "target", "case"), pairs("reply"))
def test_a_reply_says_the_same_in_another_dialect(
    source: Dialect, target: Dialect, case: golden.Case
) -> None:
    conservation.reply(source, target, content_of(case.reply))


# --- streams --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dialect", "case"), cases("stream"))
def test_a_stream_is_well_formed_and_survives_its_own_dialect(dialect: Dialect, case: golden.Case) -> None:
    data = content_of(case.stream)
    streams.well_formed(dialect, data)
    streams.round_trip(dialect, data)
    streams.idempotent(dialect, data)


@pytest.mark.parametrize(("dialect", "case"), cases("stream"))
def test_a_tapped_stream_is_read_right_and_changed_only_where_asked(
    dialect: Dialect, case: golden.Case
) -> None:
    streams.tapped(dialect, content_of(case.stream))
    streams.shown(dialect, content_of(case.stream))


@pytest.mark.parametrize(("dialect", "case"), cases("stream"))
def test_no_cut_of_a_stream_changes_what_is_read(dialect: Dialect, case: golden.Case) -> None:
    data = content_of(case.stream)
    streams.split_invariant(dialect, data, range(len(data)))
    if len(data) < EVERY_BYTE_BELOW:
        for place in range(len(data)):
            streams.split_invariant(dialect, data, [place])

    @settings(max_examples=25, deadline=None, database=None)
    @given(st.lists(st.integers(1, len(data)), min_size=1, max_size=12))
    def any_cuts(cuts: list[int]) -> None:
        streams.split_invariant(dialect, data, cuts)

    any_cuts()


@pytest.mark.parametrize(("dialect", "case"), cases("stream"))
def test_a_stream_cut_short_never_looks_complete(dialect: Dialect, case: golden.Case) -> None:
    streams.cut_is_no_end(dialect, content_of(case.stream))


@pytest.mark.parametrize(("dialect", "case"), cases("stream", "reply"))
def test_a_stream_means_what_the_whole_reply_says(dialect: Dialect, case: golden.Case) -> None:
    data, body = content_of(case.stream), content_of(case.reply)
    streams.same_as_unary(dialect, data, body)
    tap, _ = streams.relay(dialect, [data])
    facts, _ = dialect.unary_tap(body, replies.AS_IT_CAME)
    conservation.same_usage(
        fold(streams.read(dialect, [data])).usage,
        dialect.read_reply(body).usage,
        tap.facts.usage,
        facts.usage,
    )
    assert tap.facts.finish == facts.finish


@pytest.mark.parametrize(("source", "target", "case"), pairs("stream"))
def test_a_stream_says_the_same_in_another_dialect(
    source: Dialect, target: Dialect, case: golden.Case
) -> None:
    conservation.stream(source, target, content_of(case.stream))


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dialect", "case"),
    [
        pytest.param(dialect, case, id=f"{dialect.name}-{case.name}")
        for dialect in DIALECTS
        for case in golden.errors(ROOT, dialect.name)
    ],
)
def test_recorded_errors_are_understood(dialect: Dialect, case: golden.ErrorCase) -> None:
    errors.read_is_total(dialect, case.status, case.headers, case.body)


@pytest.mark.parametrize(
    ("dialect", "case"),
    [
        pytest.param(dialect, case, id=f"{dialect.name}-{case.name}")
        for dialect in DIALECTS
        for case in golden.broken_streams(ROOT, dialect.name)
    ],
)
def test_an_error_within_a_stream_is_raised(dialect: Dialect, case: golden.Case) -> None:
    streams.reports(dialect, content_of(case.stream))


header = st.tuples(
    st.sampled_from([b"retry-after", b"retry-after-ms", b"x-should-retry", b"content-type"]),
    st.one_of(st.binary(max_size=12), st.sampled_from([b"3", b"0.5", b"-1", b"nan", b"inf", b"1e400"])),
)
words = st.text(max_size=12) | st.none() | st.integers() | st.booleans()
error_body = st.one_of(
    st.binary(max_size=60),
    st.just(b"<html><body>502 Bad Gateway</body></html>"),
    st.recursive(
        words,
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(st.sampled_from(["error", "message", "type", "code", "param", "detail"]), inner)
        ),
        max_leaves=6,
    ).map(msgspec.json.encode),
)


@each_dialect
@settings(max_examples=200, deadline=None, database=None)
@given(st.integers(300, 599), st.lists(header, max_size=3), error_body)
def test_any_answer_of_a_provider_is_an_error_of_the_tree(
    dialect: Dialect, status: int, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    errors.read_is_total(dialect, status, headers, body)


@pytest.mark.parametrize("leaf", sorted(set(errors.leaves()), key=lambda leaf: leaf.__name__))
@each_dialect
def test_every_error_is_written_in_the_dialects_shape(dialect: Dialect, leaf: type[SekishoError]) -> None:
    error = leaf('what was "wrong"\nhere: 関所')
    errors.written_in_shape(dialect, error)
    errors.frame_ends_a_stream(dialect, error)
