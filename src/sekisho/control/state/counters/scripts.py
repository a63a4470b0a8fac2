"""The Lua scripts, and what they are called by."""

from dataclasses import dataclass
from hashlib import sha1
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Script:
    text: bytes
    digest: bytes
    """By which the server knows it once it was loaded."""


def _script(name: str) -> Script:
    folder = files(__package__)
    text = b"".join((folder / f"{part}.lua").read_bytes() for part in ("cells", name))
    return Script(text, sha1(text, usedforsecurity=False).hexdigest().encode())


ADMIT, SETTLE, FILL = _script("admit"), _script("settle"), _script("fill")
