"""`sekisho keys` as people and machines use it."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.cells import cell_len
from typer.testing import CliRunner, Result

from sekisho.cli.expiry import parse_expiry
from sekisho.cli.keys import keys
from sekisho.control.services.keys import digest
from sekisho.control.store.engine import Store
from sekisho.control.store.tables import api_keys

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC).timestamp()


class Command:
    def __init__(self, data_dir: Path):
        self.environment = {"SEKISHO_DATA_DIR": str(data_dir), "SEKISHO_DATABASE_URL": "", "COLUMNS": None}

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(keys, list(arguments), env=self.environment)

    def json(self, *arguments: str) -> dict[str, object]:
        result = self(*arguments, "--json")
        assert result.exit_code == 0, result.output
        document: dict[str, object] = json.loads(result.stdout)
        return document


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path / "data")


def test_a_key_is_made_listed_and_revoked(command: Command) -> None:
    made = command.json(
        "create", "--name", "会計", "--expires", "2099-12-31", "--models", "a/b, c/d", "--admin"
    )
    key = made.pop("key")
    assert isinstance(key, str)
    assert re.fullmatch(r"sk-sekisho-[A-Za-z0-9_-]{43}", key)
    assert made["expires"] == "2100-01-01T00:00:00+00:00"
    assert (made["name"], made["models"], made["admin"]) == ("会計", ["a/b", "c/d"], True)
    assert command.json("list") == [made]
    assert command.json("revoke", str(made["id"]))["status"] == "revoked"
    assert command("list").stdout.count("revoked") == 1


def test_for_people_the_key_alone_stands_on_stdout(command: Command) -> None:
    result = command("create", "--name", "ci")
    assert re.fullmatch(r"sk-sekisho-[A-Za-z0-9_-]{43}\n", result.stdout)
    assert "cannot be shown again" in result.stderr


def test_nothing_that_is_printed_later_gives_a_key_or_its_digest_away(
    command: Command, tmp_path: Path
) -> None:
    made = command.json("create", "--name", "ci")
    key = str(made["key"])
    printed = "".join(command(*words).output for words in (["list"], ["list", "--json"], ["revoke", "ci"]))
    assert key[15:] not in printed
    store = Store(f"sqlite:///{tmp_path / 'data' / 'sekisho.db'}")
    with store.read() as connection:
        assert connection.execute(api_keys.select()).one().digest == digest(key)
    store.close()
    assert digest(key).hex() not in printed


def test_wide_names_keep_the_columns_in_line_and_are_never_markup(command: Command) -> None:
    for name in ("関所の山田", "ascii", "[red]x[/red]"):
        command.json("create", "--name", name)
    lines = command("list").stdout.splitlines()
    assert "[red]x[/red]" in lines[3]
    assert len({cell_len(line[: line.index("sk-sekisho-")]) for line in lines[1:]}) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["create", "--name", " "], 1, "a key needs a name"),
        (["create", "--name", "a", "--expires", "2020-01-01"], 1, "expired already"),
        (["create", "--name", "a", "--expires", "soon"], 2, "'soon' is no time to end at"),
        (["create", "--name", "a", "--models", "a/b,,c/d"], 1, "one of the models has no name"),
        (["revoke", "x'; DROP TABLE api_keys; --"], 1, "no active key has the id or name"),
    ],
)
def test_what_goes_wrong_is_told_to_people_and_to_machines(
    command: Command, arguments: list[str], code: int, reason: str
) -> None:
    plain = command(*arguments)
    assert (plain.exit_code, plain.stdout) == (code, "")
    assert reason in plain.stderr
    machine = command(*arguments, "--json")
    assert machine.exit_code == code
    assert reason in json.loads(machine.stdout)["error"]["message"]


def test_a_missing_option_is_a_usage_error(command: Command) -> None:
    assert command("create").exit_code == 2


def test_a_database_that_cannot_be_reached_is_told_in_one_line(command: Command, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    result = command("list")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: the database: ")
    assert result.stderr.count("\n") == 1


def test_the_command_works_as_a_program(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sekisho", "keys", "create", "--name", "ci", "--json"],
        env={"SEKISHO_DATA_DIR": str(tmp_path), "PATH": "", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert {"id", "key"} <= json.loads(done.stdout).keys()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30d", "2026-12-22T12:00:00+00:00"),
        ("12 h", "2026-11-23T00:00:00+00:00"),
        ("2026-12-31", "2027-01-01T00:00:00+00:00"),
        ("2026-12-31T12:00:00+09:00", "2026-12-31T03:00:00+00:00"),
        ("2026-12-31 12:00", "2026-12-31T12:00:00+00:00"),
    ],
)
def test_times_to_end_at(text: str, expected: str) -> None:
    assert parse_expiry(text, NOW) == datetime.fromisoformat(expected).timestamp()


@pytest.mark.parametrize("text", ["", "d", "-1d", "999999w", "9999-12-31", "31.12.2026", "3०d"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no time to end at"):
        parse_expiry(text, NOW)


def test_the_pair_for_clients_of_aws_is_shown_with_the_key_and_again_later(command: Command) -> None:
    lines = command("create", "--name", "boto", "--aws").stdout.splitlines()
    shown = dict(line.split("=", 1) for line in lines)
    assert list(shown) == ["SEKISHO_API_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
    assert re.fullmatch(r"key_[0-9a-f]{16}", shown["AWS_ACCESS_KEY_ID"])
    assert re.fullmatch(r"[0-9a-f]{64}", shown["AWS_SECRET_ACCESS_KEY"])
    assert command("aws", "boto").stdout.splitlines() == lines[1:]
    again = command.json("aws", "boto")
    assert again["AWS_SECRET_ACCESS_KEY"] == shown["AWS_SECRET_ACCESS_KEY"]
    other = command.json("create", "--name", "other", "--aws")
    assert other["AWS_SECRET_ACCESS_KEY"] != shown["AWS_SECRET_ACCESS_KEY"]
    assert command("aws", "nobody").exit_code == 1
    command.environment["SEKISHO_SIGV4_SECRET"] = "short"
    refused = command("create", "--name", "third", "--aws")
    assert refused.exit_code == 1
    assert "SEKISHO_SIGV4_SECRET: has fewer than 32 characters" in refused.stderr
    assert "third" not in command("list").stdout
