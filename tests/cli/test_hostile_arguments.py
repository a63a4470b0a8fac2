"""Whatever is written behind a command that keeps or reads books is data, or is told in words: never a
traceback."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from sekisho.__main__ import app

APART = {
    "serve",
    "demo",
    "chaos",
    "prove",
    "prove-gateway",
    "explain",
    "check",
    "catalog",
    "providers",
    "status",
}
"""What serves, plays or fetches, and reads documents rather than books."""
EXAMPLES = 150
TEXTS = st.one_of(
    st.sampled_from(
        [
            "x'); DROP TABLE holders; --", "' OR '1'='1", "%_\\", "\x00", "a\x00b", "\udcff", "\u202e",
            "👨‍👩‍👧", "é" * 300, "n" * 50_000, "", " ", "--", "-1", "=1+1", "[bold]", "{", '{"select": 5}',
            "1e400", "NaN", "Infinity", "-0.01/day", "1/day@Mars/North", "9223372036854775808/total",
            "usd 1/day tag=\x00", "a=b", "=", "all", "none", "default", "ours", "999999999999d", "-1h",
            "0001-01-01", "9999-12-31", "2026-13-45", "1970-01-01T00:00:00+99:99",
        ]
    ),
    st.text(max_size=12),
)  # fmt: skip


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    """Every command with its parameters."""
    if not hasattr(command, "commands"):
        yield path, list(command.params)
        return
    for name, each in command.commands.items():
        if path or name not in APART:
            yield from commands(each, (*path, name))


COMMANDS = list(commands(typer.main.get_command(app)))


@st.composite
def lines(draw: Any) -> list[str]:
    """A command with all that it must be told and a few other things, each of them anything."""
    path, parameters = draw(st.sampled_from(COMMANDS))
    chosen = (
        draw(st.sets(st.sampled_from([each.name for each in parameters]), max_size=3))
        if parameters
        else set()
    )
    options: list[str] = []
    arguments: list[str] = []
    for each in parameters:
        if not (each.required or each.name in chosen):
            continue
        if getattr(each, "is_flag", False):
            options.append(each.opts[0])
            continue
        text = "files" if each.name == "to" else draw(TEXTS)  # where files may be written
        if each.param_type_name == "argument":
            arguments.append(text)
        else:
            options += [each.opts[0], text]
    return [*path, *options, "--", *arguments]


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str | None]:
    monkeypatch.chdir(tmp_path)
    environment = {"SEKISHO_DATA_DIR": str(tmp_path / "data"), "SEKISHO_DATABASE_URL": "", "COLUMNS": None}
    assert CliRunner().invoke(app, ["orgs", "create", "--name", "ours"], env=environment).exit_code == 0
    return environment


def test_anything_behind_any_command_is_data_or_told_in_words(ground: dict[str, str | None]) -> None:
    codes = set()

    @settings(max_examples=EXAMPLES, database=None, suppress_health_check=list(HealthCheck))
    @given(lines())
    def anything(line: list[str]) -> None:
        result = CliRunner().invoke(app, line, env=ground)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert result.exit_code in (0, 1, 2)
        assert result.exit_code == 0 or result.stderr, "why it failed"
        codes.add(result.exit_code)

    anything()
    assert codes == {0, 1, 2}
