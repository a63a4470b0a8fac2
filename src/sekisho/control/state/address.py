"""Where the shared state is: `SEKISHO_STATE_URL`, checked before anything connects."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

SCHEMES = ("redis", "rediss", "valkey", "valkeys", "unix")
OPTIONS = ("db", "namespace", "ssl_ca_certs")
ROOT = "sekisho:"
PORT = 6379
NAMESPACE = re.compile(r"[a-z0-9-]{1,40}")


class StateError(Exception):
    """The shared state cannot be used as it is configured. The text never holds a password."""


@dataclass(frozen=True, slots=True)
class Address:
    host: str = ""
    port: int = PORT
    path: str | None = None
    """Of a unix socket, in place of host and port."""
    database: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    authorities: str | None = None
    """A file of certificates to trust in place of the system's."""
    namespace: str | None = None
    """Deployments that share a database are told apart by it."""

    @property
    def root(self) -> str:
        """What all names of keys and channels begin with."""
        return ROOT if self.namespace is None else f"{ROOT}{self.namespace}:"

    @property
    def shown(self) -> str:
        """For logs and errors."""
        return f"{self.path or f'{self.host}:{self.port}'}, database {self.database}"


def read_address(url: str) -> Address:
    """The address that a URL names. Raises StateError, which says what is wrong, and not with which URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        _refuse("is not a URL")
    if parts.scheme not in SCHEMES:
        _refuse("must begin with redis://, rediss://, valkey://, valkeys:// or unix://")
    options, port = _options(parts), _port(parts)
    address = Address(
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        authorities=options.get("ssl_ca_certs"),
        namespace=options.get("namespace"),
        tls=parts.scheme in ("rediss", "valkeys"),
        database=_database(parts, options),
        host=unquote(parts.hostname or ""),
        port=PORT if port is None else port,
        path=unquote(parts.path) if parts.scheme == "unix" else None,
    )
    _check(address, parts.scheme)
    return address


def in_namespace(url: str, name: str) -> str:
    """The same URL with a namespace of this name, or below the one that it has."""
    base, _, query = url.partition("?")
    pairs = [pair for pair in query.split("&") if pair]
    given = [pair for pair in pairs if pair.startswith("namespace=")]
    pairs = [pair for pair in pairs if pair not in given]
    return f"{base}?{'&'.join([*pairs, f'{given[0]}-{name}' if given else f'namespace={name}'])}"


def _check(address: Address, scheme: str) -> None:
    if scheme == "unix":
        if address.host or not address.path:
            _refuse("needs three slashes and the socket's path: unix:///run/valkey.sock")
    elif not address.host:
        _refuse("names no host")
    if address.namespace is not None and not NAMESPACE.fullmatch(address.namespace):
        _refuse("namespace must be 1 to 40 of a-z, 0-9 and -")
    if address.authorities is not None:
        if not address.tls:
            _refuse("ssl_ca_certs needs rediss:// or valkeys://")
        if not Path(address.authorities).is_file():
            _refuse(f"ssl_ca_certs: there is no file {address.authorities}")


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:  # its text may hold part of a password
        _refuse(
            "the port must be a number up to 65535; in a password / ? # @ : are written %2F %3F %23 %40 %3A"
        )


def _options(parts: SplitResult) -> dict[str, str]:
    if parts.fragment:
        _refuse("holds a '#': in a password it is written %23")
    given = parse_qs(parts.query, keep_blank_values=True)
    for name, values in given.items():
        if name not in OPTIONS:
            _refuse(f"takes no option of that name; known are {', '.join(OPTIONS)}")
        if len(values) > 1:
            _refuse(f"says {name} twice")
    return {name: values[0] for name, values in given.items()}


def _database(parts: SplitResult, options: dict[str, str]) -> int:
    text = "" if parts.scheme == "unix" else parts.path.strip("/")
    if text and "db" in options:
        _refuse("names the database twice")
    text = options.get("db", text) or "0"
    if not text.isascii() or not text.isdigit() or len(text) > 5:
        _refuse("the database after the last slash must be a number, as in redis://host:6379/0")
    return int(text)


def _refuse(reason: str) -> NoReturn:
    raise StateError(f"SEKISHO_STATE_URL: {reason}")
