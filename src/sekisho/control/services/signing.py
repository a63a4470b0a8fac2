"""Secret access keys of our own keys, for clients that sign as for AWS.

Only digests of keys are stored, so that a secret to sign with is derived: from the digest, and a secret of
this installation that is not in the database.
"""

import errno
import hmac
import secrets
from pathlib import Path

from sekisho.control.services.lasting import read_or_make

FILE = "sigv4.secret"
VARIABLE = "SEKISHO_SIGV4_SECRET"
LEAST = 32
"""Characters."""


class SigningSecret:
    """Touches nothing until `load`."""

    def __init__(self, data_dir: Path, configured: str | None):
        self._path = data_dir / FILE
        self._configured = configured
        self._secret = b""

    def load(self) -> None:
        """Read the installation's secret, or make it where there is none yet. Of several processes that do
        so at once, one makes it and all read the same.

        Raises OSError naming the file, or the variable that holds what is too short to be a secret.
        """
        if self._configured is not None:
            text, source = self._configured, VARIABLE
        else:
            text = read_or_make(self._path, lambda: secrets.token_urlsafe(32))
            source = str(self._path)
        if len(text) < LEAST:
            raise OSError(errno.EINVAL, f"has fewer than {LEAST} characters", source)
        self._secret = text.encode()

    def secret_access_key(self, digest: bytes) -> str:
        """What the key with this digest signs with. `load` comes first."""
        if not self._secret:
            raise RuntimeError("the signing secret is not loaded")
        return hmac.digest(self._secret, digest, "sha256").hex()
