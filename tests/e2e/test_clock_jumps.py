"""The clock of a gateway's machine is put forward and back under it, by days: with Debian's libfaketime."""

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.debian import library
from tests.e2e import storm
from tests.e2e.live import PROVIDER_KEY
from tests.e2e.serving import ADMIN_KEY, Serving, serving

from sekisho.control.services.keys import KeyService
from sekisho.control.services.terms import KeyDraft
from sekisho.control.store.engine import Store
from sekisho.core.clock import Clock
from sekisho.testkit.provider import ScriptedProvider

HOUR, DAY = 3600, 86_400
DOCUMENT = """
providers:
  flat:
    like: openai-compatible
    base_url: {url}/v1
    api_key: ${{SCRIPTED_KEY}}
    models:
      acme/flat: {{upstream: echo, price: &cent {{input: 0, output: 0, request: 0.01}}}}
      acme/slow: {{upstream: "slow?first_token_delay=1", price: *cent}}
      acme/ill: {{upstream: status-503, price: *cent}}
models:
  rescued: {{targets: [acme/ill, acme/flat]}}
"""


def _noon() -> float:
    """Seconds until it is tomorrow's."""
    now = time.time()
    return (now // DAY + 1) * DAY + DAY / 2 - now


@dataclass(frozen=True)
class FakeClock:
    """Of one process. Its monotonic clock is the machine's own, as clocks are."""

    file: Path
    noon: float = field(default_factory=_noon)

    def put(self, seconds: float) -> None:
        """So long after noon, or before it."""
        new = self.file.with_suffix(".new")
        new.write_text(f"{self.noon + seconds:+.0f}\n", encoding="ascii")
        os.replace(new, self.file)

    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": library("faketime/libfaketimeMT.so.1", "libfaketime"),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


async def ask(served: Serving, key: str, model: str = "acme/flat") -> int:
    body = {"model": model, "messages": [{"role": "user", "content": "x"}]}
    async with served.http(key) as client:
        return (await client.post("/v1/chat/completions", json=body)).status_code


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(storm.PATIENCE):
        while not true():  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.01)


def key_with(url: str, *limits: str) -> str:
    store = Store(url)
    try:
        return KeyService(store, Clock()).create("k", KeyDraft(limits=limits))[1]
    finally:
        store.close()


async def test_a_clock_that_jumps_either_way_makes_no_room_and_stops_nothing(tmp_path: Path) -> None:
    clock = FakeClock(tmp_path / "clock")
    clock.put(0)
    document, url = tmp_path / "sekisho.yaml", f"sqlite:///{tmp_path / 'data' / 'sekisho.db'}"
    async with ScriptedProvider(api_key=PROVIDER_KEY) as provider:
        document.write_text(DOCUMENT.format(url=provider.base_url), encoding="utf-8")
        start = serving(
            tmp_path,
            *("--config", str(document)),
            SCRIPTED_KEY=PROVIDER_KEY,
            SEKISHO_ADMIN_KEY=ADMIN_KEY,
            **clock.environment(),
        )
        async with start as served:
            daily = await asyncio.to_thread(key_with, url, "usd 0.05/day")

            async def spend(*moments: float) -> list[int]:
                """The status of a call at each of them, one after the other."""
                found = []
                for moment in moments:
                    clock.put(moment)
                    found.append(await ask(served, daily))
                return found

            # A calendar's window: what was spent ahead of the clock, or behind it, counts in the present one.
            assert await spend(0, -2 * HOUR, 0, DAY, 0) == [200] * 5
            assert await spend(0, -2 * HOUR, HOUR) == [402] * 3
            assert await spend(*[3 * DAY] * 6) == [200] * 5 + [402]

            # Calls under way, and what they hold; what was counted ahead of the clock counts as of now.
            alone = await asyncio.to_thread(key_with, url, "concurrent 1", "requests 3/hour", "usd 1/total")
            for jump in (5 * DAY, 3 * DAY):
                before = len(provider.requests)
                slow = asyncio.create_task(ask(served, alone, "acme/slow"))
                await until(lambda: len(provider.requests) > before)  # noqa: B023 - it is awaited here
                clock.put(jump)
                assert await slow == 200
            assert [await ask(served, alone) for _ in range(3)] == [200, 200, 429]

            # What is out of order is so by the time that passes, and tried again when it has.
            def tried() -> int:
                return sum(b"status-503" in each.body for each in provider.requests)

            while tried() < 3:
                assert await ask(served, ADMIN_KEY, "rescued") == 200
            known = tried()
            clock.put(-DAY)
            async with asyncio.timeout(storm.PATIENCE):
                while tried() == known:
                    assert await ask(served, ADMIN_KEY, "rescued") == 200
                    await asyncio.sleep(0.05)
        found = storm.books(url)
        assert sorted(found.upstream_ids) == sorted(storm.served(provider))
        assert found.rolled_cost == len(found.ids) * storm.CENT
