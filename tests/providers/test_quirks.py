import msgspec
import pytest

from sekisho.core.contract import Members
from sekisho.providers import quirks
from sekisho.wire import json


def members(body: str) -> Members:
    return json.members(body.encode())


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("max_completion_tokens", '{"max_tokens":7}', '{"max_completion_tokens":7}'),
        (
            "max_completion_tokens",
            '{"max_tokens":7,"max_completion_tokens":9}',
            '{"max_completion_tokens":9}',
        ),
        ("max_tokens", '{"max_completion_tokens":7}', '{"max_tokens":7}'),
        (
            "no_stream_options",
            '{"stream":true,"stream_options":{"include_usage":true}}',
            '{"stream":true}',
        ),
        (
            "developer_as_system",
            '{"messages":[{"role":"developer","content":"a"},{"role":"user","content":[ 1.50 ]}]}',
            '{"messages":[{"role":"system","content":"a"},{"role":"user","content":[ 1.50 ]}]}',
        ),
        (
            "no_message_names",
            '{"messages":[{"role":"user","name":"Aiko","content":"x"}]}',
            '{"messages":[{"role":"user","content":"x"}]}',
        ),
        ("no_logprobs", '{"logprobs":true,"top_logprobs":2,"logit_bias":{},"n":1}', '{"n":1}'),
        ("no_penalties", '{"presence_penalty":1,"frequency_penalty":1,"top_p":1}', '{"top_p":1}'),
    ],
)
def test_a_quirk_changes_what_it_is_for_and_keeps_every_other_byte(
    name: str, before: str, after: str
) -> None:
    request = members(before)
    resolved = quirks.resolve([name])
    assert resolved.applies
    assert resolved.apply(request)
    assert json.encode(request).decode() == after
    assert not resolved.apply(request), "a second time there is nothing left to change"


@pytest.mark.parametrize("name", sorted(quirks.QUIRKS))
@pytest.mark.parametrize(
    "body",
    [
        "{}",
        '{"model":"m","messages":[{"role":"user","content":"a \\"developer\\" by \\"name\\""}]}',
        '{"messages":"developer"}',
        '{"messages":[1]}',
    ],
)
def test_a_request_that_a_quirk_does_not_concern_stays_as_it_is(name: str, body: str) -> None:
    request = members(body)
    assert not quirks.resolve([name]).apply(request)
    assert json.encode(request).decode() == body


def test_an_endpoint_without_quirks_costs_nothing() -> None:
    resolved = quirks.resolve(())
    assert not resolved.applies
    assert resolved.count_stream_usage
    assert resolved.needs_done
    assert resolved is quirks.resolve([])


def test_flags_add_up_over_all_quirks_of_an_endpoint() -> None:
    resolved = quirks.resolve(["no_done", "no_stream_options", "no_penalties", "no_done"])
    assert resolved.names == ("no_done", "no_stream_options", "no_penalties")
    assert not resolved.needs_done
    assert not resolved.count_stream_usage
    assert resolved.drops == {"presence_penalty", "frequency_penalty"}
    assert quirks.resolve(["takes_top_k", "takes_cache_control"]).extensions == {"top_k", "cache_control"}
    assert not quirks.resolve(["takes_top_k"]).applies


def test_a_name_nobody_defined_is_refused() -> None:
    with pytest.raises(KeyError, match="no_such"):
        quirks.resolve(["no_such"])


def test_every_quirk_says_why_and_where_it_was_read() -> None:
    for quirk in quirks.QUIRKS.values():
        assert quirk.reason
        assert "2026-11-22" in quirk.source
        does_something = quirk.apply or quirk.drops or quirk.extensions or not quirk.needs_done
        assert does_something or quirk.opens_seals


def test_values_are_raw_bytes_to_the_end() -> None:
    request = members('{"messages":[{"role":"developer","content":"\\u3042 1e3"}],"temperature":1.50}')
    quirks.resolve(["developer_as_system"]).apply(request)
    assert bytes(request["temperature"]) == b"1.50"
    assert isinstance(request["messages"], msgspec.Raw)
    assert b"\\u3042 1e3" in bytes(request["messages"])


@pytest.mark.parametrize("name", sorted(quirks.QUIRKS))
def test_a_quirk_of_one_dialect_leaves_the_others_of_its_provider_alone(name: str) -> None:
    """`max_tokens` is compulsory in Anthropic's API, `top_logprobs` a member of OpenAI's newer one."""
    request = members(
        '{"max_tokens":1,"max_completion_tokens":1,"stream_options":{},"logprobs":true,"top_logprobs":1,'
        '"logit_bias":{},"presence_penalty":1,"frequency_penalty":1,'
        '"messages":[{"role":"developer","name":"n","content":""}]}'
    )
    before = dict(request)
    resolved = quirks.resolve([name], "anthropic_messages")
    assert not resolved.apply(request)
    assert request == before
    assert resolved.count_stream_usage
    assert resolved.needs_done
    assert not resolved.extensions
    assert quirks.resolve([name], "openai_chat") == quirks.resolve([name])
