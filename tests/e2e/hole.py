"""A network that loses everything without a word: neither side is told that the other is gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


def _open() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@dataclass
class Wire:
    """A port of this machine that leads to another one."""

    port: int = 0
    _whole: asyncio.Event = field(default_factory=_open)

    def cut(self) -> None:
        """From now on nothing arrives; connections stay, and new ones are taken and lead nowhere."""
        self._whole.clear()

    def mend(self) -> None:
        """What was sent meanwhile arrives now."""
        self._whole.set()

    async def carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                await self._whole.wait()
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        finally:
            sink.close()


@asynccontextmanager
async def wire(port: int) -> AsyncIterator[Wire]:
    """To that port of this machine."""
    made = Wire()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await made._whole.wait()
        try:
            there, here = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(made.carry(reader, here), made.carry(there, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        made.mend()
        server.close()
