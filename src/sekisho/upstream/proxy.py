"""HTTP proxies: which one the environment names, and the tunnel through it."""

import asyncio
import base64
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import unquote, urlsplit

from sekisho.core.error import Malformed, Unreachable

_MAX_ANSWER = 64 * 1024


@dataclass(frozen=True, slots=True)
class Proxy:
    scheme: str
    host: str
    port: int
    authorization: str | None
    """The value of `Proxy-Authorization`."""

    @property
    def peer(self) -> str:
        return f"{self.host}:{self.port}"


def parse_proxy(url: str) -> Proxy:
    """Raises ValueError with the reason; the URL itself is never in it, for it may hold a password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("the proxy's URL is not valid") from None
    if parts.scheme not in ("http", "https"):
        raise ValueError("the proxy must be http://host:port or https://host:port")
    if not parts.hostname or not parts.hostname.isascii() or any(ord(char) <= 32 for char in url):
        raise ValueError("the proxy's URL has no valid host")
    authorization = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + base64.b64encode(pair.encode()).decode("ascii")
    return Proxy(
        parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80), authorization
    )


def proxy_for(scheme: str, host: str, port: int, environment: Mapping[str, str]) -> str | None:
    """The proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY (or lower case, which wins) name for a host.

    Loopback hosts never go through it: a model server on this machine is not reachable from the proxy's.
    """
    name = f"{scheme}_proxy"
    url = environment.get(name) or environment.get(name.upper())
    if not url or _is_loopback(host):
        return None
    exempt = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    if any(_matches(entry.strip().lower(), host, port) for entry in exempt.split(",")):
        return None
    return url if "://" in url else f"http://{url}"


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return address.is_loopback if address else host == "localhost" or host.endswith(".localhost")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _matches(entry: str, host: str, port: int) -> bool:
    """One entry of NO_PROXY: `*`, an address, a network, a name with its subdomains; a port may follow."""
    if entry in ("", "*"):
        return entry == "*"
    address = _address(host)
    if address is not None:
        try:
            return address in ipaddress.ip_network(entry.strip("[]"), strict=False)
        except ValueError:
            pass
    name, colon, number = entry.rpartition(":")
    if colon and number.isdigit():
        if int(number) != port:
            return False
        entry = name.strip("[]")
    entry = entry.removeprefix("*").removeprefix(".")
    return host == entry or host.endswith(f".{entry}")


class Tunnel(asyncio.Protocol):
    """The CONNECT exchange, before TLS to the provider begins on the same connection."""

    __slots__ = ("_answer", "_buffer", "_transport")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._answer: asyncio.Future[bytes] = loop.create_future()
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._answer.done() and (b"\r\n\r\n" in self._buffer or len(self._buffer) > _MAX_ANSWER):
            self._answer.set_result(self._buffer)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - any loss is one refusal
        if not self._answer.done():
            self._answer.set_result(b"")

    async def open(self, authority: str, proxy: Proxy) -> None:
        """Ask for a tunnel to `host:port`. Raises Unreachable where the proxy refuses it."""
        lines = [f"CONNECT {authority} HTTP/1.1", f"host: {authority}"]
        if proxy.authorization:
            lines.append(f"proxy-authorization: {proxy.authorization}")
        self._transport.write("\r\n".join((*lines, "", "")).encode("latin-1"))
        answer = await self._answer
        if not answer:
            raise Unreachable("the proxy closed the connection instead of opening a tunnel")
        status = answer.split(b"\r\n", 1)[0].split(b" ", 2)
        if len(status) < 2 or not status[0].startswith(b"HTTP/1.") or not status[1].isdigit():
            raise Malformed("the proxy does not answer in HTTP")
        if not 200 <= int(status[1]) < 300:
            raise Unreachable(f"the proxy refused the tunnel with status {int(status[1])}")
        if not answer.endswith(b"\r\n\r\n"):
            raise Malformed("the proxy sent more than its answer to CONNECT")
