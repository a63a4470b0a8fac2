"""Secret access keys of our own keys, for clients that sign as for AWS.

Only digests of keys are stored, so that a secret to sign with is derived: from the digest, and a secret of
this installation that is not in the database.
"""

import contextlib
import errno
import hmac
import os
import secrets
from pathlib import Path

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
            text, source = self._read_or_make(), str(self._path)
        if len(text) < LEAST:
            raise OSError(errno.EINVAL, f"has fewer than {LEAST} characters", source)
        self._secret = text.encode()

    def secret_access_key(self, digest: bytes) -> str:
        """What the key with this digest signs with. `load` comes first."""
        if not self._secret:
            raise RuntimeError("the signing secret is not loaded")
        return hmac.digest(self._secret, digest, "sha256").hex()

    def _read_or_make(self) -> str:
        try:
            return self._path.read_text("ascii").strip()
        except FileNotFoundError:
            self._make()
        return self._path.read_text("ascii").strip()

    def _make(self) -> None:
        """The file appears whole: it is linked to its name once it is written, and never replaced."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self._path.with_name(f"{FILE}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(32))
                file.flush()
                os.fsync(descriptor)
            with contextlib.suppress(FileExistsError):
                os.link(draft, self._path)
        finally:
            draft.unlink()
