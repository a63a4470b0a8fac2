"""Parts of Debian: this system's, or those that `make test` has unpacked where there are none."""

import shutil
import sys
from pathlib import Path

import pytest

UNPACKED = Path(sys.prefix) / "debian"
FOLDERS = ("/usr/sbin", "/sbin", *(str(UNPACKED / name) for name in ("usr/bin", "bin", "usr/sbin")))
"""Where programs are that PATH may leave out."""


def tool(name: str, package: str | None = None) -> str:
    """The program's path. Without it the test is skipped."""
    found = shutil.which(name) or shutil.which(name, path=":".join(FOLDERS))
    if found is None:
        pytest.skip(f"there is no {name}: `apt-get install {package or name}`")
    return found


def libraries() -> dict[str, str]:
    """What the environment of a program that was unpacked has to say of the libraries beside it."""
    return {"LD_LIBRARY_PATH": ":".join(str(folder) for folder in sorted(UNPACKED.glob("**/lib/*-linux-*")))}


def library(name: str, package: str) -> str:
    """The path of one to be loaded before others. Without it the test is skipped."""
    places = (Path("/usr/lib"), UNPACKED / "usr" / "lib")
    found = next((path for place in places for path in sorted(place.glob(f"*-linux-*/{name}"))), None)
    if found is None:
        pytest.skip(f"there is no {name}: `apt-get install {package}`")
    return str(found)
