"""JSON as models write it, made JSON again; and what stays as it was."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.wire.repair import candidates

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def first(text: str, *, complete: bool = True) -> Any:
    found = next(candidates(text, complete=complete), None)
    return None if found is None else json.loads(found)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ('```json\n{"name": "Bob"}\n```', {"name": "Bob"}),
        ("Here it is:\n\n```\n[1, 2,]\n```\nAnything else?", [1, 2]),
        ('Here\'s the data you requested:\n{"name": "Charlie", "age": 25}', {"name": "Charlie", "age": 25}),
        ('Mind the {braces}: {"a": 1}', {"a": 1}),
        ('{"name": "David", "age": 35,}', {"name": "David", "age": 35}),
        ('{name: "Eve", "age": 40}', {"name": "Eve", "age": 40}),
        ("{'a': 'it is \"so\"', 'b': True, 'c': None}", {"a": 'it is "so"', "b": True, "c": None}),
        ("{“鍵”: “値”}", {"鍵": "値"}),
        ('{"a": 1 "b": [1 2]}', {"a": 1, "b": [1, 2]}),
        ('{"a": "two\nlines\tand \\"quotes\\" \\u95a2"}', {"a": 'two\nlines\tand "quotes" 関'}),
        ('{"a": 1, // why\n "b": /* not */ 2}', {"a": 1, "b": 2}),
        ('{"name": "Alice", "list": [1, {"x": "y', {"name": "Alice", "list": [1, {"x": "y"}]}),
        (
            '{"big": 123456789012345678901234567890, "e": 1.50e+3}',
            {"big": 123456789012345678901234567890, "e": 1500},
        ),
    ],
)
def test_what_models_spoil_is_repaired(text: str, meant: Any) -> None:
    assert first(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON at all",
        "{",
        "{a",
        "{a:",
        '{"a": maybe}',
        '{"a": 1.2.3}',
        '{"a": NaN}',
        "{1: 2}",
        "[" * 5000,
        "```",
    ],
)
def test_what_cannot_be_read_for_sure_is_left(text: str) -> None:
    assert first(text, complete=False) is None


def test_an_answer_that_was_cut_off_is_not_closed() -> None:
    assert first('{"a": [1, 2', complete=False) is None
    assert first('{"a": [1, 2') == {"a": [1, 2]}


@pytest.mark.parametrize(
    "text",
    ['{"a": maybe, "b": {"c": 1}}', '{"wrapped": {"c": 1}}', '{"code": "```json\\n{}\\n```"}', "[[1], NaN]"],
)
def test_no_part_is_taken_for_the_whole(text: str) -> None:
    assert all(len(json.dumps(json.loads(each))) > 10 for each in candidates(text, complete=True))


@given(VALUES)
def test_valid_json_is_itself(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False)
    assert next(candidates(text, complete=True)) == text.strip()


@given(st.text(alphabet="{}[]\"'`,:\\/*\n 1a“”-", max_size=200), st.booleans())
def test_whatever_comes_out_is_json(text: str, complete: bool) -> None:
    for found in candidates(text, complete=complete):
        json.loads(found)
