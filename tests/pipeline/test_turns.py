"""Large requests do not run one after the other without anybody else in between."""

import asyncio
from itertools import pairwise

from sekisho.pipeline.turns import Turns


async def test_between_two_large_requests_everybody_else_has_a_turn() -> None:
    turns, seen = Turns(), []

    async def work(name: str) -> None:
        await turns.take()
        seen.append(name)

    async def other() -> None:
        for _ in range(8):
            seen.append("other")
            await asyncio.sleep(0)

    await asyncio.gather(*(work(f"large {number}") for number in range(3)), other())
    large = [at for at, name in enumerate(seen) if name != "other"]
    assert [seen[at] for at in large] == ["large 0", "large 1", "large 2"]
    assert all("other" in seen[start:end] for start, end in pairwise(large))
