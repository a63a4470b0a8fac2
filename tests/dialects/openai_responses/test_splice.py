"""What is passed through: the bytes stay, but for what was asked; cache marks; counting."""

from typing import Any

import msgspec
import pytest

from sekisho.core.contract import ReplyOptions, TargetFacts
from sekisho.core.error import BadRequest, Malformed
from sekisho.dialects.openai_responses import DIALECT
from sekisho.wire import json

KEYED = TargetFacts(model="m", extensions=frozenset({"prompt_cache_key"}))


def members(**found: Any) -> dict[str, msgspec.Raw]:
    return json.members(msgspec.json.encode({"model": "m", "input": "Hi", **found}))


@pytest.mark.parametrize(
    ("found", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 1}, "model"),
        ({"input": {}}, "input"),
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"instructions": []}, "instructions"),
        ({"stream": "yes"}, "stream"),
        ({"store": 1}, "store"),
        ({"text": "json"}, "text"),
    ],
)
def test_a_wrong_kind_of_member_is_named(found: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        DIALECT.check_members(members(**found))
    assert caught.value.param == param


def test_what_the_provider_keeps_may_stand_for_input() -> None:
    DIALECT.check_members(members(input=None, prompt={"id": "pmpt_1"}))
    DIALECT.check_members(members(input=[], previous_response_id="resp_1"))


def test_only_the_model_is_changed() -> None:
    found = json.members(b'{"input": [ {"role":"user"} ],"top_p" : 1.0,"stream":true,"model":"a/b"}')
    assert DIALECT.patch_request(found, TargetFacts(model="b")) is True
    assert json.encode(found) == b'{"input":[ {"role":"user"} ],"top_p":1.0,"stream":true,"model":"b"}'


def test_the_model_is_renamed_in_responses_alone() -> None:
    body = b'{"id":"r","tools":[{"model":"m"}],"model": "m", "status":"completed","output":[ ]}'
    _, relayed = DIALECT.unary_tap(body, ReplyOptions(model="shown"))
    assert relayed == b'{"id":"r","tools":[{"model":"m"}],"model":"shown","status":"completed","output":[ ]}'
    event = b'data: {"response": ' + body + b',"type":"response.completed"}\n\n'
    relayed = DIALECT.tap(ReplyOptions(model="shown")).feed(event)
    assert b'[{"model":"m"}],"model":"shown"' in relayed


# --- cache marks -----------------------------------------------------------------------------------


def test_of_what_the_marketplace_demands_only_what_is_missing_is_added() -> None:
    response = b'{"status":"completed","temperature":1.0,"tools":[{"type": "x"}],"completed_at":7,"output":[]'
    demanded = (
        b',"error":null,"incomplete_details":null,"instructions":null,"metadata":{},"parallel_tool_calls":true,'
        b'"tool_choice":"auto","top_p":null,"presence_penalty":null,"frequency_penalty":null}'
    )
    shown = ReplyOptions(cost=lambda _usage, _tier: 1)
    assert DIALECT.unary_tap(response + b"}", shown)[1] == response + demanded
    assert DIALECT.unary_tap(response + b"}", ReplyOptions())[1] == response + b"}"
    event = b'data: {"type":"response.completed","response":%b}\n\n'
    assert DIALECT.tap(shown).feed(event % (response + b"}")) == event % (response + demanded)


def test_a_key_is_placed_that_stays_the_same_as_a_conversation_grows() -> None:
    user, other = {"role": "user", "content": "Hi"}, {"role": "user", "content": "Ho"}
    keys = []
    for said in (
        [{"role": "system", "content": "x"}, user],
        [user, {"role": "assistant", "content": "a"}, other],
    ):
        found = members(input=said, instructions="Be brief.", tools=[])
        DIALECT.cache_marks.place(found, KEYED)
        keys.append(found["prompt_cache_key"])
    different = members(input=[other], instructions="Be brief.", tools=[])
    DIALECT.cache_marks.place(different, KEYED)
    assert keys[0] == keys[1] != different["prompt_cache_key"]


@pytest.mark.parametrize(
    ("found", "target"),
    [
        ({}, TargetFacts(model="m")),
        ({"prompt_cache_key": "mine"}, KEYED),
        ({"prompt_cache_retention": "24h"}, KEYED),
    ],
)
def test_no_key_is_placed_where_it_is_not_taken_or_a_mark_is_there(
    found: dict[str, Any], target: TargetFacts
) -> None:
    marked = members(**found)
    DIALECT.cache_marks.place(marked, target)
    assert marked == members(**found)


def test_marks_are_stripped() -> None:
    found = members(prompt_cache_key="k", prompt_cache_retention="24h")
    DIALECT.cache_marks.strip(found)
    assert found == members()


# --- counting --------------------------------------------------------------------------------------


def test_a_count_asks_with_what_makes_the_prompt() -> None:
    counting = DIALECT.token_counting
    asked = b'{"model":"m","input":"Hi","tools":[],"stream":true,"max_output_tokens":5,"store":false}'
    assert counting.wrap(asked) == b'{"model":"m","input":"Hi","tools":[]}'
    plain = b'{"model": "m", "input": "Hi"}'
    assert counting.wrap(counting.unwrap(plain)) == plain


def test_a_count_is_read_and_written() -> None:
    counting = DIALECT.token_counting
    assert counting.write(11) == b'{"object":"response.input_tokens","input_tokens":11}'
    assert counting.read(counting.write(11)) == 11
    with pytest.raises(Malformed):
        counting.read(b"<html>")


@pytest.mark.parametrize("path", ["/responses", "/responses/compact", "/responses/input_tokens"])
def test_the_apis_own_paths_are_no_answers(path: str) -> None:
    assert DIALECT.match_follow_up(path) is None
