"""The page that says what every dialect can say to every other is what the golden cases show by now."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_committed_page_is_what_the_script_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    from compatibility import PAGE, page  # noqa: PLC0415 - a script, importable only from its folder

    assert PAGE.read_text(encoding="utf-8") == page(), "run scripts/compatibility.py"
