"""`sekisho reconcile` as people and machines use it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sekisho.__main__ import app
from sekisho.control.store import rollups
from sekisho.control.store.booking import book
from sekisho.control.store.engine import Store
from sekisho.control.store.migrate import migrate
from sekisho.core.record import AttemptRecord, CallRecord
from sekisho.core.usage import Usage

EXPORT = (
    "usage_date_utc,model_version,usage_input_tokens_no_cache,usage_input_tokens_cache_write_5m,"
    "usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,usage_output_tokens\n"
    "2026-11-01,claude-haiku-4-5-20251001,1000,0,0,0,50\n"
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    store = Store(f"sqlite:///{tmp_path / 'sekisho.db'}")
    migrate(store)
    call = CallRecord(
        id="gen-1",
        started=1_793_534_400.0,
        key_id="key_a",
        operation="chat",
        dialect="openai_chat",
        requested_model="a",
        provider="anthropic",
        upstream_model="claude-haiku-4-5-20251001",
        status=200,
        outcome="ok",
        usage=Usage(input=1000, output=50),
        cost=1_250_000,
        attempts=(AttemptRecord(provider="anthropic", upstream_model="m", milliseconds=1),),
    )
    with store.write() as connection:
        rollups.add(store, connection, book(connection, [call]))
    store.close()
    return tmp_path


def run(data: Path, content: str, *arguments: str) -> Result:
    (data / "export.csv").write_text(content, "utf-8")
    environment = {"SEKISHO_DATA_DIR": str(data), "SEKISHO_DATABASE_URL": "", "COLUMNS": None}
    return CliRunner().invoke(app, ["reconcile", str(data / "export.csv"), *arguments], env=environment)


def test_it_ends_with_0_where_both_say_the_same_and_with_1_where_not(data: Path) -> None:
    same = run(data, EXPORT)
    assert (same.exit_code, "no difference" in same.stdout) == (0, True), same.output
    other = EXPORT.replace(",50\n", ",60\n")
    differs = run(data, other)
    assert differs.exit_code == 1
    assert "token drift" in differs.stdout
    assert "1 difference." in differs.stdout
    told = run(data, other, "--json")
    assert told.exit_code == 1
    [difference] = json.loads(told.stdout)["differences"]
    assert (difference["ours"]["output"], difference["theirs"]["output"]) == (50, 60)
    assert difference["ours"]["cost_usd"] == "0.00125"
    assert run(data, other, "--tolerance", "20%").exit_code == 0


@pytest.mark.parametrize(
    ("content", "arguments", "reason"),
    [
        ("a,b\n1,2\n", [], "has the columns a, b"),
        (
            EXPORT.replace("1000", "=1000"),
            [],
            "export.csv: line 2: usage_input_tokens_no_cache: '=1000' is no number",
        ),
        (EXPORT, ["--format", "azure"], "--format: must be auto or one of openai usage"),
        (EXPORT, ["--format", "openai"], "which are those of no export that is known (openai"),
        (EXPORT, ["--tolerance", "NaN"], "--tolerance: 'NaN' is no percentage"),
        (EXPORT, ["--time-zone", "Mars"], "'Mars' is no time zone"),
        (EXPORT, ["--provider", "nobody"], "no call went to nobody; the books know anthropic"),
    ],
)
def test_what_cannot_be_compared_ends_with_2_and_says_why(
    data: Path, content: str, arguments: list[str], reason: str
) -> None:
    result = run(data, content, *arguments)
    assert (result.exit_code, reason in result.stderr) == (2, True), result.output


def test_a_file_that_is_not_there_is_named(data: Path) -> None:
    result = CliRunner().invoke(app, ["reconcile", str(data / "none")], env={"SEKISHO_DATA_DIR": str(data)})
    assert (result.exit_code, "none: No such file" in result.stderr) == (2, True)
