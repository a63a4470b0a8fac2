"""Hears on PostgreSQL what other processes announce, the moment they commit.

Imported by name, and only where there is a PostgreSQL: it needs the driver. Polling goes on beside it, for
what is announced while the connection is broken or a pooler stands between that cannot pass it on.
"""

import asyncio
from collections.abc import Callable

import psycopg
import structlog

from sekisho.control.store.announce import CHANNEL
from sekisho.control.store.engine import Store

RETRY_SECONDS = 5.0


async def listen(store: Store, wake: Callable[[], None]) -> None:
    """Call `wake` for every announcement, until cancelled."""
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(
                **store.parameters, autocommit=True
            ) as connection:
                await connection.execute(f"LISTEN {CHANNEL}")
                wake()  # for what was announced before
                async for _ in connection.notifies():
                    wake()
        except psycopg.Error as error:
            structlog.get_logger().warning("announcements_not_heard", error=store.told(error))
        await asyncio.sleep(RETRY_SECONDS)
