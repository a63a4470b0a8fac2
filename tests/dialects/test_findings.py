"""What fuzzing once found (see `scripts/fuzz.py`) is understood or refused by now."""

from pathlib import Path

import pytest
from scripts.fuzz_samples import CONVERSING, judge, load

FINDINGS = sorted((Path(__file__).parents[1] / "findings").glob("*.json"))


@pytest.mark.parametrize("path", FINDINGS, ids=lambda path: path.stem)
def test_what_was_once_found_is_mended(path: Path) -> None:
    judge(load(path.read_bytes()), CONVERSING)
