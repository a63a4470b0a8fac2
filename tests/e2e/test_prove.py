"""`sekisho prove` as operators run it: every figure is 0, and their own books are as they were."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.serving import environment, program
from tests.services import Postgres, Valkey

pytestmark = pytest.mark.timeout(400)
DOCUMENT = """
providers:
  first:
    like: openai-compatible
    base_url: http://127.0.0.1:9/v1
    api_key: ${FIRST_KEY}
    models: &models {acme/mild: {upstream: m, price: {input: 1.5, output: 6}}}
  second: {like: anthropic-compatible, base_url: "http://127.0.0.1:9/v1", api_key: none, models: *models}
alerts: {webhooks: ["http://127.0.0.1:9/hook"]}
models:
  mild: {targets: [{model: acme/mild, provider: first}, {model: acme/mild, provider: second}]}
"""
MUST_BE_0 = (
    *("overspent", "overspent_tokens", "over_admitted", "not_admitted", "leaked", "leaked_tokens"),
    *("miscounted", "miscounted_tokens", "books_minus_providers", "differing", "unbooked", "booked_twice"),
    "silent",
)


async def proven(folder: Path, *options: str, **more: str) -> dict[str, Any]:
    """What the command says, in its fast form, of a document."""
    document = folder / "sekisho.yaml"
    document.write_text(DOCUMENT, encoding="utf-8")
    code, out, err = await program(
        *("prove", "--fast", "--json", "--repeats", "1", "--config", str(document), *options),
        environment=environment(folder / "data", FIRST_KEY="canary-5c1", **more),
        patience=380,
    )
    assert out, err
    told: dict[str, Any] = json.loads(out)
    assert (told["failed"], code) == ([], 0), told
    assert {str(told["figures"][name]) for name in MUST_BE_0} == {"0"}
    assert "canary" not in out + err
    return told


def case(told: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in told["cases"] if each["case"] == name)
    return found


async def test_one_process_with_sqlite_is_proven(tmp_path: Path) -> None:
    told = await proven(tmp_path)
    for name, charged in (("budget", "0.1"), ("team", "0.1"), ("requests", "0.1")):
        found = case(told, name)
        assert (found["calls"], found["admitted"], found["charged"]) == (200, 10, charged)
    assert case(told, "document")["admitted"] > 10
    assert case(told, "killed 1")["admitted"] <= 10
    assert not (tmp_path / "data").exists()


async def test_three_replicas_with_postgresql_and_valkey_are_proven(
    tmp_path: Path, postgres: Postgres, postgres_url: str, valkey: Valkey, valkey_url: str
) -> None:
    told = await proven(tmp_path, SEKISHO_DATABASE_URL=postgres_url, SEKISHO_STATE_URL=valkey_url)
    assert case(told, "budget")["admitted"] == 10
    database = postgres_url.rpartition("/")[2]
    assert postgres.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", database) == "0"
    with valkey.client(int(valkey_url.rpartition("/")[2])) as client:
        assert client.dbsize() == 0


async def test_what_cannot_be_proven_is_said_in_a_line(tmp_path: Path) -> None:
    around = environment(tmp_path / "data")
    cases = (
        (("--processes", "2"), 2, "share no limits without SEKISHO_STATE_URL"),
        (("--config", str(tmp_path / "no.yaml")), 1, "No such file"),
        (("--state-url", "redis://127.0.0.1:9/0"), 1, "127.0.0.1:9, database 0 cannot be reached"),
        (("--database-url", "postgresql://nobody@127.0.0.1:9/x"), 1, "PostgreSQL at 127.0.0.1:9"),
    )
    runs = (program("prove", "--fast", *options, environment=around) for options, _, _ in cases)
    for (_, expected, reason), (code, out, err) in zip(cases, await asyncio.gather(*runs), strict=True):
        assert (code, out) == (expected, ""), err
        assert reason in err
        assert "Traceback" not in err
