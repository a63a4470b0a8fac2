"""Rules of shape that no linter has: they hold the ceiling that goodwill does not."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "sekisho"
CEILING = 400
CATCH_ALL_ALLOWED = {"edge/respond.py", "telemetry/background.py"}
BANNED_NAMES = {"utils", "helpers", "common", "manager", "base", "misc"}


def sources() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


@pytest.mark.parametrize(
    "path",
    [
        path
        for folder in ("src", "tests", "bench", "scripts")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if ".peers" not in path.parts
    ],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_no_file_is_longer_than_the_ceiling(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= CEILING


def test_catching_everything_is_allowed_in_two_places_only() -> None:
    pattern = re.compile(r"except\s+(Base)?Exception\b|except\s*:")
    found = {str(path.relative_to(SOURCE)) for path in sources() if pattern.search(path.read_text("utf-8"))}
    assert found <= CATCH_ALL_ALLOWED


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [path for path in sources() if path.stem in BANNED_NAMES] == []


def test_every_package_says_what_it_is_for() -> None:
    silent = [path for path in SOURCE.rglob("__init__.py") if not path.read_text("utf-8").startswith('"""')]
    assert silent == []


def test_dialect_folders_have_the_same_files() -> None:
    expected = {"schema", "request", "reply", "stream", "usage", "errors", "routes", "splice"}
    for folder in sorted((SOURCE / "dialects").iterdir()):
        if folder.is_dir() and not folder.name.startswith("__"):
            files = {path.stem for path in folder.glob("*.py")}
            assert expected <= files, f"{folder.name} lacks {sorted(expected - files)}"


def test_provider_names_stand_in_providers_only() -> None:
    """Dispatch by comparing provider names is how a gateway rots; a row or a quirk says it instead."""
    pattern = re.compile(r"""==\s*["'](openai|anthropic|groq|mistral|deepseek|openrouter|together)["']""")
    found = [
        str(path.relative_to(SOURCE))
        for path in sources()
        if "providers" not in path.parts and pattern.search(path.read_text("utf-8"))
    ]
    assert found == []
