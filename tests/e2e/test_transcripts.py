"""Whole conversations of assistants with tools, through a gateway whose provider speaks the same dialect:
each request and each answer goes through byte for byte."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import httpx2
import msgspec
import pytest
import pytest_asyncio
from tests.e2e.live import Live, running
from tests.e2e.tape import Tape, tape

from sekisho.testkit import golden

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT = Path(__file__).parents[1] / "golden" / "transcripts"
DOCUMENT = """
providers:
  chat:
    like: openai-compatible
    base_url: {url}/v1
    api_key: ${{SCRIPTED_KEY}}
    models: {{acme/gpt-5.4-mini: {{upstream: gpt-5.4-mini}}}}
  responses:
    like: openai-responses-compatible
    base_url: {url}/v1
    api_key: ${{SCRIPTED_KEY}}
    models: {{acme/gpt-5.4-codex: {{upstream: gpt-5.4-codex}}}}
  messages:
    like: anthropic-compatible
    base_url: {url}/v1
    api_key: ${{SCRIPTED_KEY}}
    models: {{acme/claude-sonnet-4-5-20250929: {{upstream: claude-sonnet-4-5-20250929}}}}
  gemini:
    like: gemini-compatible
    base_url: {url}/v1beta
    api_key: ${{SCRIPTED_KEY}}
    models: {{acme/gemini-3.5-pro: {{upstream: gemini-3.5-pro}}}}
  converse:
    like: bedrock-compatible
    base_url: {url}
    region: ap-northeast-1
    models: {{acme/claude-on-bedrock: {{upstream: claude-on-bedrock}}}}
"""


class Paths(NamedTuple):
    whole: str
    stream: str


PATHS = {
    "openai_chat": Paths("/v1/chat/completions", "/v1/chat/completions"),
    "openai_responses": Paths("/v1/responses", "/v1/responses"),
    "anthropic_messages": Paths("/v1/messages?beta=true", "/v1/messages?beta=true"),
    "gemini_generate": Paths(
        "/v1beta/models/gemini-3.5-pro:generateContent",
        "/v1beta/models/gemini-3.5-pro:streamGenerateContent?alt=sse",
    ),
    "bedrock_converse": Paths(
        "/model/claude-on-bedrock/converse", "/model/claude-on-bedrock/converse-stream"
    ),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def provider() -> AsyncIterator[Tape]:
    async with tape() as player:
        yield player


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(tmp_path_factory: pytest.TempPathFactory, provider: Tape) -> AsyncIterator[Live]:
    async with running(tmp_path_factory.mktemp("live"), provider, DOCUMENT) as started:  # type: ignore[arg-type]
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(live: Live) -> AsyncIterator[httpx2.AsyncClient]:
    async with live.http() as made:
        yield made


@pytest.mark.parametrize("dialect", PATHS)
@pytest.mark.parametrize("compact", [True, False], ids=["compact", "indented"])
async def test_a_conversation_goes_through_byte_for_byte(
    client: httpx2.AsyncClient, provider: Tape, dialect: str, *, compact: bool
) -> None:
    for case in golden.cases(ROOT, dialect):
        assert case.request is not None
        asked = msgspec.json.format(case.request, indent=-1) if compact else case.request
        answered = case.stream or case.reply or b""
        provider.play(answered, stream=case.stream is not None, piece=97)
        path = PATHS[dialect].stream if case.stream is not None else PATHS[dialect].whole
        headers = {"content-type": "application/json", "anthropic-beta": "context-management-2025-06-27"}
        answer = await client.post(path, content=asked, headers=headers)
        assert answer.status_code == 200, answer.text
        assert provider.bodies[-1] == asked
        assert answer.content == answered
