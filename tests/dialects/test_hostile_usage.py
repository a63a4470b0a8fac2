"""What a provider says of usage is taken for numbers of tokens, whatever it is: never below nothing, never
beyond what a call can have, no part above its whole, and no cost below nothing."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.app import DIALECTS
from sekisho.core.contract import Dialect
from sekisho.core.error import UpstreamError
from sekisho.core.fold import fold
from sekisho.core.money import Rates, cost
from sekisho.core.usage import Usage
from sekisho.testkit import golden
from sekisho.testkit.golden import Case
from sekisho.testkit.laws import framing, replies, streams
from sekisho.wire.counts import LIMIT

ROOT = Path(__file__).parents[1] / "golden"
PLACES = frozenset({"usage", "usageMetadata"})
HOSTILE = (
    -1,
    -(10**18),
    10**12,
    2**63,
    10**30,
    1e308,
    -0.5,
    1.5,
    None,
    True,
    "7",
    "-7",
    [],
    [7],
    {},
    {"x": 7},
)
RATES = Rates(input=10**9, output=10**10, input_audio=1, output_audio=1, cache_read=10**8)
"""Audio for less than text: a part above its whole would take money back."""
each = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda dialect: dialect.name)
counts = st.sampled_from((*HOSTILE, 0, 1, 1000)) | st.integers(-5, 5000)


def struck(value: Any, draw: Callable[[], Any], *, within: bool = False) -> Any:
    """`value` with every number that `usage` holds in it replaced."""
    if isinstance(value, dict):
        return {name: struck(item, draw, within=within or name in PLACES) for name, item in value.items()}
    if isinstance(value, list):
        return [struck(item, draw, within=within) for item in value]
    return draw() if within and isinstance(value, int | float) else value


def sane(usage: Usage | None) -> None:
    if usage is None:
        return
    for name in Usage.__struct_fields__:
        value = getattr(usage, name)
        assert type(value) is (bool if name == "estimated" else int), (name, value)
        assert 0 <= value <= 2 * LIMIT, (name, value)  # some are sums of two
    assert usage.input_audio <= usage.input
    assert max(usage.reasoning, usage.output_audio) <= usage.output
    assert cost(usage, RATES) >= 0


def refusable(read: Callable[[], Usage | None]) -> None:
    with suppress(UpstreamError):
        sane(read())


def changed(data: bytes, draw: Callable[[], Any]) -> bytes:
    return msgspec.json.encode(struck(msgspec.json.decode(data), draw))


def changed_stream(data: bytes, draw: Callable[[], Any]) -> bytes:
    return b"".join(
        framing.carrying(frame, changed(frame.data, draw)) if frame.data.startswith(b"{") else frame.raw
        for frame in framing.frames(data)
    )


def law(dialect: Dialect, case: Case, draw: Callable[[], Any]) -> None:
    if case.reply is not None:
        body = changed(case.reply, draw)
        refusable(lambda: dialect.read_reply(body).usage)
        refusable(lambda: dialect.unary_tap(body, replies.AS_IT_CAME)[0].usage)
    if case.stream is not None:
        stream = changed_stream(case.stream, draw)
        refusable(lambda: fold(streams.read(dialect, [stream])).usage)
        refusable(lambda: streams.relay(dialect, [stream])[0].facts.usage)


@each
def test_counts_of_any_kind_are_numbers_of_tokens(dialect: Dialect) -> None:
    told = [
        case
        for case in golden.cases(ROOT, dialect.name)
        if any(b'"usage' in (data or b"") for data in (case.reply, case.stream))
    ]
    assert told

    @settings(max_examples=5, deadline=None, database=None)
    @given(st.data())
    def any_counts(data: st.DataObject) -> None:
        def draw() -> Any:
            return data.draw(counts)

        law(dialect, case, draw)

    for case in told:
        for number in HOSTILE:
            law(dialect, case, partial(next, repeat(number)))
        any_counts()
