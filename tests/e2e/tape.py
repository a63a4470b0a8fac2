"""A provider that plays bytes as they are on file, and keeps what it was sent, byte for byte."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Tape:
    base_url: str = ""
    heads: list[dict[bytes, bytes]] = field(default_factory=list)
    """Headers by lower-case name, and the request line under no name."""
    bodies: list[bytes] = field(default_factory=list)
    answers: deque[list[bytes | asyncio.Event]] = field(default_factory=deque)
    """Whole HTTP answers, each in the pieces that are written one by one; an event is waited for."""

    def play(self, body: bytes, *, stream: bool, piece: int | None = None) -> None:
        """Answer the next request with `body`, cut into HTTP chunks of `piece` bytes where it streams."""
        if not stream:
            head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
            self.answers.append([head % len(body) + body])
            return
        size = piece or len(body)
        cut = [body[at : at + size] for at in range(0, len(body), size)]
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        self.answers.append([head, *(b"%x\r\n%b\r\n" % (len(part), part) for part in cut), b"0\r\n\r\n"])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, request by request."""
        try:
            while True:
                line, *lines = (await reader.readuntil(b"\r\n\r\n"))[:-4].split(b"\r\n")
                pairs = [each.split(b": ", 1) for each in lines]
                head = {name.lower(): value for name, value in pairs}
                assert len(head) == len(pairs)
                self.heads.append({b"": line, **head})
                self.bodies.append(await reader.readexactly(int(head[b"content-length"])))
                for piece in self.answers.popleft():
                    if isinstance(piece, asyncio.Event):
                        await piece.wait()
                    else:
                        writer.write(piece)
                        await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def tape() -> AsyncIterator[Tape]:
    """A tape that listens on loopback."""
    player = Tape()
    server = await asyncio.start_server(player.serve, "127.0.0.1", 0, limit=2**24)
    player.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield player
    finally:
        server.close()
