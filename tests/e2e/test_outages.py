"""`sekisho report outages`: what really happened, in the books, on three scales."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.live import Live, scripted
from typer.testing import CliRunner

from sekisho.__main__ import app
from sekisho.control.services.outages import Outages, Weighed, outages, rescued, share
from sekisho.control.services.standalone import open_books
from sekisho.control.store import rollups
from sekisho.control.store.booking import book
from sekisho.core.explanation import Explanation
from sekisho.core.record import AttemptRecord, CallRecord
from sekisho.core.usage import Usage
from sekisho.settings import Settings
from sekisho.testkit.provider import Script

DOCUMENT = """
providers:
  one:
    like: openai-compatible
    base_url: {url}/v1
    api_key: ${{SCRIPTED_KEY}}
    models: {{acme/m: {{upstream: m, price: {{input: 1, output: 2}}}}}}
  two:
    like: anthropic-compatible
    base_url: {url}/v1
    api_key: ${{SCRIPTED_KEY}}
    models: {{acme/m: {{upstream: m, price: {{input: 3, output: 4}}}}}}
models:
  both: {{targets: [acme/m]}}
  alone: {{targets: [{{model: acme/m, provider: one}}]}}
"""
FAILS = Script(status=500)
FULL = Script(status=503)


async def ask(live: Live, model: str, *scripts: Script, text: str = "関所", **more: Any) -> CallRecord:
    """The record of one call, for whose attempts the provider acts by `scripts`."""
    live.provider.script(*scripts)
    body = {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": 500, **more}
    async with live.http() as client:
        answer = await client.post("/v1/chat/completions", json=body)
    record = await live.gateway.books.generation(answer.headers["x-generation-id"])
    assert record is not None
    return record


def weight(*records: CallRecord) -> Weighed:
    """What these calls weigh, worked out here."""
    tokens = cost = 0
    for record in records:
        explained = record.explanation or Explanation()
        tokens += record.usage.total if record.usage else explained.asked_tokens or 0
        cost += record.cost if record.cost is not None else explained.asked_cost or 0
    return Weighed(len(records), tokens, cost)


@pytest.fixture
async def happened(tmp_path: Path) -> Any:
    """Calls that went every way, by how they went, and where their books are."""
    async with scripted(tmp_path, DOCUMENT) as live:
        calls = {
            "fine": await ask(live, "both", Script()),
            "carried_on": await ask(
                live, "both", Script(text="y" * 300, cut_after_events=9), Script(), stream=True
            ),
            "retried": await ask(live, "both", FAILS, Script(), text="again " * 50),
            "fell_back": await ask(live, "both", FULL, Script(), text="elsewhere " * 200),
            "lost": await ask(live, "alone", FULL, FULL, text="lost " * 100),
            "broken": await ask(live, "alone", Script(text="x" * 300, cut_after_events=9), stream=True),
            "refused": await ask(live, "alone", Script(status=400, error="context")),
        }
        settings = Settings(live.data_dir, f"sqlite:///{live.data_dir / 'sekisho.db'}")
    return calls, settings


async def test_every_call_is_counted_once_by_how_it_ended(happened: Any) -> None:
    calls, settings = happened
    assert [record.outcome for record in calls.values()] == ["ok"] * 4 + [
        "error",
        "interrupted",
        "error",
    ]
    with open_books(settings) as store:
        [found] = outages(store, 0)
        assert outages(store, calls["refused"].started + 3600) == [], "whole hours"
        by = {each: outages(store, 0, each) for each in ("provider", "model", "cause")}
    assert found == Outages(
        total=weight(*calls.values()),
        failed=weight(*(calls[name] for name in ("retried", "fell_back", "lost", "broken", "carried_on"))),
        retry=weight(calls["retried"]),
        fallback=weight(calls["fell_back"]),
        continuation=weight(calls["carried_on"]),
        lost=weight(calls["lost"], calls["broken"]),
    )
    assert found.lost.tokens > 100, "a call that was never answered weighs what was asked"
    assert [each.name for each in by["provider"]] == ["one"]
    assert [each.name for each in by["model"]] == ["acme/m"]
    assert {each.name: (each.total.requests, rescued(each, "requests")) for each in by["cause"]} == {
        "upstream_overloaded": (2, 1),
        "upstream_failed": (1, 1),
        "upstream_truncated": (2, 1),
    }


async def test_the_command_prints_for_people_machines_and_spreadsheets(happened: Any) -> None:
    calls, settings = happened

    def run(*arguments: str) -> tuple[int, str]:
        environment = {"SEKISHO_DATA_DIR": str(settings.data_dir), "SEKISHO_DATABASE_URL": ""}
        result = CliRunner().invoke(app, ["report", "outages", *arguments], env=environment)
        return result.exit_code, result.stdout

    code, said = run("--json")
    [told] = json.loads(said)["outages"]
    assert (code, told["requests"]["total"], told["requests"]["lost"]) == (0, 7, 2)
    assert told["requests"]["rescued_share"] == pytest.approx(3 / 7)
    spent = weight(*calls.values()).cost
    assert told["cost_usd"]["total"] == pytest.approx(spent / 1e9)
    assert told["cost_usd"]["success_share"] == pytest.approx(
        1 - weight(calls["lost"], calls["broken"]).cost / spent
    )
    code, said = run("--csv", "--by", "cause", "--days", "1")
    lines = list(csv.DictReader(said.splitlines()))
    assert (code, len(lines)) == (0, 9)
    assert {line["scale"] for line in lines} == {"requests", "tokens", "cost_usd"}
    code, said = run("--by", "provider")
    assert (code, "42.86%" in said, "FELL BACK" in said) == (0, True, True)
    assert run("--by", "colour")[0] == 2
    assert run("--json", "--csv")[0] == 2


def test_nothing_on_the_books_is_no_error_and_an_absurd_count_does_not_end_a_report(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "data", f"sqlite:///{tmp_path / 'data' / 'sekisho.db'}")
    with open_books(settings) as store:
        assert outages(store, 0) == []
        made = [
            CallRecord(
                id=f"gen-{at}",
                started=1.0,
                key_id="k",
                operation="chat",
                dialect="openai_chat",
                requested_model="m",
                status=200,
                outcome="ok",
                usage=Usage(input=2**63 - 1),
                cost=2**63 - 1,
                attempts=(AttemptRecord(provider="p", upstream_model="m", milliseconds=1),),
            )
            for at in range(3)
        ]
        with store.write() as connection:
            rollups.add(store, connection, book(connection, made))
        [found] = outages(store, 0)
    assert found.total.requests == 3
    assert found.total.cost > 2**63
    assert share(1, 0) is None
