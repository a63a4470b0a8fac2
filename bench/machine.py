"""Where the figures come from: machine, system, versions, state of the source."""

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Iterator
from pathlib import Path

from bench.peers import Peers
from bench.proc import CORES, GATEWAY_CORE, OTHER_CORES


def describe(peers: Peers) -> list[tuple[str, str]]:
    """(what, value) lines for the report."""
    return [
        ("processor", f"{_processor()}, {len(CORES)} cores of {os.cpu_count()}"),
        ("memory", _memory()),
        ("system", f"{_system()}, Linux {platform.release()}"),
        ("Python", platform.python_version()),
        ("Sekisho", f"{importlib.metadata.version('sekisho')} at {_commit()}"),
        *((tool.name, tool.version or f"missing: {tool.missing}") for tool in peers.all()),
        ("cores", _cores()),
    ]


def _cores() -> str:
    if GATEWAY_CORE == OTHER_CORES:
        return "one core only: gateways and load share it, and rates mean little"
    others = ", ".join(str(core) for core in sorted(OTHER_CORES))
    return f"gateways on core {min(GATEWAY_CORE)}, load and upstreams on {others}"


def _processor() -> str:
    for line in _lines("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory() -> str:
    kilobytes = next(
        (line.split()[1] for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), "0"
    )
    return f"{int(kilobytes) / 1e6:.0f} GB"


def _system() -> str:
    for line in _lines("/etc/os-release"):
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return platform.system()


def _lines(path: str) -> Iterator[str]:
    try:
        yield from Path(path).read_text("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return


def _commit() -> str:
    folder = Path(__file__).parent
    said = [
        subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False).stdout
        for arguments in (("rev-parse", "--short", "HEAD"), ("status", "--porcelain", "--", "../src"))
    ]
    return (said[0].strip() or "no commit") + (" with changes" if said[1].strip() else "")
