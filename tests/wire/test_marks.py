"""Cache marks in raw JSON: found where they have a place, taken out and put in without touching the rest."""

import msgspec
import pytest

from sekisho.core.contract import Members
from sekisho.wire import marks

NAMES = ("cache_control",)
INSIDE = ("content",)
MARK = msgspec.Raw(b'{"type":"ephemeral"}')


def any_text(part: Members) -> bool:
    return bytes(part["type"]) == b'"text"'


def test_only_what_holds_a_mark_is_written_anew() -> None:
    plain = b'{"role" : "user", "content" : [ {"type":"text","text":"\\u95a2"} ]}'
    inner = b'{"type":"text","text":"x","cache_control":{"type":"ephemeral"}}'
    result = b'{"type":"tool_result","content":[' + inner + b"]}"
    raw = msgspec.Raw(b"[" + plain + b',{"role":"user","content":[' + result + b"]}]")
    cleaned = bytes(marks.without(raw, NAMES, INSIDE))
    assert cleaned == raw_of(plain, b'{"type":"text","text":"x"}')


def raw_of(plain: bytes, inner: bytes) -> bytes:
    result = b'{"type":"tool_result","content":[' + inner + b"]}"
    return b"[" + plain + b',{"role":"user","content":[' + result + b"]}]"


@pytest.mark.parametrize(
    "data",
    [
        b'[{"name":"f","input_schema":{"properties":{"cache_control":{"type":"string"}}}}]',
        b'[{"role":"assistant","content":[{"type":"tool_use","input":{"cache_control":1}}]}]',
        b'[{"role":"user","content":"say \\"cache_control\\""}]',
        b'["cache_control"]',
        b'"cache_control"',
        b"[" * 200 + b'{"cache_control":1}' + b"]" * 200,
    ],
)
def test_members_of_the_clients_own_are_no_marks(data: bytes) -> None:
    raw = msgspec.Raw(data)
    assert marks.without(raw, NAMES, INSIDE) is raw


def test_a_text_becomes_a_part_that_can_be_marked_and_an_empty_one_stays() -> None:
    marked = marks.in_content(msgspec.Raw(b'"\\u95a2"'), any_text, "cache_control", MARK)
    assert bytes(marked) == b'[{"type":"text","text":"\\u95a2","cache_control":{"type":"ephemeral"}}]'
    for data in (b'""', b"[]", b'[{"type":"image"}]', b"7", b'[{"type":'):
        raw = msgspec.Raw(data)
        assert marks.in_content(raw, any_text, "cache_control", MARK) is raw
