"""Large requests take turns: one of 5 MB takes 10 to 20 ms to read and to write, in which nobody else is
served."""

import asyncio

LARGE = 1024 * 1024
"""Bytes. Smaller requests take less than three milliseconds even where they are translated, and are not worth
a wait."""


class Turns:
    """For one event loop: between two pieces of work on large requests everybody else is served once."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def take(self) -> None:
        """Returns when the next piece of work on a large request may be done, up to the next wait."""
        async with self._lock:
            # Who asked during the last piece is read from the socket after the first sleep, and answered
            # before the second one ends.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
