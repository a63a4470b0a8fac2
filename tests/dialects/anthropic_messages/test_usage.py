"""Token counts, honest and hostile."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.core.usage import Usage
from sekisho.dialects.anthropic_messages import usage
from sekisho.wire.counts import LIMIT

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
COUNTS = st.dictionaries(
    st.sampled_from(
        (
            "input_tokens",
            "output_tokens",
            "cache_creation_input_tokens",
            "cache_read_input_tokens",
            "cache_creation",
            "output_tokens_details",
            "service_tier",
        )
    ),
    JSON
    | st.fixed_dictionaries(
        {},
        optional={
            "ephemeral_1h_input_tokens": JSON,
            "ephemeral_5m_input_tokens": JSON,
            "thinking_tokens": JSON,
        },
    ),
)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"input_tokens": 3, "output_tokens": 5}, Usage(input=3, output=5)),
        (
            {
                "input_tokens": 3,
                "cache_creation_input_tokens": 7,
                "cache_read_input_tokens": 11,
                "output_tokens": 5,
            },
            Usage(input=3, cache_write=7, cache_read=11, output=5),
        ),
        (
            {
                "input_tokens": 3,
                "cache_creation_input_tokens": 30,
                "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
                "output_tokens": 5,
                "output_tokens_details": {"thinking_tokens": 4},
            },
            Usage(input=3, cache_write=10, cache_write_1h=20, output=5, reasoning=4),
        ),
        # a stream's last count of cache writes has no split: what the split lacks is the default's
        (
            {
                "input_tokens": 0,
                "cache_creation_input_tokens": 50,
                "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
            },
            Usage(cache_write=30, cache_write_1h=20),
        ),
        ({"input_tokens": -4, "output_tokens": 10**30}, Usage(output=LIMIT)),
        ({"input_tokens": "9", "output_tokens": True, "cache_creation": [1]}, Usage()),
        ({"output_tokens": 2, "output_tokens_details": {"thinking_tokens": 9}}, Usage(output=2, reasoning=2)),
        ({}, None),
        (None, None),
        ([1], None),
    ],
)
def test_counts_are_read_into_kinds_that_do_not_overlap(counts: object, expected: Usage | None) -> None:
    assert usage.read(counts) == expected


@given(COUNTS, COUNTS)
def test_no_counts_can_break_the_reader(start: object, later: object) -> None:
    for found in (usage.merge(start, later), usage.merge(None, later), usage.merge(start, None)):
        counted = usage.read(msgspec.json.decode(msgspec.json.encode(found)))
        usage.tier(found)
        usage.rest(found)
        if counted is not None:
            assert all(0 <= count <= LIMIT for count in (counted.input, counted.output, counted.cache_read))
            assert counted.reasoning <= counted.output


def test_later_counts_win_and_zeros_do_not() -> None:
    start = {"input_tokens": 9, "cache_read_input_tokens": 4, "output_tokens": 1, "service_tier": "standard"}
    later = {"input_tokens": 0, "cache_read_input_tokens": None, "output_tokens": 30}
    merged = usage.merge(start, later)
    assert usage.read(merged) == Usage(input=9, cache_read=4, output=30)
    assert usage.tier(merged) == "standard"
