"""`sekisho report spend`, `tariffs`, `rates` and `credits` as people and machines use them."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from typer.testing import CliRunner, Result

from sekisho.__main__ import app
from sekisho.control.store import rollups
from sekisho.control.store.booking import book
from sekisho.control.store.engine import Store
from sekisho.core.record import AttemptRecord, CallRecord
from sekisho.core.usage import Usage

NOON = 1_793_534_400.0
"""2026-11-01T12:00:00Z."""
ASKED = ("--since", "2026-11-01", "--until", "2026-11-02")


class Command:
    def __init__(self, data_dir: Path):
        self.data_dir = data_dir
        self.environment = {"SEKISHO_DATA_DIR": str(data_dir), "SEKISHO_DATABASE_URL": "", "COLUMNS": None}

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments), env=self.environment)

    def json(self, *arguments: str) -> Any:
        result = self(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def keep(self, call_id: str, **members: Any) -> None:
        plain: dict[str, Any] = {"started": NOON, "key_id": "key_a", "operation": "chat"}
        plain |= {"dialect": "openai_chat", "requested_model": "a/b", "status": 200, "outcome": "ok"}
        attempts = (AttemptRecord(provider="p", upstream_model="b", milliseconds=1),)
        store = Store(f"sqlite:///{self.data_dir / 'sekisho.db'}")
        with store.write() as connection:
            record = CallRecord(**{"id": call_id, "attempts": attempts, **plain, **members})
            rollups.add(store, connection, book(connection, [record]))
        store.close()


@pytest.fixture
def command(tmp_path: Path) -> Command:
    made = Command(tmp_path / "data")
    assert made("keys", "create", "--name", "a").exit_code == 0
    return made


def test_teams_are_named_for_people_and_known_by_their_ids_for_machines(command: Command) -> None:
    team = command.json("teams", "create", "--name", "検索基盤チーム")["id"]
    other = command.json("teams", "create", "--name", "ascii")["id"]
    usage = Usage(input=1000, cache_read=200, output=50)
    command("tariffs", "set", "default", "--markup", "5%", "--from", "2026-11-01")
    command.keep("gen-1", team=team, cost=1_500_000_000, usage=usage)
    command.keep("gen-2", team=other, cost=1, usage=usage)
    command.keep("gen-3", team=other, usage=usage, unpriced=True)
    found = command.json("report", "spend", "--by", "team", *ASKED)
    assert found["lines"][0] == {
        "team": team,
        "team_name": "検索基盤チーム",
        "calls": 1,
        "input": 1200,
        "cached": 200,
        "output": 50,
        "cost_usd": "1.5",
        "charge_usd": "1.575",
        "waived_usd": "0",
        "unpriced": 0,
        "uncharged": 0,
    }
    assert (found["total"]["cost_usd"], found["total"]["charge_usd"]) == ("1.500000001", "1.575000001")
    assert found["total"]["unpriced"] == 1
    shown = command("report", "spend", "--by", "team", *ASKED).stdout
    lines = shown.splitlines()
    assert len({cell_len(line) for line in lines[:4]}) == 1, "columns are in line"
    assert lines[1].startswith("検索基盤チーム")
    assert "1 calls went where no price is known: what they cost is not in the sums" in shown
    assert "No call is on the books" in command("report", "spend", "--until", "2026-10-01").stdout


def test_names_that_a_spreadsheet_would_run_are_guarded_and_numbers_stay_numbers(command: Command) -> None:
    for number, name in enumerate(("=1+1", "+1", "-1", "@SUM(A1)", "fine")):
        command.keep(f"gen-{number}", app=name, cost=1)
    written = command("report", "spend", "--by", "app,day", "--csv", *ASKED).stdout
    rows = list(csv.reader(io.StringIO(written)))
    assert rows[0][:4] == ["app", "day", "calls", "input"]
    assert {row[0] for row in rows[1:]} == {"'=1+1", "'+1", "'-1", "'@SUM(A1)", "fine"}
    assert {row[1] for row in rows[1:]} == {"2026-11-01"}
    assert {row[rows[0].index("cost_usd")] for row in rows[1:]} == {"0.000000001"}


def test_amounts_in_yen_have_no_decimals(command: Command) -> None:
    command("rates", "set", "JPY", "151.20", "--from", "2026-11-01")
    assert command.json("rates", "list") == [{"currency": "JPY", "from": "2026-11-01", "rate": "151.2"}]
    command.keep("gen-1", cost=10_000_000_000)
    shown = command("report", "spend", "--currency", "JPY", *ASKED).stdout.splitlines()
    assert "COST JPY" in shown[0]
    assert shown[1].split() == ["1", "0", "0", "0", "1512", "1512", "–"]


def test_what_is_left_of_what_was_paid_ahead(command: Command) -> None:
    command("credits", "add", "default", "100", "--note", "前払い", "--who", "経理")
    command("credits", "add", "default", "-0.5")
    first, second = command.json("credits", "list", "default")
    assert (first["usd"], first["made_by"], first["note"]) == ("100", "経理", "前払い")
    assert second["usd"] == "-0.5"
    assert command.json("credits", "balance", "default")["balance_usd"] == "99.5"
    assert command("credits", "balance", "key:a").exit_code == 1


WRONG: list[tuple[list[str], int, str]] = [
    (["report", "spend", "--by", "color"], 2, "--by: must be one of organisation, team"),
    (["report", "spend", "--by", "team,model,day"], 2, "takes one, or two different ones"),
    (["report", "spend", "--by", "team", "--by", "team"], 2, "takes one, or two different ones"),
    (["report", "spend", "--since", "1.11.2026"], 2, "--since: '1.11.2026' is no day and no time"),
    (["report", "spend", "--since", "2026-11-01", "--days", "3"], 2, "write one of them"),
    (["report", "spend", "--since", "2026-11-02", "--until", "2026-11-01"], 2, "ends before it begins"),
    (
        ["report", "spend", "--since", "2026-11-01", "--time-zone", "Mars/Base"],
        2,
        "'Mars/Base' is no time zone",
    ),
    (["report", "spend", "--time-zone", "../../etc/passwd"], 2, "is no time zone"),
    (["report", "spend", "--currency", "yen"], 1, "there is no rate of YEN: sekisho rates set YEN"),
    (["report", "spend", "--currency", "円"], 1, "is no currency"),
    (["report", "spend", "--json", "--csv"], 2, "choose either"),
    (["tariffs", "set", "default", "--markup", "five"], 2, "is no percentage"),
    (["tariffs", "set", "default", "--markup", "NaN%"], 2, "is no percentage"),
    (["tariffs", "set", "default", "--markup", "1e9%"], 1, "a mark-up is from -100 % to 10000 %"),
    (["tariffs", "set", "default", "--price", "a/b=1"], 2, "is no price of a model"),
    (["tariffs", "set", "default", "--price", "a/b=1/-2"], 1, "is none from 0 to"),
    (["tariffs", "set", "nobody"], 1, "no organisation has the id or name 'nobody'"),
    (["rates", "set", "JPY", "0"], 1, "is no rate"),
    (["rates", "set", "USD", "1"], 1, "a USD is worth a USD"),
    (["rates", "set", "JPY", "150", "--from", "2026-02-30"], 2, "is no day"),
    (["credits", "add", "default", "1e999999999"], 2, "is not a whole number of nano-USD"),
    (["credits", "add", "default", "NaN"], 2, "is not a whole number of nano-USD"),
    (["credits", "add", "team:nobody", "1"], 1, "name one team's id"),
]


def test_what_goes_wrong_is_told(command: Command) -> None:
    for arguments, code, reason in WRONG:
        result = command(*arguments)
        assert (result.exit_code, reason in result.stderr) == (code, True), (arguments, result.output)
