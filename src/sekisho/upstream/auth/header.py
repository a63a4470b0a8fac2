"""The key in a header of the provider's choice: alone (`x-api-key`, `api-key`), or as
`Authorization: Bearer <key>`."""

from sekisho.core.error import ProviderAuthFailed
from sekisho.core.secret import Secret


class HeaderSigner:
    __slots__ = ("_headers", "_name", "_prefix", "_secret", "_text")

    def __init__(self, name: str, secret: Secret, prefix: str = "") -> None:
        self._name = name.lower()
        self._secret = secret
        self._prefix = prefix
        self._text = ""
        """That `_headers` were made of: every call asks for them, and the variable hardly ever changes."""
        self._headers: list[tuple[str, str]] = []

    @property
    def constant(self) -> bool:
        return not self._secret.variables

    def headers(self) -> list[tuple[str, str]]:
        text = self._secret.resolve()
        if not text or text != self._text:
            self._headers = [(self._name, self._prefix + header_text(self._secret))]
            self._text = text
        return self._headers

    def sign(self, _method: str, _authority: str, _path: str, _body: bytes) -> bytes:
        return b""


def header_text(secret: Secret) -> str:
    """The secret's text, fit for a header. Raises ProviderAuthFailed naming the variable, not the value."""
    text = secret.resolve()
    if text and text.isascii() and text.isprintable():
        return text
    source = f"the environment variable {secret.variables[0]}" if secret.variables else "the configured key"
    if not text:
        raise ProviderAuthFailed(f"{source} is empty")
    # A key file's last line end, taken into the variable with the key, is the usual reason.
    if any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 or ord(char) > 0xFF for char in text):
        raise ProviderAuthFailed(f"{source} has line ends or letters that no header can carry")
    return text
