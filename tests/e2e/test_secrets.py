"""A canary in every place where a secret could leak: logs, errors, metrics, the books on disk."""

import json
from itertools import product
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog
from tests.e2e.live import PROVIDER_KEY, Live

from sekisho.telemetry import log as logs

PROMPT = "canary-prompt-5e1d 秘密の相談"
SCRIPTS = ("echo", "status-401", "status-400", "status-500", "reset", "malformed", "html", "cut-after-2")


@pytest.fixture
def log_file(tmp_path: Path) -> Any:
    path = tmp_path / "log" / "events"
    path.parent.mkdir()
    with path.open("w", encoding="utf-8") as stream:
        logs.configure("debug", json=True, stream=stream)
        yield path
    structlog.reset_defaults()


def everything_below(folder: Path) -> str:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return "".join(path.read_bytes().decode("utf-8", "replace") for path in files)


async def test_no_key_and_no_prompt_leaves_the_call(log_file: Path, live: Live) -> None:
    body = {"messages": [{"role": "user", "content": PROMPT}], "max_tokens": 99}
    answers = []
    wrong = "sk-wrong-canary-99"
    async with httpx2.AsyncClient(base_url=live.url, timeout=20) as client:
        for path in ("/v1/chat/completions", "/v1/messages", "/api/v1/chat/completions"):
            for script, key, stream in product(SCRIPTS, (live.key, wrong), (False, True)):
                call = {**body, "model": f"oai/{script}", "stream": stream}
                headers = {"authorization": f"Bearer {key}"}
                answers.append((await client.post(path, json=call, headers=headers), script, key))
            await client.post(path, content=PROMPT.encode(), headers={"x-api-key": live.key})
            await client.post(path, json={**body, "model": {"a": PROMPT}}, headers={"x-api-key": live.key})
        for script, key in product(SCRIPTS, (live.key, wrong)):  # Google's clients may send it in the query
            path = f"/v1beta/models/oai/{script}:generateContent?key={key}"
            contents = {"contents": [{"role": "user", "parts": [{"text": PROMPT}]}]}
            answers.append((await client.post(path, json=contents), script, key))
            answers.append((await client.get(path), script, key))
        metrics = (await client.get("/metrics")).text
    shown = "".join(answer.text + str(answer.headers) for answer, script, _ in answers if script != "echo")
    kept = "".join(
        path.read_bytes().decode("utf-8", "replace") for path in live.data_dir.rglob("*") if path.is_file()
    )
    logged = everything_below(log_file.parent)
    assert logged.count("call_failed") > 20
    for secret in (PROVIDER_KEY, live.key, wrong):
        for place in (shown, metrics, kept, logged):
            assert secret not in place
    for prompt in (PROMPT, json.dumps(PROMPT).strip('"'), "canary-prompt"):
        for place in (metrics, kept, logged):
            assert prompt not in place
