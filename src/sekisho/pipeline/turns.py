"""Large requests take turns: reading one of 5 MB takes 10 to 20 ms, in which nobody else is served."""

import asyncio

LARGE = 256 * 1024
"""Bytes. Smaller requests take less than a millisecond or two, and are not worth a wait."""


class Turns:
    """For one event loop: at most one large request is worked on between two looks at the sockets."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def take(self) -> None:
        """Returns when a large request may be worked on, up to its next wait."""
        async with self._lock:
            await asyncio.sleep(0)
