"""A client's request as bytes and lines, and what an answer's status line looks like."""

from http import HTTPStatus

import msgspec

from sekisho.core.contract import Named
from sekisho.core.error import ProviderRejected, SekishoError

_PHRASES = {status.value: status.phrase for status in HTTPStatus} | {499: "Client Closed", 529: "Overloaded"}
STATUS_LINES = {code: f"HTTP/1.1 {code} {phrase}\r\n".encode() for code, phrase in _PHRASES.items()}


class Request(msgspec.Struct, eq=False):
    method: str
    target: bytes
    """Path and query as they came."""
    path: str
    query: bytes
    headers: list[tuple[bytes, bytes]]
    """Lower-case names, in order of arrival."""
    named: Named
    body: bytes
    peer: str = ""
    """The address at the other end of the connection."""
    keep_alive: bool = True
    chunked: bool = True
    """False: the client speaks HTTP/1.0, which knows no chunks."""

    def header(self, name: bytes) -> bytes | None:
        """The first header of this (lower-case) name."""
        return self.named.get(name)


def error_status(error: SekishoError) -> int:
    """The HTTP status of an error: a provider's own refusal keeps the provider's status."""
    if isinstance(error, ProviderRejected):
        status = error.rejected_status
        return status if status in STATUS_LINES else 400
    return error.status
