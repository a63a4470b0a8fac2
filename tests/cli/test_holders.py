"""`sekisho orgs|teams|projects|people|accounts`, and keys that belong to them."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from sekisho.__main__ import app


class Command:
    def __init__(self, data_dir: Path):
        self._environment = {"SEKISHO_DATA_DIR": str(data_dir), "SEKISHO_DATABASE_URL": "", "COLUMNS": None}

    def __call__(self, line: str) -> Result:
        return CliRunner().invoke(app, line, env=self._environment)

    def json(self, line: str) -> Any:
        result = self(f"{line} --json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path / "data")


def test_a_key_is_made_with_limits_as_they_are_written_in_one_line(command: Command) -> None:
    key = command.json("keys create --name n --budget 0.01/day --rpm 100 --tpm 5000 --concurrent 3")
    told = [(limit["measure"], limit["amount"], limit["period"]) for limit in key["limits"]]
    assert told == [
        ("usd", "0.01", "day"), ("requests", "100", "minute"), ("tokens", "5000", "minute"),
        ("concurrent", "3", None),
    ]  # fmt: skip


def test_everything_above_a_key_is_made_changed_and_shown_with_it(command: Command) -> None:
    command.json("orgs create --name company --models a/b,c/d --budget 100/month@Asia/Tokyo")
    command.json("teams create --name research --org company --regions JP --deny-origin cn")
    command.json("projects create --name crawl --team research --ip 10.0.0.0/8 --metadata owner=山田")
    command.json("people create --name yamada --org company --limit 'usd 1/day each=session'")
    command.json("accounts create --name robot --org company")
    key = command.json("keys create --name k --project crawl --owner yamada --models a/b --tag ci,prod")
    holds = command.json("keys show k")["effective"]
    assert (holds["models"], holds["regions"], holds["denied_origins"], holds["networks"]) == (
        ["a/b"], ["JP"], ["CN"], ["10.0.0.0/8"],
    )  # fmt: skip
    assert [(limit["level"], limit["amount"]) for limit in holds["limits"]] == [
        ("organisation", "100"),
        ("person", "1"),
    ]
    assert "usd 100/month@Asia/Tokyo" in command("keys show k").stdout
    command.json("keys update k --owner robot --models none --tag none --expires 30d")
    changed = command.json("keys show k")
    assert (changed["models"], changed["tags"], changed["owner"]) == (
        [],
        [],
        command.json("accounts show robot")["id"],
    )
    command.json("teams disable research")
    assert command.json("keys show k")["effective"] is None
    assert command.json("teams enable research")["status"] == "active"
    assert [each["name"] for each in command.json("teams list --org company")] == ["research"]
    assert command.json("teams list --org default") == []
    assert command.json(f"keys disable {key['id']}")["status"] == "disabled"


def test_an_update_replaces_the_limit_for_the_same_and_leaves_the_others(command: Command) -> None:
    made = command.json("teams create --name t --budget 1/day --rpm 5")
    day, minute = (limit["id"] for limit in made["limits"])
    changed = command.json("teams update t --budget 2/day --concurrent 7")["limits"]
    assert {limit["id"]: limit["amount"] for limit in changed if limit["id"] in (day, minute)} == {
        day: "2",
        minute: "5",
    }
    assert len(changed) == 3
    left = command.json(f"teams update t --unlimit {day}")["limits"]
    assert day not in {limit["id"] for limit in left}
    assert command("teams update t --unlimit lim_nothing").exit_code == 1


def test_a_key_is_rotated_with_an_overlap(command: Command) -> None:
    made = command.json("keys create --name k")
    rotated = command.json("keys rotate k --overlap 24h")
    assert rotated["id"] == made["id"]
    assert rotated["key"] != made["key"]
    assert rotated["former_ends"] is not None
    assert command("keys rotate k --overlap soon").exit_code == 2
    assert command("keys rotate k --overlap 200d").exit_code == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("keys create --name k --budget NaN/day", "is no amount"),
        ("keys create --name k --budget -5/day", "is no amount"),
        ("keys create --name k --budget 5/day@Mars/North", "is no time zone"),
        ("keys create --name k --budget 5", "needs a period"),
        ("keys create --name k --rpm 1.5", "whole numbers"),
        ('keys create --name k --team "x\'; DROP TABLE holders; --"', "no team has the id or name"),
        ("keys create --name k --metadata nothing", "NAME=VALUE"),
        ("teams create --name t --team other", "only projects belong to a team"),
        ("orgs disable default", "always exists"),
        ("people show nobody", "no person has the id or name"),
    ],
)
def test_what_makes_no_sense_is_told_in_one_line(command: Command, line: str, reason: str) -> None:
    result = command(line)
    assert result.exit_code == 1
    assert reason in result.stderr
    assert result.stderr.count("\n") == 1
