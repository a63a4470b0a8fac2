"""What proves to a provider who is asking."""

from typing import Protocol

from sekisho.core.provider import Auth
from sekisho.upstream.auth.bearer import BearerSigner
from sekisho.upstream.auth.header import HeaderSigner


class Signer(Protocol):
    def headers(self) -> list[tuple[str, str]]:
        """The headers to send, with the secret as it is at this moment.

        Raises ProviderAuthFailed, naming the variable and never its value, where it is unset or unfit.
        """
        ...

    def sign(self, authority: str, path: str, body: bytes) -> bytes:
        """Header lines for this one request, where a signature covers it; else nothing."""
        ...


class Unsigned:
    """For servers that ask for no key."""

    __slots__ = ()

    def headers(self) -> list[tuple[str, str]]:
        return []

    def sign(self, _authority: str, _path: str, _body: bytes) -> bytes:
        return b""


def signer(auth: Auth) -> Signer:
    """Raises ValueError where a scheme lacks its secret."""
    if auth.scheme == "none":
        return Unsigned()
    if auth.secret is None:
        raise ValueError(f"auth scheme {auth.scheme} needs a secret")
    if auth.scheme == "bearer":
        return BearerSigner(auth.secret)
    return HeaderSigner(auth.header, auth.secret)
