"""What secrets to sign with are derived from: made once, shared, and never open to others."""

import subprocess
import sys
from pathlib import Path

import pytest

from sekisho.control.services.signing import FILE, VARIABLE, SigningSecret

DIGEST = b"d" * 32
PRINT = f"""
import sys
from pathlib import Path
from sekisho.control.services.signing import SigningSecret
signing = SigningSecret(Path(sys.argv[1]), None)
sys.stdin.readline()
signing.load()
print(signing.secret_access_key({DIGEST!r}))
"""


def derived(folder: Path, configured: str | None = None) -> str:
    signing = SigningSecret(folder, configured)
    signing.load()
    return signing.secret_access_key(DIGEST)


def test_processes_that_start_at_once_derive_the_same_from_one_private_file(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    command = [sys.executable, "-c", PRINT, str(folder)]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(6)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = {process.communicate(timeout=60)[0] for process in started}
    assert said == {derived(folder) + "\n"}
    assert [path.name for path in folder.iterdir()] == [FILE]
    assert (folder / FILE).stat().st_mode & 0o777 == 0o600


def test_hosts_that_are_told_the_same_secret_need_no_file(tmp_path: Path) -> None:
    secret = "s" * 40
    assert derived(tmp_path / "a", secret) == derived(tmp_path / "b", secret)
    assert derived(tmp_path / "a", secret) != derived(tmp_path / "a", secret[1:])
    assert list(tmp_path.iterdir()) == []


def test_what_is_too_short_to_be_a_secret_is_told_by_its_place(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("")
    with pytest.raises(OSError, match="has fewer than 32 characters") as raised:
        derived(tmp_path)
    assert raised.value.filename == str(tmp_path / FILE)
    with pytest.raises(OSError, match="has fewer than 32 characters") as raised:
        derived(tmp_path, "short")
    assert raised.value.filename == VARIABLE


def test_a_secret_that_is_not_loaded_signs_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        SigningSecret(tmp_path, None).secret_access_key(DIGEST)
