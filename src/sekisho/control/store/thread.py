"""The one thread that waits for a database, so that the event loop never does."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


class StoreThread:
    """Runs functions one after the other, in the order they came."""

    def __init__(self, name: str):
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def run(self, work: Callable[[], T]) -> T:
        """What `work()` returns or raises. A cancelled caller does not stop work that has begun."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    async def close(self) -> None:
        """Wait until the thread has done its work."""
        await asyncio.get_running_loop().run_in_executor(None, self._executor.shutdown)


class Latest:
    """Work that many may want at once: one run serves all who asked before it began.

    Who asks while it runs waits for the next run, because the running one may have looked already. So
    the answer is never older than the question, and runs are at least `pause` seconds apart.
    """

    def __init__(self, work: Callable[[], Coroutine[Any, Any, None]], pause: float):
        self._work = work
        self._pause = pause
        self._next: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._earliest = float("-inf")

    async def __call__(self) -> None:
        """Raises what the work raises."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_task(self._run())
        await asyncio.shield(self._next)

    async def _run(self) -> None:
        now = asyncio.get_running_loop().time
        async with self._turn:
            await asyncio.sleep(max(0.0, self._earliest - now()))
            self._next = None
            try:
                await self._work()
            finally:
                self._earliest = now() + self._pause
