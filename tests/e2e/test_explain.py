"""`sekisho explain`, and the header that explains: after real calls."""

import json
from typing import Any

import pytest
from tests.e2e.live import Live
from tests.e2e.serving import environment, program
from typer.testing import CliRunner

from sekisho.__main__ import app
from sekisho.core.explanation import Candidate

USER = [{"role": "user", "content": "関所はどこですか"}]


async def call(live: Live, model: str, path: str = "/v1/chat/completions", **more: Any) -> Any:
    body = {"model": model, "messages": USER, "max_tokens": 50, **more}
    async with live.http() as client:
        return await client.post(path, json=body, headers={"x-sekisho-explain": "1"})


async def explained(live: Live, *arguments: str) -> tuple[int, str, str]:
    return await program("explain", *arguments, environment=environment(live.data_dir))


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
async def test_a_call_is_explained_in_its_header_in_the_books_and_on_screen(live: Live, stream: bool) -> None:
    answer = await call(live, "rescued", stream=stream)
    told = json.loads(answer.headers["x-sekisho-explain"])
    assert told["select"] == "ordered"
    assert [name.partition("/")[0] for name, *_ in told["candidates"]] == ["oai", "ant"]
    assert [attempt.get("code") for attempt in told["attempts"]] == ["upstream_overloaded", None]
    call_id = answer.headers["x-generation-id"]
    record = await live.gateway.books.generation(call_id)
    assert record is not None
    assert record.explanation is not None
    assert record.explanation.plan is not None
    assert record.explanation.plan.candidates[0] == Candidate("oai/oai/status-503=status-503", 0.0)
    assert (record.attempts[-1].first_token_ms is not None) == stream
    assert (record.attempts[-1].gap_ms is not None) == stream
    code, said, _ = await explained(live, call_id)
    assert code == 0
    assert "upstream_overloaded 503" in said
    assert "ant/ant/echo=echo" in said
    code, said, _ = await explained(live, call_id, "--json")
    document = json.loads(said)
    assert document["explanation"]["plan"]["candidates"][1]["endpoint"] == "ant/ant/echo=echo"
    assert document["attempts"][0]["model"] == "oai/status-503"
    assert USER[0]["content"] not in said


async def test_of_an_answer_that_two_providers_made_each_has_its_share(live: Live) -> None:
    answer = await call(live, "carried-on", stream=True)
    assert "[DONE]" in answer.text
    record = await live.gateway.books.generation(answer.headers["x-generation-id"])
    assert record is not None
    assert [attempt.code for attempt in record.attempts] == ["upstream_truncated", None]
    assert all(attempt.usage is not None and attempt.gap_ms is not None for attempt in record.attempts)
    code, said, _ = await explained(live, record.id)
    assert code == 0
    assert "1 was sent" in said
    assert "2 was sent" in said


async def test_a_call_that_nobody_answered_names_all_who_were_asked(live: Live) -> None:
    answer = await call(live, "doomed")
    message = answer.json()["error"]["message"]
    assert "oai upstream_overloaded 503, ant upstream_unreachable" in message
    assert json.loads(answer.headers["x-sekisho-explain"])["attempts"][-1]["code"] == "upstream_unreachable"


async def test_a_call_that_the_books_do_not_know_is_an_error(live: Live) -> None:
    code, _, complaint = await explained(live, "gen-none")
    assert (code, complaint) == (1, "error: the books do not know the call gen-none\n")


# --- without calling anybody --------------------------------------------------------------------------

DOCUMENT = """
providers:
  a: {like: openai-compatible, base_url: http://127.0.0.1:1/v1, api_key: k, models: {acme/m: {price: {input: 1, output: 1}}}}
  b: {like: openai-compatible, base_url: http://127.0.0.1:1/v1, api_key: k, models: {acme/m: {price: {input: 2, output: 2}}}}
models:
  careful: {targets: [acme/m], select: cheapest}
"""  # noqa: E501


@pytest.fixture
def plan(tmp_path: Any) -> Any:
    file = tmp_path / "sekisho.yaml"
    file.write_text(DOCUMENT)

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["explain", "--config", str(file), *arguments])
        return result.exit_code, result.output

    return run


def test_a_plan_shows_candidates_scores_and_how_often_each_comes_first(plan: Any) -> None:
    code, said = plan("--model", "acme/m", "--json")
    told = json.loads(said)
    assert (code, told["select"]) == (0, "balanced")
    shares = {each["endpoint"][0]: each["first"] for each in told["candidates"]}
    assert shares["a"] == pytest.approx(0.8, abs=0.05)  # half the price, four times as often
    code, said = plan("--model", "careful")
    assert (code, said.index("a/acme/m") < said.index("b/acme/m")) == (0, True)
    assert "100.0%" in said


def test_a_plan_shows_who_is_rejected_and_why(plan: Any) -> None:
    code, said = plan("--model", "careful", "--prefer", '{"ignore": ["a"], "price_cap": {"input": 1}}')
    assert code == 1
    assert "no target may be used" in said
    assert "is to be ignored" in said
    assert "its input costs more than the cap" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--model", "carefull"), "did you mean careful?"),
        (("--model", "careful", "--prefer", '{"only": ["z"]}'), "there is no provider `z`"),
        (("--model", "careful", "--prefer", "x"), "is not a JSON object"),
        ((), "name either a call's ID or --model"),
        (("gen-1", "--model", "careful"), "name either a call's ID or --model"),
    ],
)
def test_what_cannot_be_planned_is_told(plan: Any, arguments: tuple[str, ...], words: str) -> None:
    code, said = plan(*arguments)
    assert code in (1, 2)
    assert words in said
