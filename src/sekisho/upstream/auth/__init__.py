"""What proves to a provider who is asking."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from sekisho.core.provider import Auth
from sekisho.upstream.auth.header import HeaderSigner
from sekisho.upstream.auth.sigv4 import SigV4Signer


class Signer(Protocol):
    @property
    def constant(self) -> bool:
        """Whether `headers` gives the same for every request, and `sign` nothing."""
        ...

    def headers(self) -> list[tuple[str, str]]:
        """The headers to send, with the secret as it is at this moment.

        Raises ProviderAuthFailed, naming the variable and never its value, where it is unset or unfit.
        """
        ...

    def sign(self, method: str, authority: str, path: str, body: bytes) -> bytes:
        """Header lines for this one request, where a signature covers it; else nothing. A body is JSON.

        Raises ProviderAuthFailed like `headers`.
        """
        ...


class Unsigned:
    """For servers that ask for no key."""

    __slots__ = ()
    constant = True

    def headers(self) -> list[tuple[str, str]]:
        return []

    def sign(self, _method: str, _authority: str, _path: str, _body: bytes) -> bytes:
        return b""


def signer(auth: Auth, now: Callable[[], float] = time.time) -> Signer:
    """Of the first key. `now`: seconds since the epoch. Raises ValueError where a scheme lacks its secret."""
    if auth.scheme == "none":
        return Unsigned()
    if auth.aws is not None:
        return SigV4Signer(auth.aws, now)
    if auth.secret is None:
        raise ValueError(f"auth scheme {auth.scheme} needs a secret")
    if auth.scheme == "bearer":
        return HeaderSigner("authorization", auth.secret, "Bearer ")
    return HeaderSigner(auth.header, auth.secret)


def signers(auth: Auth, now: Callable[[], float] = time.time) -> tuple[Signer, ...]:
    """One for each key, in their order; at least one. Raises ValueError like `signer`."""
    further = (signer(replace(auth, secret=secret, further=()), now) for secret in auth.further)
    return (signer(auth, now), *further)
