"""What a start does not have to load."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["redis", "jsonschema_rs"])
def test_a_gateway_does_not_load_what_few_calls_need(module: str) -> None:
    code = f"import sys, sekisho.app, sekisho.cli.serve; sys.exit('{module}' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
