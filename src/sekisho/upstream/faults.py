"""What went wrong on a connection -> leaves of the error tree.

Clients read the messages: they name neither host nor port, since an operator's network is no business of
theirs, nor anything of the request. Which provider it was is said beside them.
"""

import os
import socket
import ssl

from sekisho.core.error import Malformed, Truncated, Unreachable, UpstreamError, UpstreamTimeout

_OTHER_NAME = (62, 64)
"""OpenSSL's codes for a certificate of another host or address, whose messages name it."""


def unreachable(error: Exception | None) -> Unreachable:
    """No connection, or it was lost before an answer began."""
    match error:
        case None:
            return Unreachable("the connection was closed before an answer")
        case ssl.SSLCertVerificationError(verify_code=code) if code in _OTHER_NAME:
            return Unreachable("TLS failed: the certificate is not valid for the provider's host")
        case ssl.SSLCertVerificationError():
            return Unreachable(f"TLS failed: {error.verify_message}")
        case ssl.SSLError():
            return Unreachable(f"TLS failed: {error.reason or 'handshake failure'}")
        case socket.gaierror():
            return Unreachable("the name of the provider's host cannot be resolved")
        case OSError(errno=int(number)):
            return Unreachable(f"no connection: {os.strerror(number)}")
        case _:
            return Unreachable(f"no connection: {type(error).__name__}")


def lost(*, in_body: bool) -> Truncated:
    where = "in the middle of the answer" if in_body else "in the middle of the answer's headers"
    return Truncated(f"the connection was closed {where}")


def timed_out(phase: str) -> UpstreamTimeout:
    """`phase` is one of connect, first byte, idle, total."""
    return UpstreamTimeout(f"timeout ({phase})")


def broken(error: Exception) -> UpstreamError:
    """Bytes that are no HTTP. A callback's own error comes wrapped by the parser, and is unwrapped."""
    if isinstance(error.__context__, UpstreamError):
        return error.__context__
    return Malformed(f"it sent an invalid HTTP answer: {error}")
