"""`sekisho advise`: by options, by questions on a terminal, in two languages, for people and machines."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.e2e.serving import environment
from typer.testing import CliRunner, Result

from sekisho.__main__ import app

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(*arguments: str, lang: str = "C") -> Result:
        clean = {"LC_ALL": lang, "SEKISHO_DATA_DIR": str(tmp_path / "data")}
        return CliRunner().invoke(app, list(arguments), env={**os.environ, **clean})

    return run


def test_the_document_that_is_written_passes_the_check(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "sekisho.yaml"
    asked = ("advise", "--criticality", "critical", "--residency", "JP", "--audit", "--to", str(target))
    result = run(*asked, lang="ja_JP.UTF-8")
    assert result.exit_code == 0, result.output
    assert "主系" in result.stdout
    assert "bedrock-tokyo" in result.stdout
    assert "判断規則: 2026-" in result.stdout
    assert "包括調査レポート, 2026-02-09" in target.read_text("utf-8")
    assert run("check", str(target)).exit_code == 0


def test_machines_get_every_line_with_its_reasons_dates_and_sources(run: Run) -> None:
    result = run("advise", "--workload", "coding", "--json")
    told = json.loads(result.stdout)
    assert told["targets"][0]["model"] == "anthropic/claude-sonnet-4.5"
    assert told["targets"][0]["incidents"].startswith("34 / 8 (2025-11-13")
    assert told["needs"]["workload"] == "coding"
    assert "".join(f"{line['text']}\n" for line in told["lines"]).startswith("providers:\n  anthropic:\n")
    numbers = {each["number"] for each in told["reasons"]}
    assert all(set(line["reasons"]) <= numbers for line in told["lines"])
    assert all(each["source"] and each["date"] and each["section"] for each in told["reasons"])
    assert told["prices"].startswith("genai-prices ")


def test_where_nothing_meets_it_all_the_reasons_are_told(run: Run) -> None:
    result = run("advise", "--residency", "EU", "--audit", "--deny-origin", "US", "--lang", "en")
    assert result.exit_code == 1
    assert "Nothing in the catalogue meets all of this" in result.stderr
    assert "Data must stay in the EU" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--workload", "gaming"], "--workload: must be one of chat, agents"),
        (["--tokens", "0"], "--tokens: must be from 1"),
        (["--budget", "-1"], "--budget: must be from 0"),
        (["--deny-origin", "China"], "--deny-origin: 'China' is no country"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(run: Run, arguments: list[str], words: str) -> None:
    result = run("advise", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr


def test_on_a_terminal_it_asks_for_what_no_option_said(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    answers = ["", "important", "critical", "y", "low", "2000000", "500", "JP", "n", "CN"]
    os.write(ours, "".join(f"{answer}\n" for answer in answers).encode())
    try:
        done = subprocess.run(
            [sys.executable, "-m", "sekisho", "advise", "--language", "ja", "--lang", "ja"],
            stdin=theirs,
            capture_output=True,
            env=environment(tmp_path / "data"),
            timeout=60,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    said = done.stdout.decode()
    assert done.returncode == 0, done.stderr.decode()
    assert said.count("プロンプトの主な言語") == 0, "an option said that"
    assert "データの所在地" in said
    assert "bedrock-tokyo" in said
    assert 'denied_origins: ["CN"]' in said
    assert "budget: 500/month" in said
