"""Read a key from standard input, say when a polling cache knows it, and when it no longer does."""

import asyncio
import sys
from pathlib import Path

from sekisho.control.services.keycache import KeyCache
from sekisho.control.services.keys import digest
from sekisho.control.services.signing import SigningSecret
from sekisho.control.store.engine import Store
from sekisho.control.store.thread import StoreThread
from sekisho.core.clock import Clock


async def main() -> None:
    cache = KeyCache(Store(sys.argv[1]), StoreThread("store"), Clock(), SigningSecret(Path(), None))
    wanted = digest(sys.stdin.readline().strip())
    await cache.load()
    assert cache.find(wanted) is not None
    sys.stdout.write("found\n")
    sys.stdout.flush()
    polling = asyncio.create_task(cache.poll())
    while cache.find(wanted) is not None:  # noqa: ASYNC110 - nothing announces it
        await asyncio.sleep(0.01)
    sys.stdout.write("gone\n")
    polling.cancel()


asyncio.run(main())
