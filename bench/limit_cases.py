"""Limits: CPU of admitting a call, in this process. One function a figure."""

import asyncio
import time
from collections.abc import Sequence

from bench.findings import Findings, Table, at_most
from bench.ground import Ground
from sekisho.core.limit import Claim, Limit
from sekisho.core.port import Counters
from sekisho.metering.counters.memory import MemoryCounters

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
CLAIMS = tuple(
    Claim(limit, limit.id, {"usd": 5_000_000, "tokens": 1500}.get(limit.measure, 1)) for limit in LIMITS
)
ACTUALS = {claim.counter: claim.amount // 2 for claim in CLAIMS}


def limits(ground: Ground) -> Findings:
    """CPU of admitting a call under six limits, and of settling it."""
    rounds = ground.count(ROUNDS, 3)
    admit, settle = asyncio.run(_in_memory(rounds))
    rows = [("in memory", f"{admit:.1f}", f"{settle:.1f}")]
    return Findings(
        [at_most("admission with six limits, in memory", 15, admit, "us")],
        [Table("Six limits for a call", ("", "CPU us/admission", "CPU us/settlement"), rows)],
    )


async def _in_memory(rounds: int) -> tuple[float, float]:
    return await _measure(MemoryCounters(time.time, lambda _: None), rounds)


async def _measure(counters: Counters, rounds: int) -> tuple[float, float]:
    """Microseconds of an admission, and of a settlement; the best round of each."""
    taken: list[tuple[float, float]] = []
    for round_ in range(rounds):
        holds = [f"gen-{round_}-{number}" for number in range(CALLS)]
        began = time.process_time()
        await _admit(counters, holds)
        admitted = time.process_time()
        for hold in holds:
            counters.settle(hold, ACTUALS)
        taken.append((admitted - began, time.process_time() - admitted))
    return min(pair[0] for pair in taken) / CALLS * 1e6, min(pair[1] for pair in taken) / CALLS * 1e6


async def _admit(counters: Counters, holds: Sequence[str]) -> None:
    for hold in holds:
        answer = await counters.admit(hold, CLAIMS, 600.0)
        assert isinstance(answer, tuple), answer
