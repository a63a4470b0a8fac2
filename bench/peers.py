"""The peers: installed into `bench/.peers`, or named as missing with the reason."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / ".peers"
LITELLM = "litellm[proxy]==1.106.2"
PORTKEY = "@portkey-ai/gateway@1.15.2"
LITELLM_FOLDER = FOLDER / "litellm"
PORTKEY_FOLDER = FOLDER / "portkey"


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    version: str = ""
    missing: str = ""
    """Why it is not here; empty where it is."""


@dataclass(frozen=True, slots=True)
class Peers:
    nginx: Tool
    wrk: Tool
    litellm: Tool
    portkey: Tool

    def all(self) -> tuple[Tool, ...]:
        return (self.nginx, self.wrk, self.litellm, self.portkey)


class _Failed(Exception):
    pass


def install() -> Peers:
    """Whatever is not here yet is installed; what cannot be comes back as missing."""
    return Peers(
        nginx=_debian("nginx", "nginx-light", ["nginx", "-v"]),
        wrk=_debian("wrk", "wrk", ["wrk", "-v"]),
        litellm=_litellm(),
        portkey=_portkey(),
    )


def _run(command: Sequence[str], folder: Path | None = None) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=900, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _Failed(f"`{' '.join(command)}`: {error}") from None
    said = (done.stdout + done.stderr).strip()
    if done.returncode:
        last = said.splitlines()[-1] if said else f"exit code {done.returncode}"
        raise _Failed(f"`{' '.join(command)}`: {last}")
    return said


def _install_debian(package: str) -> None:
    if os.geteuid() != 0:
        raise _Failed(f"not installed, and only root can: apt-get install {package}")
    sys.stderr.write(f"installing {package} ...\n")
    _run(["apt-get", "update", "-qq"])
    _run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", package])


def _debian(program: str, package: str, version: Sequence[str]) -> Tool:
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    try:
        if path is None:
            _install_debian(package)
    except _Failed as failure:
        return Tool(program, missing=str(failure))
    said = subprocess.run(version, capture_output=True, text=True, check=False)
    line = (said.stdout + said.stderr).splitlines()[0]
    return Tool(program, line.replace("nginx version: nginx/", "").removeprefix("wrk ").split(" [")[0])


def _litellm() -> Tool:
    python = LITELLM_FOLDER / "bin" / "python"
    try:
        if not (LITELLM_FOLDER / "bin" / "litellm").exists():
            sys.stderr.write(f"installing {LITELLM} ...\n")
            _run([sys.executable, "-m", "venv", str(LITELLM_FOLDER)])
            _run([str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", LITELLM])
        code = "import importlib.metadata as m; print(m.version('litellm'))"
        return Tool("LiteLLM", _run([str(python), "-c", code]))
    except _Failed as failure:
        return Tool("LiteLLM", missing=str(failure))


def _portkey() -> Tool:
    package = PORTKEY_FOLDER / "node_modules" / "@portkey-ai" / "gateway" / "package.json"
    try:
        if not package.exists():
            sys.stderr.write(f"installing {PORTKEY} ...\n")
            PORTKEY_FOLDER.mkdir(parents=True, exist_ok=True)
            _run(["npm", "install", "--no-fund", "--no-audit", "--prefix", str(PORTKEY_FOLDER), PORTKEY])
        return Tool("Portkey", json.loads(package.read_text("utf-8"))["version"])
    except _Failed as failure:
        return Tool("Portkey", missing=str(failure))
