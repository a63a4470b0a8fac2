"""Where cache marks are placed, and that all are taken out again."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from sekisho.core.contract import TargetFacts
from sekisho.dialects.anthropic_messages import DIALECT
from sekisho.testkit import golden
from sekisho.wire.json import encode, members

ROOT = Path(__file__).parents[2] / "golden"
TARGET = TargetFacts(model="m")
MARK = {"type": "ephemeral"}
SAID = {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": ""}]}
ANSWERED = {"role": "assistant", "content": [{"type": "text", "text": "b"}]}


def placed(**asked: Any) -> Any:
    found = members(encode({"model": "m", **asked}))
    DIALECT.cache_marks.place(found, TARGET)
    return msgspec.json.decode(encode(found))


def count(value: Any) -> int:
    if isinstance(value, dict):
        return ("cache_control" in value) + sum(map(count, value.values()))
    return sum(map(count, value)) if isinstance(value, list) else 0


def test_tools_instructions_and_the_users_last_words_are_marked() -> None:
    tools = [{"name": "f"}, {"name": "g"}, {"name": "h", "defer_loading": True}]
    result = placed(tools=tools, system="Be brief.", messages=[SAID, ANSWERED, SAID, ANSWERED])
    assert result["tools"] == [tools[0], {**tools[1], "cache_control": MARK}, tools[2]]
    assert result["system"] == [{"type": "text", "text": "Be brief.", "cache_control": MARK}]
    assert [count(message) for message in result["messages"]] == [0, 0, 1, 0]
    assert result["messages"][2]["content"][0]["cache_control"] == MARK


def test_a_tools_result_is_marked_as_the_end_of_the_conversation() -> None:
    answer = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "42"}]}
    assert placed(messages=[SAID, ANSWERED, answer])["messages"][2]["content"][0]["cache_control"] == MARK


@pytest.mark.parametrize(
    "asked",
    [
        {"messages": [SAID], "cache_control": MARK},
        {"messages": [SAID], "tools": [{"name": "f", "cache_control": MARK}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "cache_control": MARK}]}]},
    ],
)
def test_a_client_that_marks_for_itself_is_left_alone(asked: dict[str, Any]) -> None:
    assert placed(**asked) == {"model": "m", **asked}


@pytest.mark.parametrize("case", golden.cases(ROOT, DIALECT.name), ids=lambda case: case.name)
def test_whatever_is_placed_or_sent_can_be_taken_out(case: golden.Case) -> None:
    if case.request is None:
        return
    sent = members(case.request)
    found = dict(sent)
    DIALECT.cache_marks.place(found, TARGET)
    DIALECT.read_request(encode(found))
    assert 1 <= count(msgspec.json.decode(encode(found))) <= 4
    DIALECT.cache_marks.strip(found)
    assert count(msgspec.json.decode(encode(found))) == 0
    stripped = dict(sent)
    DIALECT.cache_marks.strip(stripped)
    sent.pop("cache_control", None)
    unmarked = {name for name, raw in sent.items() if b'"cache_control"' not in bytes(raw)}
    assert all(stripped[name] is sent[name] for name in unmarked)
