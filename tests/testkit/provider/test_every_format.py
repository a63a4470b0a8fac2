"""What holds for every format: each script is answered, and each fault is one on the wire."""

import asyncio
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec
import pytest

from sekisho.testkit.provider import SCRIPTS, ScriptedProvider

HEADERS = {
    "authorization": "Bearer k",
    "x-api-key": "k",
    "x-goog-api-key": "k",
    "anthropic-version": "2023-06-01",
}
MESSAGES = [{"role": "user", "content": "hi"}]
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
CONVERSE = {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}
GEMINI = "v1beta/models/{model}:{verb}"
FORMATS = {
    "openai_chat": ("v1/chat/completions", {"messages": MESSAGES}),
    "openai_completions": ("v1/completions", {"prompt": "hi"}),
    "openai_responses": ("v1/responses", {"input": "hi"}),
    "anthropic_messages": ("v1/messages", {"messages": MESSAGES, "max_tokens": 99}),
    "gemini_generate": (GEMINI + "?alt=sse", CONTENTS),
    "gemini_array": (GEMINI, CONTENTS),
    "bedrock_converse": ("model/{model}/{verb}", CONVERSE),
}
VERBS = {
    "gemini_generate": ("generateContent", "streamGenerateContent"),
    "gemini_array": ("generateContent", "streamGenerateContent"),
    "bedrock_converse": ("converse", "converse-stream"),
}
SILENT = ("stall", "reset", "close")


async def ask(provider: ScriptedProvider, name: str, model: str, *, stream: bool) -> tuple[int, bytes, bool]:
    """Status, as much of the body as came, and whether it came whole."""
    path, body = FORMATS[name]
    payload: dict[str, Any] = dict(body)
    if name in VERBS:
        path = path.format(model=quote(model, safe=""), verb=VERBS[name][stream])
    else:
        payload |= {"model": model, "stream": stream}
    got = b""
    async with aiohttp.ClientSession(headers=HEADERS) as http:
        url = f"{provider.base_url}/{path}"
        async with http.post(url, json=payload) as answer:
            try:
                async for piece in answer.content.iter_any():
                    got += piece
            except aiohttp.ClientError:
                return answer.status, got, False
            return answer.status, got, True


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", FORMATS)
async def test_every_script_is_answered(provider: ScriptedProvider, name: str, stream: bool) -> None:
    for model, script in SCRIPTS.items():
        if model in SILENT or model in ("big", "slow"):
            continue
        status, body, whole = await ask(provider, name, model, stream=stream)
        blocked = model == "unsafe" and name.startswith("gemini")
        assert status == (200 if blocked else script.status)
        assert whole
        assert body
    answered = [model for model, script in SCRIPTS.items() if script.status == 200]
    assert len(provider.served) == len(answered) - len(SILENT) - 2
    assert {served.dialect for served in provider.served} == {name.replace("gemini_array", "gemini_generate")}
    # The terminator is missing in streams alone.
    assert [served.model for served in provider.served if not served.completed] == (
        ["malformed", "no-end"] if stream else ["malformed"]
    )


@pytest.mark.parametrize("name", FORMATS)
async def test_every_fault_is_one_on_the_wire(provider: ScriptedProvider, name: str) -> None:
    _, full, _ = await ask(provider, name, "long", stream=True)
    for model, comes_whole in (
        ("cut-after-3", False),
        ("reset-after-3", False),
        ("error-after-3", True),
        ("malformed-after-3", True),
        ("corrupt-after-3", True),
        ("long?cut_after_bytes=100", False),
        ("long?missing_terminator=true", True),
    ):
        status, body, whole = await ask(provider, name, model, stream=True)
        assert (status, whole) == (200, comes_whole), model
        assert body != full
        assert not provider.served[-1].completed
    provider.script(msgspec.structs.replace(SCRIPTS["long"], trickle_bytes=500, trickle_gap=0.0))
    _, trickled, whole = await ask(provider, name, "long", stream=True)
    assert (len(trickled), whole) == (len(full), True)


@pytest.mark.parametrize("name", FORMATS)
async def test_a_client_that_leaves_a_stalled_stream_is_noticed(
    provider: ScriptedProvider, name: str
) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await ask(provider, name, "stall-after-2", stream=True)
    for _ in range(200):
        if provider.aborted:
            break
        await asyncio.sleep(0.01)
    assert [served.completed for served in provider.served] == [False]
