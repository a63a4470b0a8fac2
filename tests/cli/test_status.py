"""`sekisho status` and `sekisho providers stability`: from files, without a network."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.providers.pages import DAY, datadog, datadog_page, google, incident, statuspage
from typer.testing import CliRunner, Result

from sekisho.__main__ import app

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(*arguments: str) -> Result:
        clean = {"LC_ALL": "C", "SEKISHO_DATA_DIR": str(tmp_path / "data")}
        return CliRunner().invoke(app, list(arguments), env={**os.environ, **clean})

    return run


def stability(run: Run) -> dict[str, Any]:
    result = run("providers", "stability", "--json")
    assert result.exit_code == 0, result.output
    return {row["provider"]: row for row in json.loads(result.stdout)}


def test_files_are_told_by_what_is_in_them_and_counted(run: Run, tmp_path: Path) -> None:
    now = time.time()
    documents = {
        "claude.json": statuspage(
            incident("down", now - DAY, impact="critical"), incident("slow", now - 80 * DAY)
        ),
        "google.json": json.dumps(
            [google("errors", now - DAY, None, "SERVICE_OUTAGE", "Vertex Gemini API")]
        ).encode(),
        "router.json": datadog_page(datadog("down", now - DAY, None, "major_outage", "Chat (/api/v1/chat)")),
        "unknown.json": statuspage(incident("API", now - DAY), url="https://status.example.test"),
    }
    for name, text in documents.items():
        (tmp_path / name).write_bytes(text)
    result = run("status", "update", *(str(tmp_path / name) for name in documents))
    assert result.exit_code == 1
    assert "does not say whose page it is; write PAGE=FILE" in result.stderr
    assert "anthropic: 2 incidents in 90 days, 2 of the API, 1 of those major or critical" in result.stdout
    assert run("status", "update", f"deepseek={tmp_path / 'unknown.json'}").exit_code == 0

    rows = stability(run)
    claude = rows["anthropic"]
    assert (claude["all_incidents"], claude["api"], claude["severe"], claude["open"]) == (2, 2, 1, 0)
    assert claude["from"] == time.strftime("%Y-%m-%d", time.gmtime(now - 80 * DAY)), "the list's beginning"
    assert claude["source"].endswith("claude.json")
    assert rows["openrouter"]["open"] == 1
    assert (rows["deepseek"]["api"], rows["deepseek"]["source"]) == (1, str(tmp_path / "unknown.json"))
    assert (rows["groq"]["all_incidents"], rows["groq"]["to"]) == (10, "2026-02-11"), "as it ships"
    listed = {row["provider"]: row for row in json.loads(run("providers", "--json").stdout)}
    assert listed["anthropic"]["incidents"] == "2 / 1"
    open_ones = json.loads(run("status", "list", "--json", "--page", "openrouter").stdout)
    assert [(each["title"], each["ended"]) for each in open_ones] == [("down", None)]


def test_a_file_that_lies_changes_nothing(run: Run, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_bytes(statuspage(incident("one", time.time() - DAY)))
    assert run("status", "update", str(good)).exit_code == 0
    before = stability(run)["anthropic"]
    for text in (
        b"<html>",
        statuspage(incident("one", time.time() + 9 * DAY)),
        statuspage(*[incident("one", time.time() - DAY)] * 10_000),
    ):
        bad.write_bytes(text)
        result = run("status", "update", f"anthropic={bad}")
        assert result.exit_code == 1
        assert "nothing was changed" in result.stderr
    assert stability(run)["anthropic"] == before
    for name in ("none.json", "a\x00b", "=", "anthropic=", "\udcff", ".", "n" * 5000):
        result = run("status", "update", name)
        assert (result.exit_code, type(result.exception)) == (1, SystemExit), name
        assert "nothing was changed" in result.stderr


def test_stability_makes_no_database_and_is_told_in_japanese(run: Run, tmp_path: Path) -> None:
    text = run("providers", "stability", "--lang", "ja").stdout
    assert "自社計測" in text
    assert "DeepSeek 深度求索: https://status.deepseek.com/api/v2/incidents.json" in text
    assert not (tmp_path / "data").exists()
