"""Small files that are made once and then stay: what an installation knows of itself."""

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path


def read_or_make(path: Path, make: Callable[[], str]) -> str:
    """The file's text; where there is none, it is made of what `make` returns. Of several processes that do
    so at once, one makes it and all read the same. Raises OSError."""
    try:
        return path.read_text("ascii").strip()
    except FileNotFoundError:
        _make(path, make())
    return path.read_text("ascii").strip()


def _make(path: Path, text: str) -> None:
    """The file appears whole: it is linked to its name once it is written, and never replaced."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
