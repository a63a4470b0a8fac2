"""`Authorization: Bearer <key>`."""

from sekisho.core.secret import Secret
from sekisho.upstream.auth.header import header_text


class BearerSigner:
    __slots__ = ("_secret",)

    def __init__(self, secret: Secret) -> None:
        self._secret = secret

    @property
    def constant(self) -> bool:
        return not self._secret.variables

    def headers(self) -> list[tuple[str, str]]:
        return [("authorization", f"Bearer {header_text(self._secret)}")]

    def sign(self, _method: str, _authority: str, _path: str, _body: bytes) -> bytes:
        return b""
