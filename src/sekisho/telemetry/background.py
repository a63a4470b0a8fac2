"""Tasks that live as long as the process. One that fails is logged and started again."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
"""Seconds between a failure and the next start; doubles from first to longest."""
AGAIN = 0.5
"""Seconds after which a task that did not end is cancelled again."""


class Background:
    """The one place, besides the edge's last resort, that catches every error."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, name: str, factory: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run `factory()` until it returns, again after every error. Names are unique."""
        if name in self._tasks:
            msg = f"a background task {name!r} runs already"
            raise ValueError(msg)
        self._tasks[name] = asyncio.get_running_loop().create_task(_run(name, factory), name=name)

    async def stop(self) -> None:
        """Cancel all tasks and wait until they are gone."""
        tasks = list(self._tasks.values())
        self._tasks.clear()
        left = set(tasks)
        while left:  # before Python 3.12 asyncio.wait_for, which libraries use, may lose a cancellation
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=AGAIN)
        await asyncio.gather(*tasks, return_exceptions=True)


async def _run(name: str, factory: Callable[[], Coroutine[Any, Any, None]]) -> None:
    loop = asyncio.get_running_loop()
    pause = FIRST_PAUSE
    while True:
        began = loop.time()
        try:
            await factory()
        except Exception as error:  # noqa: BLE001 - this is what the runner is for
            if loop.time() - began > 2 * LONGEST_PAUSE:
                pause = FIRST_PAUSE  # it ran well for a while: not the same trouble any more
            structlog.get_logger().error(
                "background_task_failed", task=name, restart_in=pause, exc_info=error
            )
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        else:
            return
