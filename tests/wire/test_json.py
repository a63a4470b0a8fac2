import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.core.error import BadRequest
from sekisho.wire import json

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def test_members_keep_their_bytes_and_their_order() -> None:
    body = b'{ "model" :"a", "n": 1.00, "messages": [ {"b": 1,\t"a":2} ], "x": "\\u95a2" }'
    members = json.members(body)
    assert list(members) == ["model", "n", "messages", "x"]
    assert json.encode(members) == (b'{"model":"a","n":1.00,"messages":[ {"b": 1,\t"a":2} ],"x":"\\u95a2"}')


@given(st.dictionaries(st.text(), values))
def test_an_object_taken_apart_and_put_together_is_the_same(value: dict[str, object]) -> None:
    body = json.encode(value)
    assert json.encode(json.members(body)) == body
    assert json.decode(json.raw(value)) == json.decode(body)


@given(st.lists(st.tuples(st.text(max_size=2), values), min_size=1), st.lists(st.sampled_from(" \t\r\n")))
def test_a_member_that_stands_twice_is_noticed_whatever_the_white_space(
    pairs: list[tuple[str, object]], blanks: list[str]
) -> None:
    blank = "".join(blanks).encode()
    written = [blank.join((b"", json.encode(name), b":", json.encode(value), b"")) for name, value in pairs]
    body = blank + b"{" + b",".join(written) + b"}" + blank
    once = len({name for name, _ in pairs}) == len(pairs)
    assert json.holds_each_once(body, json.members(body)) is once


def test_a_name_that_stands_twice_in_two_spellings_is_noticed() -> None:
    body = rb'{"model": "a", "\u006dodel": "b"}'
    assert not json.holds_each_once(body, json.members(body))


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'"x"', b"{", b'{"a":1', b'{"a":1}x', b"\xff", b"{'a':1}"]
)
def test_a_body_that_is_no_object_is_the_clients_mistake(body: bytes) -> None:
    with pytest.raises(BadRequest, match="not a JSON object"):
        json.members(body)


@pytest.mark.parametrize("depth", [10_000, 1_000_000])
def test_a_body_nested_without_end_is_the_clients_mistake(depth: int) -> None:
    with pytest.raises(BadRequest):
        json.members(b'{"a":' + b"[" * depth)
    with pytest.raises(msgspec.DecodeError):
        json.decode(b"[" * depth)


def test_invalid_json_is_a_decode_error() -> None:
    with pytest.raises(msgspec.DecodeError):
        json.decode(b"{")


# --- how much a text holds --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "item", [b"1", b"[]", b"{}", b'"a"', b'{"a":1}', b'{ "a" : "b" }', b'"\\\\"', b'[[1],{"":2}]', b'"\\""']
)
def test_more_values_than_allowed_are_noticed_whatever_they_are(item: bytes) -> None:
    assert json.holds_more_than(b'{"m":[' + b", ".join([item] * 5000) + b"]}", 1000)
    assert not json.holds_more_than(b'{"m":[' + b", ".join([item] * 100) + b"]}", 1000)


@pytest.mark.parametrize("text", ["a, b", '{"a":[1,2]}', "[[[[", '"', "\\", '\\"', ',"', '{"\\'])
def test_text_counts_as_one_value_whatever_stands_in_it(text: str) -> None:
    assert not json.holds_more_than(json.encode({"content": [text * 5000]}), 1000)
