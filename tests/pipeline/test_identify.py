"""Whom a call is made for: found in every API, bounded, and never a reason to fail but for tags."""

import pytest
from tests.pipeline.world import World, exchange

from sekisho.core.error import BadRequest
from sekisho.core.exchange import Exchange
from sekisho.core.principal import Principal
from sekisho.pipeline.steps.identify import identify

CODE = "54c1eb09-bc4c-4d2f-98eb-6d2ab2d5e2fe"


def told(call: Exchange) -> tuple[str | None, str | None]:
    return call.user, call.session


@pytest.mark.parametrize(
    ("members", "user", "session"),
    [
        ({}, None, None),
        ({"user": "u-1"}, "u-1", None),
        ({"user": "old", "safety_identifier": "new"}, "new", None),
        ({"user": "", "session_id": ""}, None, None),
        ({"user": None, "metadata": {"user_id": "u-1"}}, "u-1", None),
        ({"metadata": {"user_id": 7}}, None, None),
        ({"metadata": "text"}, None, None),
        ({"session_id": "s-1", "prompt_cache_key": "k"}, None, "s-1"),
        ({"prompt_cache_key": "k"}, None, "k"),
        ({"metadata": {"user_id": f"user_5f2e_account__session_{CODE}"}}, "user_5f2e_account_", CODE),
        (
            {"metadata": {"user_id": f'{{"device_id":"d","account_uuid":"","session_id":"{CODE}"}}'}},
            "d",
            CODE,
        ),
        ({"metadata": {"user_id": '{"device_id":'}}, '{"device_id":', None),
    ],
)
def test_the_user_and_the_session_are_found_in_every_apis_members(
    world: World, members: dict[str, object], user: str | None, session: str | None
) -> None:
    assert told(exchange(world, **members)) == (user, session)


def test_headers_say_it_for_clients_that_cannot_and_win(world: World) -> None:
    headers = [(b"x-sekisho-user", "山田".encode()), (b"x-session-id", b"run-7")]
    assert told(exchange(world, headers=headers, user="u", session_id="s")) == ("山田", "run-7")
    assert told(exchange(world, headers=[(b"x-claude-code-session-id", b"c")])) == (None, "c")


@pytest.mark.parametrize("name", ["u" * 129, "a\x00b", "\u202ea", "\n", "x" * 1_000_000])
def test_what_is_too_long_or_cannot_be_printed_is_kept_as_its_digest(world: World, name: str) -> None:
    kept = exchange(world, user=name).user
    assert kept is not None
    assert kept.startswith("sha256:")
    assert len(kept) == 71
    assert kept != exchange(world, user=name + "!").user


def test_bytes_that_are_no_text_are_told_apart_all_the_same(world: World) -> None:
    named = {exchange(world, headers=[(b"x-sekisho-user", value)]).user for value in (b"\xff", b"\xfe", b"a")}
    assert len(named) == 3


def test_tags_of_the_request_come_after_those_of_the_key_each_once(world: World) -> None:
    call = exchange(world, headers=[(b"x-sekisho-tags", "batch, 会計,,ci ".encode())])
    call.principal = Principal(key_id="k", name="k", tags=("ci", "prod"))
    identify(call)
    assert call.tags == ("ci", "prod", "batch", "会計")


@pytest.mark.parametrize("value", [b"t," * 11, b"t" * 65, b"a\x7fb", b"x" * 60_000])
def test_tags_that_are_too_many_or_too_long_are_refused_by_name(world: World, value: bytes) -> None:
    with pytest.raises(BadRequest, match="the header `x-sekisho-tags` holds") as caught:
        exchange(world, headers=[(b"x-sekisho-tags", value)])
    assert caught.value.param == "x-sekisho-tags"
