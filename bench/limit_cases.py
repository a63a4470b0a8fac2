"""Limits: CPU of admitting a call, in this process. One function a figure."""

import time
from collections.abc import Awaitable, Callable, Sequence

import uvloop
from tests.services import Valkey

from bench.findings import Findings, Table, at_most
from bench.ground import Ground
from sekisho.control.state.address import read_address
from sekisho.control.state.counters.keeper import Entry
from sekisho.control.state.limits import SharedLimits
from sekisho.core.admission import Refusal
from sekisho.core.limit import Alike, Claim, Limit
from sekisho.core.port import Counters
from sekisho.core.record import CallRecord
from sekisho.metering.counters.memory import MemoryCounters
from sekisho.telemetry.background import Background

CALLS = 2000
ROUNDS = 20
PLENTY = 10**15
LIMITS = (
    Limit("organisation", "organisation", "o", "usd", PLENTY, "month", time_zone="Asia/Tokyo"),
    Limit("team", "team", "t", "usd", PLENTY, "day", time_zone="Asia/Tokyo"),
    Limit("key", "key", "k", "usd", PLENTY, "total"),
    Limit("requests", "key", "k", "requests", PLENTY, "minute"),
    Limit("tokens", "key", "k", "tokens", PLENTY, "minute"),
    Limit("busy", "key", "k", "concurrent", PLENTY),
)
"""As a call of a key in a team has them."""
CLAIMS = Alike(
    Claim(limit, limit.id, {"usd": 5_000_000, "tokens": 1500}.get(limit.measure, 1)) for limit in LIMITS
)
ACTUALS = {claim.counter: claim.amount // 2 for claim in CLAIMS}


def limits(ground: Ground) -> Findings:
    """CPU of admitting a call under six limits, and of settling it."""
    rounds = ground.count(ROUNDS, 3)
    memory = uvloop.run(_in_memory(rounds))
    folder = ground.folder / "valkey"
    folder.mkdir()
    server = Valkey(folder)
    server.start()
    try:
        shared = uvloop.run(_in_valkey(server.url(), rounds))
    finally:
        server.stop()
    rows = [
        (name, f"{admit:.1f}", f"{settle:.1f}")
        for name, (admit, settle) in (("in memory", memory), ("in Valkey", shared))
    ]
    return Findings(
        [
            at_most("admission with six limits, in memory", 15, memory[0], "us"),
            at_most("admission with six limits, in Valkey", 60, shared[0], "us"),
        ],
        [
            Table(
                "Six limits for a call",
                ("", "CPU us/admission", "CPU us/settlement"),
                rows,
                "The gateway's own. In Valkey it is one script and one round trip for an admission.",
            )
        ],
    )


async def _in_memory(rounds: int) -> tuple[float, float]:
    async def drained() -> None:
        """What is settled is counted at once."""

    return await _measure(MemoryCounters(time.time, lambda _: None), drained, rounds)


async def _in_valkey(url: str, rounds: int) -> tuple[float, float]:
    background = Background()
    shared = SharedLimits(read_address(url), NothingBooked(), lambda _: None)
    await shared.start(background)
    try:
        return await _measure(shared.counters, shared.counters.settlements.drained, rounds)
    finally:
        await background.stop()


class NothingBooked:
    """Books without a call."""

    async def limits(self) -> list[Limit]:
        return []

    async def used(self, _limits: Sequence[Limit], _ended: float) -> tuple[list[Entry], list[str]]:
        return [], []

    async def ended(self, _call_ids: Sequence[str]) -> list[CallRecord]:
        return []

    async def uncounted(self, _since: float, _most: int) -> list[CallRecord]:
        return []

    async def seen_to(self, _call_ids: Sequence[str]) -> None:
        """There are none."""

    async def caught_up(self) -> None:
        """It always is."""


async def _measure(
    counters: Counters, drained: Callable[[], Awaitable[None]], rounds: int
) -> tuple[float, float]:
    """Microseconds of an admission, and of a settlement; the best round of each."""
    taken: list[tuple[float, float]] = []
    for round_ in range(rounds):
        holds = [f"gen-{round_}-{number}" for number in range(CALLS)]
        began = time.process_time()
        await _admit(counters, holds)
        admitted = time.process_time()
        for hold in holds:
            counters.settle(hold, ACTUALS)
        await drained()
        taken.append((admitted - began, time.process_time() - admitted))
    return min(pair[0] for pair in taken) / CALLS * 1e6, min(pair[1] for pair in taken) / CALLS * 1e6


async def _admit(counters: Counters, holds: Sequence[str]) -> None:
    for hold in holds:
        answer = await counters.admit(hold, CLAIMS, 600.0)
        assert not isinstance(answer, Refusal), answer
        assert len(answer.left) == len(CLAIMS)
