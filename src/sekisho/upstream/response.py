"""An answer whose head is in and whose body is read as it comes."""

import asyncio
from collections.abc import Callable

from sekisho.core.error import Malformed, Truncated
from sekisho.upstream.connection import HIGH_WATER, Connection
from sekisho.upstream.decode import inflater


class Response:
    """Must be closed by whoever got it, also after an error. Only one task may read it."""

    __slots__ = (
        "_connection",
        "_decoded",
        "_ended",
        "_give_back",
        "_inflater",
        "_limit",
        "first_by",
        "headers",
        "pace",
        "status",
    )

    def __init__(self, connection: Connection, give_back: Callable[[Connection], None], limit: int) -> None:
        self.status = connection.status
        self.headers: list[tuple[bytes, bytes]] = connection.headers
        """In order of arrival, names in lower case."""
        self.first_by = connection.expires
        """When the wait for the head would have been over, on the client's clock."""
        self.pace = connection.pace
        """Goes on being filled in while the body comes."""
        self._connection: Connection | None = connection
        self._give_back = give_back
        self._limit = limit
        self._ended = False
        self._decoded = 0
        self._inflater = inflater(connection.encoding) if connection.encoding else None

    def header(self, name: bytes) -> bytes | None:
        """The first header of that (lower-case) name."""
        for each, value in self.headers:
            if each == name:
                return value
        return None

    async def read(self, limit: int) -> bytes:
        """All of the body that was not read yet.

        Raises Malformed over `limit` bytes, Truncated where the connection ended first, UpstreamTimeout
        where nothing came for `timeouts.idle`. Cancelling it aborts the connection.
        """
        connection = self._connection or self._reading()
        if connection is None:
            return b""
        if limit > self._limit:
            limit = self._limit
        connection.limit(limit)
        if not connection.complete and connection.failure is None:
            await connection.wait_whole()
        if connection.failure is not None:
            raise connection.failure
        data = connection.take()
        if self._inflater is not None:
            data = self._inflater.feed(data, limit + 1)
            if len(data) > limit:
                raise Malformed(f"it sent an answer of more than {limit} bytes")
            self._inflater.finish()
        self._ended = True
        self.close()
        return data

    async def chunk(self, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - the sweeper holds it
        """What has arrived, in one piece; empty at a clean end and only there.

        Raises Truncated for an end that is not clean, Malformed, and UpstreamTimeout after `timeout`
        seconds without a byte of body (`timeouts.idle` where None). Cancelling it aborts the connection.
        """
        connection = self._reading()
        while connection is not None:
            data = connection.take()
            if self._inflater is not None:
                data = self._inflate(data)
            if data:
                return data
            if connection.failure is not None:
                raise connection.failure
            if connection.complete:
                if self._inflater is not None:
                    self._inflater.finish()
                self._ended = True
                self.close()
                break
            try:
                await connection.expect_chunk(timeout)
            except (asyncio.CancelledError, GeneratorExit):
                connection.abort()
                raise
        return b""

    def close(self) -> None:
        """Synchronous and idempotent. A body that has not come to its end is aborted on the spot, so that
        the provider stops generating; otherwise the connection serves the next call."""
        connection = self._connection
        if connection is not None:
            self._connection = None
            self._give_back(connection)
            connection.failure = None  # raised by now; its traceback leads back here

    def _reading(self) -> Connection | None:
        if self._connection is None and not self._ended:
            raise Truncated("the answer was closed before its end")
        return self._connection

    def _inflate(self, data: bytes) -> bytes:
        assert self._inflater is not None
        data = self._inflater.feed(data, HIGH_WATER)
        self._decoded += len(data)
        if self._decoded > self._limit:
            raise Malformed(f"an answer of more than {self._limit} bytes once decoded")
        return data
