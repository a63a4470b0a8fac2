"""Cache keys and marks: placed where the endpoint takes them, and taken out again."""

from typing import Any

import msgspec
import pytest

from sekisho.core.contract import TargetFacts
from sekisho.dialects.openai_chat import DIALECT
from sekisho.wire.json import encode, members

MARK = {"type": "ephemeral"}
SYSTEM = {"role": "system", "content": "Be brief."}
ASKED = {"role": "user", "content": "What is a sekisho?"}
ANSWERED = {"role": "assistant", "content": "A gate."}
TEXT = {"type": "text", "text": "And this?"}
MORE = {"role": "user", "content": [TEXT, {"type": "image_url"}]}


def placed(*messages: Any, takes: str, **asked: Any) -> Any:
    found = members(encode({"model": "m", "messages": messages, **asked}))
    DIALECT.cache_marks.place(found, TargetFacts(model="m", extensions=frozenset([takes])))
    return msgspec.json.decode(encode(found))


def test_the_key_is_of_the_conversations_beginning_alone() -> None:
    first = placed(SYSTEM, ASKED, takes="prompt_cache_key")["prompt_cache_key"]
    later = placed(SYSTEM, ASKED, ANSWERED, MORE, takes="prompt_cache_key", temperature=0)
    assert later["prompt_cache_key"] == first
    for other in ((SYSTEM, MORE), (ASKED,)):
        assert placed(*other, takes="prompt_cache_key")["prompt_cache_key"] != first
    tools = [{"type": "function", "function": {"name": "f"}}]
    assert placed(SYSTEM, ASKED, takes="prompt_cache_key", tools=tools)["prompt_cache_key"] != first
    assert len(first) <= 64


def test_instructions_and_the_users_last_text_are_marked_where_marks_are_taken() -> None:
    said = placed(SYSTEM, ASKED, ANSWERED, MORE, takes="cache_control")["messages"]
    assert said[0]["content"] == [{"type": "text", "text": "Be brief.", "cache_control": MARK}]
    assert said[1:3] == [ASKED, ANSWERED]
    assert said[3]["content"] == [{**TEXT, "cache_control": MARK}, {"type": "image_url"}]


@pytest.mark.parametrize("takes", ["prompt_cache_key", "cache_control", "top_k"])
def test_a_request_with_a_mark_and_an_endpoint_without_any_are_left_alone(takes: str) -> None:
    asked: list[dict[str, Any]] = [{"prompt_cache_key": "mine"}, {"prompt_cache_options": {"ttl": "30m"}}]
    for mark in [*asked, {}] if takes == "top_k" else asked:
        assert placed(SYSTEM, takes=takes, **mark) == {"model": "m", "messages": [SYSTEM], **mark}


def test_every_mark_is_taken_out_and_nothing_else() -> None:
    marked = {**ASKED, "cache_control": MARK}
    parts = {
        "role": "user",
        "content": [{**TEXT, "prompt_cache_breakpoint": {}}, {**TEXT, "cache_control": MARK}],
    }
    tool = {"type": "function", "function": {"name": "f", "parameters": {"cache_control": {}}}}
    found = members(
        encode(
            {
                "model": "m",
                "messages": [marked, parts],
                "tools": [{**tool, "cache_control": MARK}],
                "prompt_cache_key": "k",
                "prompt_cache_retention": "24h",
                "prompt_cache_options": {"ttl": "30m"},
                "cache_control": MARK,
            }
        )
    )
    DIALECT.cache_marks.strip(found)
    assert msgspec.json.decode(encode(found)) == {
        "model": "m",
        "messages": [ASKED, {"role": "user", "content": [TEXT, TEXT]}],
        "tools": [tool],
    }
