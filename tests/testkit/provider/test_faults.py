"""Faults on the wire, seen by a client that reads bytes."""

import asyncio
import json
import sys
from pathlib import Path

import aiohttp
import pytest

from sekisho.testkit.provider import Script, ScriptedProvider
from sekisho.testkit.provider.ledger import read

HEADERS = {"authorization": "Bearer sk-test", "x-api-key": "sk-test", "anthropic-version": "2023-06-01"}
MODEL = "long"


def body(model: str, *, stream: bool = True) -> dict[str, object]:
    asked = {"model": model, "max_tokens": 99, "messages": [{"role": "user", "content": "hi"}]}
    return {**asked, "stream": stream}


async def read_raw(provider: ScriptedProvider, model: str, *, stream: bool = True) -> tuple[bytes, bool]:
    """Everything that comes back, and whether the connection was reset."""
    reader, writer = await asyncio.open_connection(provider.host, provider.port)
    payload = json.dumps(body(model, stream=stream)).encode()
    writer.write(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\n"
        b"connection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(payload), payload)
    )
    got = b""
    try:
        while not got.endswith(b"0\r\n\r\n"):
            piece = await reader.read(65536)
            if not piece:
                break
            got += piece
    except ConnectionResetError:
        return got, True
    finally:
        writer.close()
    return got, False


@pytest.mark.parametrize("ending", ["cut", "reset"])
async def test_a_stream_breaks_after_so_many_events(provider: ScriptedProvider, ending: str) -> None:
    got, was_reset = await read_raw(provider, f"{ending}-after-3")
    assert got.count(b"data: ") == 3
    assert not got.endswith(b"0\r\n\r\n")
    assert was_reset == (ending == "reset")
    assert [served.completed for served in provider.served] == [False]


async def test_a_body_is_cut_to_the_byte(provider: ScriptedProvider) -> None:
    whole, _ = await read_raw(provider, MODEL)
    cut, _ = await read_raw(provider, f"{MODEL}?cut_after_bytes=500")
    events = cut.partition(b"\r\n\r\n")[2]
    chunks = [line for line in events.split(b"\r\n") if line]
    assert sum(len(chunk) for chunk in chunks[1::2]) == 500
    assert len(whole) > len(cut)


async def test_a_unary_answer_is_cut_in_the_middle(provider: ScriptedProvider) -> None:
    got, _ = await read_raw(provider, "cut-after-1", stream=False)
    head, _, sent = got.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    assert len(sent) == length // 2


async def test_nothing_comes_before_headers(provider: ScriptedProvider) -> None:
    assert await read_raw(provider, "reset") == (b"", True)
    assert await read_raw(provider, "close") == (b"", False)


async def test_a_stream_without_its_terminator_is_a_whole_http_body(provider: ScriptedProvider) -> None:
    got, _ = await read_raw(provider, "no-end")
    assert got.endswith(b"0\r\n\r\n")
    assert b"[DONE]" not in got
    assert [served.completed for served in provider.served] == [False]


async def test_a_malformed_event_does_not_end_the_stream(provider: ScriptedProvider) -> None:
    got, _ = await read_raw(provider, "malformed")
    assert b'"chat.comp\n\n' in got
    assert b"[DONE]" in got


async def test_a_trickle_brings_the_same_bytes(provider: ScriptedProvider) -> None:
    text = "関所" * 20
    provider.script(Script(text=text), Script(text=text, trickle_bytes=50))
    plain, _ = await read_raw(provider, "any")
    trickled, _ = await read_raw(provider, "any")
    assert len(plain) == len(trickled)


async def test_an_error_page_is_not_the_providers_own(provider: ScriptedProvider) -> None:
    url = f"{provider.base_url}/v1/messages"
    async with (
        aiohttp.ClientSession(headers=HEADERS) as client,
        client.post(url, json=body("html")) as answer,
    ):
        assert (answer.status, answer.content_type) == (502, "text/html")


async def test_a_client_that_leaves_is_noticed_and_its_answer_is_incomplete(
    provider: ScriptedProvider,
) -> None:
    async with aiohttp.ClientSession(headers=HEADERS) as client:
        for model in ("stall-after-2", "slow?chunk_gap=5", "stall"):
            request = client.post(f"{provider.base_url}/v1/messages", json=body(model))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.4), request as answer:
                    await answer.read()
    for _ in range(200):
        if len(provider.aborted) == 3:
            break
        await asyncio.sleep(0.01)
    assert len(provider.aborted) == 3
    assert [served.completed for served in provider.served] == [False, False]
    assert provider.open_connections == 0


async def test_requests_are_recorded_byte_for_byte(provider: ScriptedProvider) -> None:
    payload = b'{ "model":"echo",\n "messages":[{"role":"user","content":"\\u3042"}] , "zz":1.0 }'
    url = f"{provider.base_url}/v1/chat/completions"
    async with (
        aiohttp.ClientSession(headers=HEADERS) as client,
        client.post(url, data=payload) as answer,
    ):
        assert (await answer.json())["choices"][0]["message"]["content"] == "あ"
    [received] = provider.requests
    assert received.body == payload
    assert received.header("x-api-key") == "sk-test"


async def test_a_strict_provider_refuses_members_its_api_lacks() -> None:
    async with (
        ScriptedProvider(strict=True) as provider,
        aiohttp.ClientSession(headers=HEADERS) as client,
    ):
        for path, said in (
            ("chat/completions", "Unknown parameter: 'top_k'."),
            ("messages", "seed: Extra inputs are not permitted"),
        ):
            asked = {**body("echo"), "top_k" if path == "chat/completions" else "seed": 1}
            async with client.post(f"{provider.base_url}/v1/{path}", json=asked) as answer:
                assert answer.status == 400
                assert said in await answer.text()


async def test_a_header_and_a_queue_choose_scripts_and_the_queue_goes_first(
    provider: ScriptedProvider,
) -> None:
    provider.script(Script(text="queued"))
    headers = {"x-script": '{"text": "from the header"}'}
    async with aiohttp.ClientSession(headers=HEADERS) as client:
        texts = []
        for _ in range(2):
            async with client.post(
                f"{provider.base_url}/v1/messages", json=body("echo", stream=False), headers=headers
            ) as answer:
                texts.append((await answer.json())["content"][0]["text"])
    assert texts == ["queued", "from the header"]


async def test_chunk_count_is_kept_exactly(provider: ScriptedProvider) -> None:
    got, _ = await read_raw(provider, "echo?chunk_count=200&chunk_size=4")
    assert got.count(b'"content":"') == 200 + 1  # the first chunk names the role, with empty content


@pytest.mark.parametrize("canned", [False, True])
async def test_the_command_serves_and_keeps_a_ledger(tmp_path: Path, canned: bool) -> None:
    ledger = tmp_path / "ledger.jsonl"
    arguments = ["-m", "sekisho.testkit.provider", "--port", "0", "--ledger", str(ledger)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, *(["--canned"] if canned else []), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    try:
        async with aiohttp.ClientSession(headers=HEADERS) as client:
            for stream in (True, False, True, False):
                asked = body("hello", stream=stream)
                async with client.post(f"{url}/v1/chat/completions", json=asked) as answer:
                    assert "Hello" in await answer.text()
                if not canned:
                    assert read(ledger)[-1].stream == stream
            with pytest.raises(aiohttp.ClientError):
                await client.post(f"{url}/v1/chat/completions", json=body("reset"))
            async with client.get(f"{url}/_testkit/counts") as answer:
                assert (await answer.json())["completed"] == 4
        assert len(read(ledger)) == (0 if canned else 4)
    finally:
        process.terminate()
        await process.wait()
