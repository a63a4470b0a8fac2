"""The scripted provider as a server, in this process."""

import asyncio
import ssl
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Self

from sekisho.testkit.provider.canned import Cans
from sekisho.testkit.provider.connection import Connection, Received, Turn
from sekisho.testkit.provider.format import Credentials, Rules
from sekisho.testkit.provider.ledger import Aborted, Ledger, Served
from sekisho.testkit.provider.responder import Responder
from sekisho.testkit.provider.script import Script


class ScriptedProvider:
    """Speaks the providers' APIs on loopback, and does what scripts say.

    `default` answers where nothing else is said (it echoes); `api_key`, where given, is the only one
    accepted; `strict` refuses members that the provider's API does not have; `record` keeps the last
    thousand requests in `requests`; `canned` answers from memory, for load: each kind of request is checked
    and made once, and only counts are kept; `ledger` names a file for `Ledger`. What is let in and how much
    is checked can be set more finely: `responder.credentials`, `responder.rules`.
    """

    def __init__(
        self,
        default: Script | None = None,
        *,
        api_key: str | None = None,
        strict: bool = False,
        record: bool = True,
        canned: bool = False,
        ledger: Path | None = None,
    ):
        self.requests: deque[Received] = deque(maxlen=1000)
        self.ledger = Ledger(ledger, keep=not canned)
        self.responder = Responder(
            self.ledger,
            default=default or Script(),
            credentials=Credentials(api_key=api_key),
            rules=Rules(strict=strict),
        )
        self.host = "127.0.0.1"
        self.port = 0
        self._record = record
        self._cans = Cans() if canned else None
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._scheme = "http"

    # --- life ---

    async def start(self, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        """Listen on loopback; port 0 takes a free one."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self, loop), self.host, port, ssl=tls, backlog=4096
        )
        self._scheme = "https" if tls else "http"
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the listener and every connection."""
        if self._server is not None:
            self._server.close()
            for connection in list(self._connections):
                connection.close()
            await self._server.wait_closed()
            self._server = None
        self.ledger.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # --- what tests use ---

    @property
    def base_url(self) -> str:
        """Without a path, as Anthropic's SDK wants it."""
        return f"{self._scheme}://{self.host}:{self.port}"

    @property
    def openai_base_url(self) -> str:
        """With `/v1`, as OpenAI's SDK wants it."""
        return f"{self.base_url}/v1"

    def script(self, *scripts: Script) -> None:
        """The next requests are answered by these, one each, whatever model they name."""
        self.responder.queue.extend(scripts)

    @property
    def served(self) -> list[Served]:
        """Every answer that was begun and is over."""
        return self.ledger.served

    @property
    def aborted(self) -> list[Aborted]:
        """Every client that left before its answer was over."""
        return self.ledger.aborted

    @property
    def open_connections(self) -> int:
        return len(self._connections)

    # --- for connections ---

    def connected(self, connection: Connection) -> None:
        self._connections.add(connection)

    def disconnected(self, connection: Connection) -> None:
        self._connections.discard(connection)

    def take(self, request: Received) -> Turn:
        """What to do with one request."""
        self.ledger.counts["requests"] += 1
        if self._cans is not None and request.method == "POST":
            return self._cans.take(request, self.responder, self.ledger)
        if self._record:
            self.requests.append(request)
        return self.responder.respond(request)
