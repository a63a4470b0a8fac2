"""`sekisho models` and `sekisho providers`: the tables that people decide by, and the same for machines."""

import csv
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from typer.testing import CliRunner, Result

from sekisho.__main__ import app

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(*arguments: str, **environment: str) -> Result:
        clean = {**dict.fromkeys(("LC_ALL", "LC_MESSAGES", "LANG"), ""), "SEKISHO_DATA_DIR": str(tmp_path)}
        return CliRunner().invoke(app, list(arguments), env={**os.environ, **clean, **environment})

    return run


def machine(run: Run, *arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_ranking_is_printed_with_prices_dates_and_sources(run: Run) -> None:
    text = run("models", "ranking").stdout
    lines = text.splitlines()
    assert lines[1].split()[:2] == ["1", "openai/gpt-5.2-2025-12-11:"]
    assert "0.8285" in lines[1]
    assert "Prices: genai-prices " in text
    assert (
        "Qualiteg LLM ranking 2025, top 50, 2025-12-18, https://blog.qualiteg.com/llm-ranking-2025/" in text
    )
    assert "Not in the catalogue: Qwen/Qwen3-VL-32B-Thinking, " in text
    rows = machine(run, "models", "ranking")
    assert [row["rank"] for row in rows] == list(range(1, 51))


def test_the_cheapest_come_first_and_the_unpriced_last(run: Run) -> None:
    rows = machine(run, "models", "ranking", "--sort", "price")
    prices = [float(row["total"]) for row in rows if row["total"] is not None]
    assert prices == sorted(prices)
    assert [row["total"] for row in rows[len(prices) :]] == [None, None, None]


def test_a_list_is_filtered_and_sorted(run: Run) -> None:
    rows = machine(
        run, "models", "--origin", "cn", "--open-weights", "--max-price", "2", "--sort", "score-per-price"
    )
    ratios = [row["score_per_usd"] for row in rows if row["score_per_usd"] is not None]
    assert ratios == sorted(ratios, reverse=True)
    assert len(ratios) > 5
    assert {(row["origin"], row["open_weights"]) for row in rows} == {("CN", True)}
    assert all(float(row["total"]) <= 2 for row in rows)
    table = run("models", "--author", "cohere", "--csv").stdout
    assert {row["model"].partition("/")[0] for row in csv.DictReader(io.StringIO(table))} == {"cohere"}


def test_models_stand_beside_each_other(run: Run) -> None:
    text = run("models", "compare", "claude-haiku-4.5", "OPENAI/gpt-5").stdout
    assert text.splitlines()[0].split() == ["anthropic/claude-haiku-4.5", "openai/gpt-5"]
    first, second = machine(run, "models", "compare", "claude-haiku-4.5", "openai/gpt-5")
    assert (first["score"], second["score"]) == (0.7879, 0.797)
    unknown = run("models", "compare", "claude-haiku-4.6", "openai/gpt-5")
    assert unknown.exit_code == 1
    assert "did you mean anthropic/claude-haiku-4.5" in unknown.stderr


def test_every_price_of_a_model_is_shown(run: Run) -> None:
    (found,) = machine(run, "models", "show", "openai/gpt-5.4")
    direct = found["offers"][0]
    assert direct["date"]
    kinds = {price["tier"] for price in direct["prices"]}
    assert {"standard", "> 272,000", "batch", "flex", "priority"} <= kinds
    assert direct["prices"][0]["cache_read"] == "0.25"
    (before,) = machine(run, "models", "show", "anthropic/claude-opus-4.6")
    assert before["offers"][0]["past"][0]["until"] == "2026-03-13"
    assert "2026-03-13" in run("models", "show", "anthropic/claude-opus-4.6").stdout


def test_japanese_tables_line_up(run: Run) -> None:
    for result in (run("models", "ranking", "--lang", "ja"), run("models", "ranking", LANG="ja_JP.UTF-8")):
        heading, *rows = result.stdout.splitlines()[:51]
        assert heading.split()[:2] == ["順位", "モデル（ランキング表記）"]
        widths = {cell_len(row) for row in (heading, *rows)}
        assert len(widths) == 1
        assert "価格: genai-prices " in result.stdout
    assert run("models", "ranking", "--lang", "en", LANG="ja_JP.UTF-8").stdout.split()[0] == "rank"


def test_providers_are_listed_with_policy_and_stability(run: Run) -> None:
    rows = {row["provider"]: row for row in machine(run, "providers")}
    assert (rows["openai"]["retention_days"], rows["openai"]["trains"], rows["openai"]["origin"]) == (
        30,
        False,
        "US",
    )
    assert rows["deepseek"]["incidents"] == "8 / 4"
    assert rows["sakura"]["region"] == "JP"
    stability = {row["provider"]: row for row in machine(run, "providers", "stability")}
    assert (stability["deepseek"]["from"], stability["deepseek"]["to"]) == ("2025-11-13", "2026-02-11")


def test_the_route_map_names_every_family(run: Run) -> None:
    text = run("providers", "routes").stdout
    assert "Routes: 2026-02-11" in text
    rows = machine(run, "providers", "routes")
    assert {row["family"] for row in rows} >= {"Llama", "Qwen", "Kimi (Moonshot)", "Cohere"}
    assert ("DeepSeek", "clouds", "bedrock") in {
        (row["family"], row["kind"], row["provider"]) for row in rows
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--sort", "best"], "--sort: must be one of name, score"),
        (["--origin", "China"], "--origin: 'China' is no country"),
        (["--max-price", "cheap"], "--max-price: "),
        (["--provider", "opnai"], "did you mean openai"),
        (["--set", "nobody"], "there is no set nobody; there are qualiteg-2025"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(run: Run, arguments: list[str], words: str) -> None:
    result = run("models", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "Traceback" not in result.output
