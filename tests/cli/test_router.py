"""`sekisho eval-router` and `calibrate-router` on files."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from sekisho.__main__ import app

PROMPTS = Path(__file__).parents[1] / "routing" / "prompts"
RATED = """
{"prompt": "What is the capital of Mongolia?", "quality": {"a/small": true, "a/large": true}, "gold": "unknown"}
{"prompt": [{"role": "user", "content": "Prove that there are infinitely many primes."}], "quality": {"a/small": 0, "a/large": 1}}

{"prompt": "Write a Python function that parses dates.", "tier": "coding", "quality": {"a/small": 0, "a/large": 1}}
{"prompt": "お礼の手紙を書いて", "quality": {"a/small": 1, "a/large": 1}}
"""  # noqa: E501
DOCUMENT = """
providers:
  p:
    like: openai-compatible
    base_url: http://127.0.0.1:1/v1
    api_key: k
    models: {a/small: {price: {input: 1, output: 2}}, a/large: {price: {input: 10, output: 20}}}
auto: {default: a/small, reasoning: a/large, coding: a/large}
"""


@pytest.fixture
def rated(tmp_path: Path) -> Path:
    file = tmp_path / "rated.jsonl"
    file.write_text(RATED, "utf-8")
    return file


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments], env={"COLUMNS": "200"})


def told(*arguments: object) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_labelled_file_shows_agreement_and_what_dividing_comes_to() -> None:
    found = told("eval-router", PROMPTS / "later.jsonl")
    right = sum(said.get(tier, 0) for tier, said in found["agreement"].items())
    assert right / found["prompts"] >= 0.85
    assert [each["quality"] for each in found["outcomes"][1:2]] == [1.0]
    assert found["recovered_on_average"] > 0.5
    said = run("eval-router", PROMPTS / "later.jsonl").output
    assert "Agreement: " in said
    assert "always the strong model" in said


def test_the_quality_of_models_is_compared_with_what_they_cost(rated: Path, tmp_path: Path) -> None:
    config = tmp_path / "sekisho.yaml"
    config.write_text(DOCUMENT)
    found = {
        each["name"]: each
        for each in told("eval-router", rated, "--config", config, "--strong", "a/large")["outcomes"]
    }
    led = found["as the document leads"]
    assert (led["strong"], led["quality"], led["kept"], led["recovered"]) == (0.5, 1.0, 1.0, 1.0)
    assert found["always a/small"]["quality"] == 0.5
    assert found["always a/small"]["saved"] == pytest.approx(0.9)
    assert led["saved"] == pytest.approx(0.45, abs=0.02)
    assert found["always a/large"]["cost_usd"] == pytest.approx(0.01, rel=0.1)


def test_of_two_models_the_better_is_the_strong_one(rated: Path) -> None:
    names = [each["name"] for each in told("eval-router", rated)["outcomes"]]
    assert names[:2] == ["always a/small", "always a/large"]


@pytest.mark.parametrize(
    ("text", "options", "reason", "code"),
    [
        ('{"prompt": 5}', (), "bad.jsonl:1: Expected `str | array`, got `int` - at `$.prompt`", 1),
        ('{"prompt": "a"}\n{"prompt":', (), "bad.jsonl:2: ", 1),
        ('{"prompt": "a", "tier": "chat"}', (), "bad.jsonl:1: Invalid enum value 'chat'", 1),
        ('{"prompt": "a"}', (), "says of no prompt what `tier` it is", 2),
        ("", (), "says of no prompt", 2),
        ('{"prompt": "a", "quality": {"x": 1, "y": 1, "z": 0}}', (), "--weak: name one of x, y, z", 2),
        ('{"prompt": "a", "quality": {"x": 1}}', ("--weak", "q"), "not every line has the quality of q", 2),
        ('{"prompt": "a", "tier": "lookup"}', ("--scorer", "mine"), "no installed package has a scorer", 2),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(
    text: str, options: tuple[str, ...], reason: str, code: int, tmp_path: Path
) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text(text)
    result = run("eval-router", file, *options)
    assert reason in result.output
    assert result.exit_code == code


def test_a_file_is_calibrated_on_for_the_share_that_is_wanted() -> None:
    found = told("calibrate-router", PROMPTS / "en.jsonl", "--share", "0.3")
    (line,) = found["thresholds"]
    assert 0.25 < line["share"] <= 0.3
    assert 0 < line["threshold"] < 1
    assert "AT MOST" in run("calibrate-router", PROMPTS / "en.jsonl").output


def test_a_file_that_is_missing_or_empty_is_said(tmp_path: Path) -> None:
    assert "No such file" in run("calibrate-router", tmp_path / "none.jsonl").output
    (tmp_path / "empty.jsonl").touch()
    assert "holds no prompt" in run("calibrate-router", tmp_path / "empty.jsonl").output
