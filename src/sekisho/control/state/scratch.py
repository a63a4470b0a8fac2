"""A namespace of a command's own in the shared state: what is done in it touches nobody's counters."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sekisho.control.state.address import StateError, in_namespace, read_address
from sekisho.control.state.connection import AWAY, StateConnection

PATIENCE = 5.0


@asynccontextmanager
async def scratch_state(url: str) -> AsyncIterator[str]:
    """The same URL in a new namespace, all of whose keys are gone afterwards. Raises StateError."""
    own = in_namespace(url, f"scratch-{secrets.token_hex(6)}")
    address = read_address(own)
    connection = StateConnection(address, PATIENCE)
    await connection.start()
    if not connection.ready:
        await connection.close()
        raise StateError(f"SEKISHO_STATE_URL: {address.shown} cannot be reached")
    try:
        yield own
    finally:
        try:
            async for key in connection.client.scan_iter(match=f"{address.root}*", count=1000):
                await connection.client.unlink(key)
        except AWAY as error:
            raise StateError(f"SEKISHO_STATE_URL: {address.shown}: {error}") from None
        finally:
            await connection.close()
