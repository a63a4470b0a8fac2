"""Background tasks are started again after errors and gone after `stop`."""

import asyncio

import pytest

from sekisho.telemetry import background
from sekisho.telemetry.background import Background


async def test_a_task_that_fails_runs_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "FIRST_PAUSE", 0.0)
    runs = 0
    done = asyncio.Event()

    async def work() -> None:
        nonlocal runs
        runs += 1
        if runs < 3:
            raise RuntimeError("canary")
        done.set()

    tasks = Background()
    tasks.start("work", work)
    await done.wait()
    await tasks.stop()
    assert runs == 3


async def test_stop_cancels_and_waits() -> None:
    ended = False

    async def work() -> None:
        nonlocal ended
        try:
            await asyncio.Event().wait()
        finally:
            ended = True

    tasks = Background()
    tasks.start("work", work)
    with pytest.raises(ValueError, match="runs already"):
        tasks.start("work", work)
    await asyncio.sleep(0)
    await tasks.stop()
    assert ended


async def test_a_task_that_lost_a_cancellation_is_stopped_all_the_same() -> None:
    lost = 0

    async def work() -> None:
        nonlocal lost
        while lost < 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lost += 1
        await asyncio.Event().wait()

    tasks = Background()
    tasks.start("work", work)
    await asyncio.sleep(0)
    await tasks.stop()
    assert lost == 2
