"""The demo, from its command line to the books."""

import asyncio
import json
import os
import signal
import sys
from typing import Any

SCRIPTED = ("-m", "sekisho", "demo", "--scripted", "--port", "0")


async def start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, *SCRIPTED, *arguments),
        env={**os.environ, "SEKISHO_DATABASE_URL": "sqlite:////nowhere/at/all.db"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_the_demo_answers_in_both_dialects_and_ends_when_told_once() -> None:
    process = await start("--once", "--json")
    said, complaint = await process.communicate()
    assert process.returncode == 0, complaint.decode()
    report: dict[str, Any] = json.loads(said)
    assert [call["kind"] for call in report["calls"]] == ["chat", "messages"]
    assert {call["text"] for call in report["calls"]} == {report["calls"][0]["text"]}
    assert [call["finish"] for call in report["calls"]] == ["stop", "end_turn"]
    assert all(call["input_tokens"] and call["output_tokens"] for call in report["calls"])
    assert all(call["call_id"].startswith("gen-") for call in report["calls"])


async def test_the_demo_stays_up_says_where_to_point_tools_and_cleans_up() -> None:
    process = await start()
    assert process.stdout is not None
    said = b""
    while b"Ctrl-C" not in said:
        line = await process.stdout.readline()
        assert line, said.decode()
        said += line
    text = said.decode()
    assert "関所へようこそ" in text
    assert "ANTHROPIC_BASE_URL=http://127.0.0.1:" in text
    process.send_signal(signal.SIGINT)
    rest, _ = await process.communicate()
    assert process.returncode == 0
    assert "everything it made is gone" in rest.decode()
