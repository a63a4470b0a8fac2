"""Several keys of one provider: whose turn it is, and who rests."""

import re
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.pipeline.world import FakeResponse, World, endpoint, exchange, plane, route

from sekisho.core.error import (
    ProviderAuthFailed,
    ProviderFailed,
    ProviderQuota,
    SekishoError,
    Throttled,
    UpstreamError,
)
from sekisho.core.provider import Auth, Endpoint
from sekisho.core.secret import Secret
from sekisho.pipeline.answer import Whole


def keyed(*keys: str, name: str = "a") -> Endpoint:
    made = endpoint(name)
    first, *further = map(Secret, keys)
    auth = Auth("bearer", first, further=tuple(further))
    return replace(made, provider=replace(made.provider, auth=auth))


A = keyed("k1", "k2", "k3")


async def ask(world: World, *endpoints: Endpoint, **more: Any) -> None:
    answer = await world.attempts().answer(exchange(world), plane(), route(*endpoints, **more))
    assert isinstance(answer, Whole)


def keys(world: World) -> list[str]:
    return [found[1].decode() for sent in world.sent if (found := re.search(rb"Bearer (\S+)", sent.head))]


async def test_keys_take_turns(world: World) -> None:
    world.answers("a", *[FakeResponse() for _ in range(7)])
    for _ in range(7):
        await ask(world, A)
    assert keys(world) == ["k1", "k2", "k3", "k1", "k2", "k3", "k1"]


@pytest.mark.parametrize(
    ("error", "rest"),
    [
        (ProviderAuthFailed("401", provider_status=401), 30),
        (ProviderQuota("402", provider_status=402), 30),
        (Throttled("429", retry_after=12), 12),
        (Throttled("429"), 2),
    ],
)
async def test_a_key_that_is_refused_rests_and_another_one_answers_the_same_call(
    world: World, error: UpstreamError, rest: float
) -> None:
    world.answers("a", error, *[FakeResponse() for _ in range(9)])
    await ask(world, A)
    await ask(world, A)
    await ask(world, A)
    assert keys(world) == ["k1", "k2", "k3", "k2"]
    assert world.board.admits(A.id)
    assert world.waits == []
    world.time += rest
    await ask(world, A)
    await ask(world, A)
    assert keys(world)[4:] == ["k3", "k1"]


async def test_where_all_keys_are_throttled_the_first_to_be_fit_is_waited_for(world: World) -> None:
    waits = (30, 10, 20)
    world.answers("a", *[Throttled("429", retry_after=each) for each in waits], FakeResponse())
    await ask(world, A)
    assert world.waits == [10]
    assert keys(world) == ["k1", "k2", "k3", "k2"]


async def test_where_all_keys_are_throttled_another_target_is_not_kept_waiting(world: World) -> None:
    world.answers("a", *[Throttled("429", retry_after=0) for _ in range(3)])
    world.answers("b", FakeResponse())
    await ask(world, A, endpoint("b"))
    assert world.asked == ["a", "a", "a", "b"]


async def test_a_key_that_is_refused_for_good_fails_over_when_all_are(world: World) -> None:
    world.answers("a", *[ProviderAuthFailed("401", provider_status=401) for _ in range(3)])
    world.answers("b", FakeResponse(), FakeResponse())
    for _ in range(2):
        await ask(world, A, endpoint("b"))
    assert world.asked == ["a", "a", "a", "b", "b"]


async def test_other_failures_are_not_the_keys(world: World) -> None:
    world.answers("a", ProviderFailed("500"), FakeResponse())
    await ask(world, A)
    assert world.attempts().keys._rests == {}


async def test_a_key_whose_variable_is_not_set_is_passed_over(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    world.answers("a", FakeResponse())
    await ask(world, keyed("${NO_SUCH_KEY}", "k2"))
    assert keys(world) == ["k2"]


async def test_a_lone_key_never_rests_by_itself(world: World) -> None:
    world.answers("a", ProviderAuthFailed("401", provider_status=401), FakeResponse())
    with pytest.raises(SekishoError):
        await ask(world, keyed("k1"))
    await ask(world, keyed("k1"))
    assert keys(world) == ["k1", "k1"]


async def test_the_log_tells_keys_apart_and_never_tells_them(world: World) -> None:
    world.answers("a", Throttled("429", retry_after=5), Throttled("429", retry_after=5), FakeResponse())
    with capture_logs() as logs:
        await ask(world, keyed("sk-secret-1", "sk-secret-2", "sk-secret-3"))
    assert [entry["event"] for entry in logs] == ["key_rests"] * 2
    assert len({entry["key"] for entry in logs}) == 2
    assert "secret" not in str(logs)
