"""Edits by JSON Pointer: what they reach, what they make on their way, and that all else keeps its bytes."""

import json as stdlib
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sekisho.core.error import BadRequest
from sekisho.core.provider import BodyEdit
from sekisho.wire import json, pointer

BODY = '{"a":{"b":[1.50, {"c":"\\u3042"}],"~/":1e3},"n":null,"s":"text","":{"":0}}'


def edited(body: str, *edits: tuple[str, Any]) -> str:
    members = json.members(body.encode())
    pointer.apply(members, [edit(place, value) for place, value in edits])
    return json.encode(members).decode()


def edit(place: str, value: Any) -> BodyEdit:
    return BodyEdit(pointer.parse(place), None if value is GONE else json.raw(value))


GONE = object()


@pytest.mark.parametrize(
    ("body", "place", "value", "expected"),
    [
        ('{"a":{"x": 1.50}}', "/a/b", [1], '{"a":{"x":1.50,"b":[1]}}'),
        ('{"a":{"b":0}}', "/a/b", None, '{"a":{"b":null}}'),
        ("{}", "/a/b/c", 1, '{"a":{"b":{"c":1}}}'),
        ('{"a":null}', "/a/b", 1, '{"a":{"b":1}}'),
        ('{"a":[1.0]}', "/a/-", 2, '{"a":[1.0,2]}'),
        ("{}", "/a/-", 2, '{"a":[2]}'),
        ("{}", "/a/-/b", 2, '{"a":[{"b":2}]}'),
        ("{}", "/a/0", 2, '{"a":{"0":2}}'),
        ('{"a":[1,{"b":1e3}]}', "/a/1/c", 2, '{"a":[1,{"b":1e3,"c":2}]}'),
        ('{"a":[1,2]}', "/a/1", 3, '{"a":[1,3]}'),
        ("{}", "/~01/~1~0", 1, '{"~1":{"/~":1}}'),
        ('{"":{"":0}}', "//", 1, '{"":{"":1}}'),
        ('{"a":{"b":1,"c":2}}', "/a/b", GONE, '{"a":{"c":2}}'),
        ('{"a":1,"b":2.0}', "/a", GONE, '{"b":2.0}'),
        ('{"a":[1, 2,3]}', "/a/1", GONE, '{"a":[1,3]}'),
        ('{"a":[1,{"b":[{"c":1}]}]}', "/a/1/b/0/c", GONE, '{"a":[1,{"b":[{}]}]}'),
    ],
)
def test_an_edit_reaches_its_place(body: str, place: str, value: Any, expected: str) -> None:
    assert edited(body, (place, value)) == expected


@pytest.mark.parametrize(
    "place", ["/x", "/a/x", "/a/b/2", "/a/b/-", "/a/b/01", "/a/b/-1", "/a/b/0/x", "/s/x", "/n/x", "/a/x/y"]
)
def test_a_delete_of_what_is_not_there_changes_nothing(place: str) -> None:
    assert edited(BODY, (place, GONE)) == BODY


@pytest.mark.parametrize("place", ["/s/x", "/s/-", "/s/0", "/a/b/0/x", "/a/~0~1/x"])
def test_a_set_through_a_single_value_is_refused(place: str) -> None:
    with pytest.raises(pointer.Unfit, match="single value"):
        edited(BODY, (place, 1))


@pytest.mark.parametrize("place", ["/a/b/2", "/a/b/00", "/a/b/x", "/a/b/2/c", "/a/b/99999999999"])
def test_a_set_of_an_item_that_is_not_there_is_refused(place: str) -> None:
    with pytest.raises(pointer.OutOfRange, match="2 items"):
        edited(BODY, (place, 1))


@pytest.mark.parametrize("text", ["", "a", "a/b", "/~", "/a~2", "/~~0", "/a" * 33])
def test_what_is_no_pointer_to_a_member_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must|~|deeper"):
        pointer.parse(text)


@pytest.mark.parametrize("body", [b'{"a":{"b" 1}}', b'{"a":{"\xff":1}}', b'{"a":[1 2]}'])
def test_a_value_on_the_way_that_is_no_json_is_the_clients_mistake(body: bytes) -> None:
    members = {"a": msgspec.Raw(body[5:-1])}
    with pytest.raises(BadRequest) as caught:
        pointer.apply(members, [edit("/a/b", 1)])
    assert caught.value.param == "a"


def test_edits_that_can_never_be_made_together_are_known_ahead() -> None:
    assert pointer.clash([edit("/a", "x"), edit("/a/b", 1)])
    assert pointer.clash([edit("/a/b/c", 1), edit("/a/b", 2), edit("/a/b/-", 3)])
    assert pointer.clash([edit("/a/b", 1), edit("/a", GONE), edit("/a/b/c", 1)]) is None
    assert pointer.clash([edit("/a/-", 1), edit("/a/7", 1)]) is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab/~-0"), inner, max_size=3),
)
PLACES = st.lists(st.sampled_from(["a", "b", "/", "~", "-", "0", "1", ""]), min_size=1, max_size=4).map(tuple)


def reached(body: Any, place: pointer.Pointer) -> list[Any]:
    """What stands at a place, in a list; an empty list: nothing."""
    for name in place:
        if isinstance(body, dict) and name in body:
            body = body[name]
        elif isinstance(body, list) and name.isdigit() and int(name) < len(body):
            body = body[int(name)]
        else:
            return []
    return [body]


@given(st.dictionaries(st.sampled_from("ab/~-0"), VALUES), PLACES, VALUES)
def test_what_is_set_stands_there_and_nothing_else_changes(
    body: dict[str, Any], place: pointer.Pointer, value: Any
) -> None:
    text = stdlib.dumps(body)  # with blanks, so that bytes and values differ
    assert pointer.parse(pointer.spell(place)) == place
    members = json.members(text.encode())
    try:
        pointer.apply(members, [BodyEdit(place, json.raw(value))])
    except pointer.Unfit:
        assume(False)
    after = json.decode(json.encode(members))
    if not any(name == "-" and isinstance(at, list) for name, at in steps(after, place)):
        assert reached(after, place) == [value]
    untouched = members.keys() - {place[0]}
    assert {name: bytes(members[name]).decode() for name in untouched} == {
        name: stdlib.dumps(body[name]) for name in untouched
    }
    pointer.apply(members, [BodyEdit(place)])
    if not any(isinstance(at, list) for _, at in steps(after, place)):
        assert reached(json.decode(json.encode(members)), place) == []


def steps(body: Any, place: pointer.Pointer) -> list[tuple[str, Any]]:
    """Each name of a place with the container that it is looked up in."""
    found = []
    for depth, name in enumerate(place):
        at = reached(body, place[:depth])
        found.append((name, at[0] if at else None))
    return found
