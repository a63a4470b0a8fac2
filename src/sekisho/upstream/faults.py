"""What went wrong on a connection -> leaves of the error tree. Names host and port, never the request."""

import os
import socket
import ssl

from sekisho.core.error import Malformed, Truncated, Unreachable, UpstreamError, UpstreamTimeout


def unreachable(peer: str, error: Exception | None) -> Unreachable:
    """No connection, or it was lost before an answer began."""
    match error:
        case None:
            return Unreachable(f"{peer} closed the connection before an answer")
        case ssl.SSLCertVerificationError():
            return Unreachable(f"TLS with {peer} failed: {error.verify_message}")
        case ssl.SSLError():
            return Unreachable(f"TLS with {peer} failed: {error.reason or 'handshake failure'}")
        case socket.gaierror():
            return Unreachable(f"the name of {peer} cannot be resolved")
        case OSError(errno=int(number)):
            return Unreachable(f"no connection to {peer}: {os.strerror(number)}")
        case _:
            return Unreachable(f"no connection to {peer}: {type(error).__name__}")


def lost(peer: str, *, in_body: bool) -> Truncated:
    where = "in the middle of the answer" if in_body else "in the middle of the answer's headers"
    return Truncated(f"{peer} closed the connection {where}")


def timed_out(peer: str, phase: str) -> UpstreamTimeout:
    """`phase` is one of connect, first byte, idle, total."""
    return UpstreamTimeout(f"timeout of {peer} ({phase})")


def broken(peer: str, error: Exception) -> UpstreamError:
    """Bytes that are no HTTP. A callback's own error comes wrapped by the parser, and is unwrapped."""
    if isinstance(error.__context__, UpstreamError):
        return error.__context__
    return Malformed(f"{peer} sent an invalid HTTP answer: {error}")
