import json
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from sekisho.cli.check import check

ROOT = Path(__file__).parents[2]
GUIDES = tuple(ROOT / "docs" / "guide" / f"{name}.md" for name in ("configuration", "routing", "auto"))
BLOCKS = [
    pytest.param(block, id=f"{guide.stem}-{at}")
    for guide in GUIDES
    for at, block in enumerate(re.findall(r"```yaml\n(.*?)```", guide.read_text("utf-8"), re.DOTALL))
]
app = typer.Typer()
app.command()(check)


def run(*arguments: str, **environment: str | None) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments), env={"OPENAI_API_KEY": None, **environment})
    return result.exit_code, result.stdout


GOOD = """
providers:
  openai:
  local:
    like: openai-compatible
    base_url: http://127.0.0.1:9001/v1
    models: {acme/fast: {price: {input: 1, output: 2}}, acme/slow: {}}
models:
  bot: {targets: [acme/fast, acme/slow]}
"""


def test_a_good_document_is_counted(tmp_path: Path) -> None:
    file = tmp_path / "good.yaml"
    file.write_text(GOOD.replace("  openai:\n", ""))
    code, said = run(str(file))
    assert code == 0
    assert said.startswith("OK ")
    assert "1 provider, 2 models, 1 virtual model, 1 priced, 1 unpriced, 0 warnings" in said


def test_machines_get_one_json_document(tmp_path: Path) -> None:
    file = tmp_path / "good.yaml"
    file.write_text(GOOD)
    code, said = run(str(file), "--json")
    report = json.loads(said)
    assert code == 0
    assert (report["ok"], report["providers"], report["virtual_models"]) == (True, 2, 1)
    (warning,) = report["problems"]
    assert (warning["level"], warning["line"], warning["path"]) == ("warning", 3, "providers.openai")


def test_a_warning_is_no_failure(tmp_path: Path) -> None:
    file = tmp_path / "good.yaml"
    file.write_text(GOOD)
    assert run(str(file), OPENAI_API_KEY="sk-1")[1].count("warning:") == 0
    code, said = run(str(file))
    assert code == 0
    assert f"{file}:3:3 providers.openai: warning: " in said


def test_every_problem_of_a_bad_document_is_told(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("providers: {local: {base_url: 5, [x]: 1}}\nmodel: {}\n")
    code, said = run(str(file))
    assert code == 1
    assert f"{file}:1:31 providers.local.base_url: must be text" in said
    assert f"{file}:2:1 model: unknown key; did you mean `models`?" in said
    assert "3 errors; not usable" in said
    code, said = run(str(file), "--json")
    assert code == 1
    assert len(json.loads(said)["problems"]) == 3


def test_a_file_that_cannot_be_read_is_a_problem_too(tmp_path: Path) -> None:
    code, said = run(str(tmp_path / "missing.yaml"))
    assert code == 1
    assert "cannot be read: No such file or directory" in said


@pytest.mark.parametrize("block", BLOCKS)
def test_every_example_of_the_guide_compiles(block: str, tmp_path: Path) -> None:
    file = tmp_path / "guide.yaml"
    file.write_text(block)
    code, said = run(str(file))
    assert code == 0, said


def test_a_region_and_credentials_that_are_missing_are_named(tmp_path: Path) -> None:
    unset = dict.fromkeys(
        (
            "AWS_REGION",
            "AWS_DEFAULT_REGION",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_BEARER_TOKEN_BEDROCK",
        )
    )
    file = tmp_path / "aws.yaml"
    file.write_text("providers:\n  tokyo:\n    like: bedrock\n")
    code, said = run(str(file), **unset)
    assert code == 1
    assert "providers.tokyo.region: is missing: write one" in said
    file.write_text("providers:\n  tokyo:\n    like: bedrock\n    region: ap-northeast-1\n")
    code, said = run(str(file), **unset)
    assert code == 0
    assert "AWS_BEARER_TOKEN_BEDROCK or AWS_ACCESS_KEY_ID is not set; calls fail until it is" in said
    keys = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s"}
    assert run(str(file), **unset | keys)[1].startswith("OK ")
