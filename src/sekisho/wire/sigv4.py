"""AWS Signature Version 4 as pure functions: no clock, no I/O, no credentials of its own.

After https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html (2026-11).
The path is normalised, and what is escaped in it already is escaped once more; but S3 takes it as it stands.
"""

import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote, unquote_to_bytes

ALGORITHM = "AWS4-HMAC-SHA256"
UNRESERVED = "-_.~"
_SCOPE_END = "aws4_request"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=([^/,= ]+)/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request *, *"
    r"SignedHeaders=([a-z0-9;_.-]+) *, *Signature=([0-9a-f]{64})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a signing key is good for."""

    date: str
    """`YYYYMMDD`, UTC."""
    region: str
    service: str

    @property
    def text(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/{_SCOPE_END}"


@dataclass(frozen=True, slots=True)
class Message:
    """The parts of a request that a signature covers."""

    method: str
    target: str
    """Path and query as they stand in the request line."""
    headers: Sequence[tuple[str, str]]
    """Those that are signed, by lower-case name, in order of arrival."""
    body_hash: str
    """SHA-256 of the body in hex; see `body_hash`."""
    as_it_stands: bool = False
    """The path is, as S3 has it."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """What an `Authorization` header of this scheme says."""

    access_key_id: str
    scope: Scope
    signed_headers: tuple[str, ...]
    signature: str


def body_hash(body: bytes) -> str:
    return sha256(body).hexdigest()


def canonical_request(message: Message) -> str:
    path, _, query = message.target.partition("?")
    canonical = path if message.as_it_stands else canonical_path(path)
    headers = _gathered(message.headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers)
    names = ";".join(name for name, _ in headers)
    return "\n".join((message.method, canonical, canonical_query(query), lines, names, message.body_hash))


def canonical_path(path: str) -> str:
    """The path without `.`, `..` and empty segments, escaped once more."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    end = "/" if kept and path.endswith("/") else ""
    return quote("/" + "/".join(kept) + end, safe="/" + UNRESERVED)


def canonical_query(query: str) -> str:
    """The parameters escaped in one way, whichever way they came, and sorted."""
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    parameters = sorted((_escaped(name), _escaped(value)) for name, _, value in pairs)
    return "&".join(f"{name}={value}" for name, value in parameters)


def string_to_sign(timestamp: str, scope: Scope, canonical: str) -> str:
    """`timestamp` is what `X-Amz-Date` says: `YYYYMMDDTHHMMSSZ`."""
    return "\n".join((ALGORITHM, timestamp, scope.text, sha256(canonical.encode()).hexdigest()))


def signing_key(secret_access_key: str, scope: Scope) -> bytes:
    """The same for a day, a region and a service: worth keeping."""
    key = f"AWS4{secret_access_key}".encode()
    for part in (scope.date, scope.region, scope.service, _SCOPE_END):
        key = _hmac(key, part)
    return key


def signature(key: bytes, timestamp: str, scope: Scope, message: Message) -> str:
    """In hex. `key` is `signing_key`'s for the same scope."""
    return _hmac(key, string_to_sign(timestamp, scope, canonical_request(message))).hex()


def write_authorization(authorization: Authorization) -> str:
    """The header's value."""
    return (
        f"{ALGORITHM} Credential={authorization.access_key_id}/{authorization.scope.text}, "
        f"SignedHeaders={';'.join(authorization.signed_headers)}, Signature={authorization.signature}"
    )


def read_authorization(value: str) -> Authorization | None:
    """None: it is no well-formed value of this scheme."""
    match = _AUTHORIZATION.fullmatch(value.strip())
    if match is None:
        return None
    access_key_id, date, region, service, names, signed = match.groups()
    return Authorization(access_key_id, Scope(date, region, service), tuple(names.split(";")), signed)


def _gathered(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Sorted by name; the values of one name are trimmed inside and out, and joined as they came."""
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name, []).append(" ".join(value.split()))
    return [(name, ",".join(values[name])) for name in sorted(values)]


def _escaped(text: str) -> str:
    return quote(unquote_to_bytes(text), safe=UNRESERVED)


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
