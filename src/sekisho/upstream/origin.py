"""Where a request goes: an origin, the proxy in front of it, and the path prefix of a base URL."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from sekisho.upstream.proxy import parse_proxy, proxy_for

_DEFAULT_PORTS = {"http": 80, "https": 443}
_VISIBLE = re.compile(r"[!-~]+")
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_.])?")


@dataclass(frozen=True, slots=True)
class Origin:
    """Made once for an endpoint."""

    scheme: str
    host: str
    """Lower case, in ASCII (IDNA); IPv6 without brackets."""
    port: int
    proxy: str | None = field(default=None, repr=False)
    """`http(s)://[user:pass@]host:port`. Kept out of `repr`, for it may hold a password."""
    ca_file: str | None = None
    """Trusted in place of the system's authorities."""
    key: str = field(init=False, repr=False, compare=False)
    """The same for equal origins: what the pool keeps connections by, hashed once and not at every call."""

    def __post_init__(self) -> None:
        members = (self.scheme, self.host, self.port, self.proxy, self.ca_file)
        object.__setattr__(self, "key", repr(members))

    @property
    def peer(self) -> str:
        """Host and port, for messages and tunnels."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def authority(self) -> str:
        """As `Host` has it: brackets around IPv6, the port unless it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def origin_of(
    base_url: str, *, proxy: str | None, ca_file: str | None, environment: Mapping[str, str]
) -> tuple[Origin, str]:
    """The origin of a base URL and its path prefix, which has no slash at the end.

    Without `proxy` the usual variables of `environment` decide (HTTP_PROXY, HTTPS_PROXY, NO_PROXY), but
    never for this very machine. Raises ValueError naming the reason, and never a password.
    """
    parts = _split(base_url)
    host = _host(parts.hostname or "")
    port = _port(parts)
    if proxy is None:
        proxy = proxy_for(parts.scheme, host, port, environment)
    if proxy is not None:
        parse_proxy(proxy)
    return Origin(parts.scheme, host, port, proxy, ca_file), parts.path.rstrip("/")


def origin_and_path(url: str, environment: Mapping[str, str]) -> tuple[Origin, str]:
    """The origin of a URL that is asked as it stands, and its path with the query. Raises ValueError."""
    parts = urlsplit(url)
    origin, _ = origin_of(
        f"{parts.scheme}://{parts.netloc}", proxy=None, ca_file=None, environment=environment
    )
    return origin, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _split(base_url: str) -> SplitResult:
    try:
        parts = urlsplit(base_url)
    except ValueError as error:
        raise ValueError(f"the base URL is not a URL: {error}") from None
    if parts.scheme not in _DEFAULT_PORTS:
        raise ValueError("the base URL must start with http:// or https://")
    if parts.username is not None or parts.password is not None:
        raise ValueError("the base URL must not hold a user or password; use the provider's key")
    if parts.query or parts.fragment or base_url.endswith(("?", "#")):
        raise ValueError("the base URL must not have a query or a fragment")
    if any(ord(char) <= 32 for char in base_url) or (parts.path and not _VISIBLE.fullmatch(parts.path)):
        raise ValueError("the base URL must not have spaces, line ends or unescaped letters in its path")
    return parts


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        raise ValueError("the base URL's port is not a number from 1 to 65535") from None
    if port == 0:
        raise ValueError("the base URL's port is not a number from 1 to 65535")
    return port or _DEFAULT_PORTS[parts.scheme]


def _host(host: str) -> str:
    if not host:
        raise ValueError("the base URL has no host")
    if ":" in host:
        try:
            return str(ipaddress.IPv6Address(host))
        except ValueError:
            raise ValueError(f"the base URL's host {host!r} is not an IPv6 address") from None
    try:
        name = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError(f"the base URL's host {host!r} is not a valid name") from None
    name = name.lower()
    too_long = len(name) > 253 or any(len(label) > 63 for label in name.split("."))
    if too_long or ".." in name or not _HOST.fullmatch(name):
        raise ValueError(f"the base URL's host {host!r} is not a valid name")
    return name
