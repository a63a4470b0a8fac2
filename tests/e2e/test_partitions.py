"""Partitions as networks have them: `partitions.py`, in network namespaces where the machine allows them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.debian import libraries, tool

RIGHTS = () if os.geteuid() == 0 else ("--user", "--map-current-user", "--keep-caps")
ALONE = ("unshare", *RIGHTS, "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
"""What runs a command with a network and processes of its own, all of which end with it, however it ends."""
TRIAL = ("link", "add", "name", "here", "type", "veth", "peer", "name", "there")
TESTS = Path(__file__).with_name("partitions.py")


@pytest.mark.timeout(300)
def test_whatever_a_network_loses_is_made_good(tmp_path: Path) -> None:
    ip = tool("ip", "iproute2")
    trial = subprocess.run(
        [tool("unshare", "util-linux"), *ALONE[1:], ip, *TRIAL],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **libraries()},
    )
    if trial.returncode:
        pytest.skip(f"no network namespace may be made here: {trial.stderr.strip()}")
    tests = subprocess.run(
        [*ALONE, sys.executable, "-m", "pytest", "-q", f"--basetemp={tmp_path / 'alone'}", str(TESTS)],
        check=False,
        capture_output=True,
        text=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
    )
    assert tests.returncode == 0, tests.stdout + tests.stderr
