"""Everything that providers do on a bad day, for each kind of client, through a live gateway.

The scenarios are those of `sekisho chaos`, with limits of time of a second or two."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

from sekisho.__main__ import app
from sekisho.cli.chaos import builtin, rehearse
from sekisho.testkit.chaos.caller import DIALECTS
from sekisho.testkit.chaos.rehearsal import Result
from sekisho.testkit.chaos.scenario import CATALOGUE


def named(result: Result) -> tuple[str, str, str]:
    return result.scenario.name, result.kind, "stream" if result.stream else "unary"


async def test_every_fault_ends_rescued_or_in_an_honest_error_and_nothing_hammers_or_hangs() -> None:
    told: list[Result] = []
    plot = replace(builtin(fast=True), kinds=list(DIALECTS))
    results = await rehearse(plot, told.append)
    assert len(results) == len(told) == 2 * len(DIALECTS) * len(CATALOGUE)
    assert {named(result): result.faults for result in results if result.lost} == {}
    good = {named(result) for result in results if result.verdict in ("rescued", "answered")}
    assert good == {named(result) for result in results if result.scenario.rescued}
    for result in results:
        assert len(result.verdicts) == result.scenario.calls, named(result)
        if result.scenario.name == "filtered":
            assert ["content management policy" in error for error in result.errors] == [True], named(result)


CONFIGURATION = """
providers:
  gem:
    like: gemini-compatible
    base_url: http://127.0.0.1:9/v1beta
    api_key: canary-of-a-key
    headers: {x-api-version: canary-of-a-header}
    models: {acme/m: {upstream: gemini-3-pro, price: {input: 1, output: 2}}}
  brk:
    like: bedrock-compatible
    base_url: http://127.0.0.1:9
    region: ap-northeast-1
    models: {acme/m: {upstream: anthropic.claude-haiku-4-5, price: {input: 1, output: 2}}}
  rsp:
    like: openai-responses-compatible
    base_url: http://127.0.0.1:9/v1
    api_key: [canary-one, canary-two]
    models: {acme/m: {upstream: gpt-5, price: {input: 1, output: 2}}}
models:
  three: {targets: [acme/m], select: balanced, prefer: {order: [rsp, gem], ignore: []}}
  lonely: {targets: [{model: acme/m, provider: gem}]}
"""


@pytest.fixture
def chaos(tmp_path: Path) -> Iterator[Any]:
    file = tmp_path / "sekisho.yaml"
    file.write_text(CONFIGURATION)

    def run(*arguments: str) -> tuple[int, str]:
        command = ["chaos", "--fast", "--config", str(file), *arguments]
        result = CliRunner().invoke(app, command, env={"COLUMNS": "200"})
        return result.exit_code, result.output

    yield run
    structlog.reset_defaults()  # the command keeps its log quiet


def test_a_configuration_of_ones_own_is_rehearsed_in_any_api(chaos: Any) -> None:
    code, said = chaos("--only", "cut", "--only", "overloaded", "--only", "stalled", "--json")
    card = json.loads(said)
    assert (code, card["model"], card["lost"]) == (0, "three", 0)
    rows = {(each["scenario"], each["client"], each["stream"]): each for each in card["results"]}
    assert len(rows) == 12
    assert {row["verdict"] for row in rows.values()} == {"rescued"}
    assert max(row["struck_provider_requests"] for row in rows.values()) <= 6
    assert "canary" not in said


def test_where_nobody_else_is_left_the_card_says_what_clients_were_told(chaos: Any) -> None:
    code, said = chaos("--only", "cut", "--model", "lonely")
    assert code == 0
    assert said.count("refused") == 5
    assert "the connection was closed in the middle of the answer (provider gem, 1 attempt)" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--only", "cuts"), "there is no scenario cuts; did you mean cut?"),
        (("--model", "threee"), "did you mean three?"),
    ],
)
def test_what_cannot_be_rehearsed_is_told(chaos: Any, arguments: tuple[str, ...], words: str) -> None:
    code, said = chaos(*arguments)
    assert code in (1, 2)
    assert words in said
