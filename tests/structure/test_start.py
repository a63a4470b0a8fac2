"""What a start does not have to load."""

import subprocess
import sys


def test_a_gateway_without_shared_state_does_not_load_the_client_for_it() -> None:
    code = "import sys, sekisho.app, sekisho.cli.serve; sys.exit('redis' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
