"""A real model behind a server that nobody here wrote: both dialects, both directions, unary and streamed."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from tests.e2e.live import ADMIN_KEY

from sekisho.app import Gateway, Options
from sekisho.settings import Drain, Settings
from sekisho.testkit.small_model import MODEL, SmallModel

DOCUMENT = """
providers:
  chat: {{like: openai-compatible, base_url: {url}/v1, api_key: any}}
  messages: {{like: anthropic-compatible, base_url: {url}/v1, api_key: any}}
"""
ASK: list[Any] = [{"role": "user", "content": "Name one colour. Answer with one word."}]
both = pytest.mark.parametrize("provider", ["chat", "messages"])


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    async with SmallModel(threads=1) as model:
        document = tmp_path / "sekisho.yaml"
        document.write_text(DOCUMENT.format(url=model.base_url), encoding="utf-8")
        settings = Settings(tmp_path, f"sqlite:///{tmp_path / 'sekisho.db'}", ADMIN_KEY)
        gateway = Gateway(settings, Options(host="127.0.0.1", port=0, config=document))
        port = await gateway.start()
        yield f"http://127.0.0.1:{port}"
        await gateway.stop(Drain(limit=1))


@both
async def test_a_chat_client_gets_a_real_answer(url: str, provider: str) -> None:
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=ADMIN_KEY, max_retries=0) as client:
        call: Any = {
            "model": f"{provider}/{MODEL}",
            "messages": ASK,
            "max_tokens": 12,
            "temperature": 0,
            "seed": 1,
        }
        whole = await client.chat.completions.create(**call)
        async with client.chat.completions.stream(stream_options={"include_usage": True}, **call) as events:
            streamed = await events.get_final_completion()
    for answer in (whole, streamed):
        assert (answer.choices[0].message.content or "").strip()
        assert answer.usage is not None
        assert answer.usage.prompt_tokens > 5
        assert 0 < answer.usage.completion_tokens <= 12


@both
async def test_a_messages_client_gets_a_real_answer(url: str, provider: str) -> None:
    async with anthropic.AsyncAnthropic(base_url=url, api_key=ADMIN_KEY, max_retries=0) as client:
        call: Any = {"model": f"{provider}/{MODEL}", "messages": ASK, "max_tokens": 12}
        whole = await client.messages.create(**call)
        async with client.messages.stream(**call) as events:
            streamed = await events.get_final_message()
        counted = await client.messages.count_tokens(model=f"{provider}/{MODEL}", messages=ASK)
    for answer in (whole, streamed):
        assert "".join(block.text for block in answer.content if block.type == "text").strip()
        assert answer.usage.output_tokens > 0
    assert counted.input_tokens > 5
