"""New connections: addresses raced, proxies passed, TLS shaken."""

import asyncio
import ipaddress
import socket
from itertools import chain, zip_longest

from sekisho.upstream.connection import Connection
from sekisho.upstream.origin import Origin
from sekisho.upstream.proxy import Proxy, Tunnel, parse_proxy
from sekisho.upstream.tls import Contexts

STAGGER = 0.25
"""Seconds an address has to itself before the next one is tried beside it (RFC 8305, section 8)."""
_Address = tuple[int, tuple[object, ...]]
"""Address family, and what `connect` takes."""


async def dial(connection: Connection, origin: Origin, contexts: Contexts) -> None:
    """Connect `connection` to `origin`. Raises OSError and UpstreamErrors; knows no time limit."""
    loop = asyncio.get_running_loop()
    proxy = parse_proxy(origin.proxy) if origin.proxy is not None else None
    if proxy is not None and origin.scheme == "https":
        await _dial_through(connection, origin, proxy, contexts)
        return
    first = proxy or origin
    tls = contexts.get(None if proxy else origin.ca_file) if first.scheme == "https" else None
    sock = await _connect(loop, first.host, first.port)
    await loop.create_connection(
        lambda: connection, sock=sock, ssl=tls, server_hostname=first.host if tls else None
    )


async def _dial_through(connection: Connection, origin: Origin, proxy: Proxy, contexts: Contexts) -> None:
    loop = asyncio.get_running_loop()
    tls_to_proxy = contexts.get(None) if proxy.scheme == "https" else None
    tls = contexts.get(origin.ca_file)
    sock = await _connect(loop, proxy.host, proxy.port)
    outer, tunnel = await loop.create_connection(
        lambda: Tunnel(loop),
        sock=sock,
        ssl=tls_to_proxy,
        server_hostname=proxy.host if tls_to_proxy else None,
    )
    inner = None
    try:
        await tunnel.open(origin.peer, proxy)
        inner = await loop.start_tls(outer, connection, tls, server_hostname=origin.host)
        if inner is None:
            raise ConnectionResetError(f"{proxy.peer} closed the tunnel")
        connection.attach(inner)
    finally:
        if inner is None:
            outer.abort()


async def _connect(loop: asyncio.AbstractEventLoop, host: str, port: int) -> socket.socket:
    """A connected socket. uvloop's create_connection knows no happy eyeballs, so the race is here."""
    addresses = await _addresses(loop, host, port)
    if len(addresses) == 1:
        return await _open(loop, addresses[0])
    pending: set[asyncio.Task[socket.socket]] = set()
    winner: socket.socket | None = None
    failure = OSError("no address")
    try:
        while winner is None:
            if addresses:
                pending.add(loop.create_task(_open(loop, addresses.pop(0))))
            elif not pending:
                raise failure
            done, pending = await asyncio.wait(
                pending, timeout=STAGGER if addresses else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                error = task.exception()
                if isinstance(error, OSError):
                    failure = error
                elif winner is None:
                    winner = task.result()
                else:
                    task.result().close()
        return winner
    finally:
        for task in pending:
            task.cancel()


async def _addresses(loop: asyncio.AbstractEventLoop, host: str, port: int) -> list[_Address]:
    """In the system's order (RFC 6724), the families taking turns."""
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        pass
    else:
        return [(socket.AF_INET6, (host, port, 0, 0)) if version == 6 else (socket.AF_INET, (host, port))]
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    first = found[0][0]
    same = [(int(family), address) for family, _, _, _, address in found if family == first]
    other = [(int(family), address) for family, _, _, _, address in found if family != first]
    return [each for each in chain.from_iterable(zip_longest(same, other)) if each is not None]


async def _open(loop: asyncio.AbstractEventLoop, address: _Address) -> socket.socket:
    family, target = address
    sock = socket.socket(family, socket.SOCK_STREAM)
    connected = False
    try:
        sock.settimeout(0)
        await loop.sock_connect(sock, target)
        connected = True
    finally:
        if not connected:
            sock.close()
    return sock
