"""Streams that break off at a live gateway, read by the official SDKs: one seamless answer, or an error."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest
from tests.e2e.clients.anthropic_messages import Anthropic
from tests.e2e.clients.asking import Access, Ask, Client, Tool, User
from tests.e2e.clients.aws_bedrock import Bedrock
from tests.e2e.clients.google_genai import GoogleGenAI
from tests.e2e.clients.openai_chat import OpenAIChat
from tests.e2e.clients.openai_responses import OpenAIResponses
from tests.e2e.live import DOCUMENT, Live, running

from sekisho.control.services.keys import KeyService, digest
from sekisho.control.services.signing import SigningSecret
from sekisho.control.store.engine import Store
from sekisho.core.clock import Clock
from sekisho.core.record import CallRecord
from sekisho.testkit.provider import Script, ScriptedProvider

CLIENTS: dict[str, tuple[Callable[[Access], Client], str]] = {
    "openai-chat": (OpenAIChat, "oai"),
    "openai-responses": (OpenAIResponses, "rsp"),
    "anthropic": (Anthropic, "ant"),
    "google-genai": (GoogleGenAI, "gem"),
    "boto3": (Bedrock, "brk"),
}
"""SDK, and the provider of its own API."""
PROVIDERS = ("oai", "rsp", "ant", "gem", "brk")
TEXT = " ".join(f"第{number}の関所 gate{number}" for number in range(60))
USER = (User("関所はどこですか"),)
FAULTS = {
    "cut": ("upstream_truncated", Script(text=TEXT, cut_after_events=20, chunk_gap=0.005)),
    "reset": ("upstream_truncated", Script(text=TEXT, reset_after_events=20, chunk_gap=0.005)),
    "silent": ("upstream_timeout", Script(text=TEXT, stall_after_events=20, chunk_gap=0.005)),
    "malformed": ("upstream_malformed", Script(text=TEXT, malformed_after_events=20, chunk_gap=0.005)),
    "reported": (None, Script(text=TEXT, error_after_events=20, chunk_gap=0.005)),
}
"""How a stream breaks off -> the attempt's code, where all APIs have the same."""
SCRIPTS = {
    **{name: script for name, (_, script) in FAULTS.items()},
    "whole": Script(text=TEXT),
    "tool": Script(),
    "json": Script(structured=True, cut_after_events=5, chunk_size=2),
}

IN_A_CALL = {"oai": 3, "rsp": 4, "ant": 4, "gem": 1, "brk": 3}
"""Events after which a call of a tool has begun, and not ended."""


def document() -> str:
    """For every fault, every way from one provider to another; all that one fallback tells is `TEXT`."""
    lines = [DOCUMENT.rstrip("\n")]
    for name in SCRIPTS:
        for first in PROVIDERS:
            for second in PROVIDERS:
                targets = f"{_target(name, first)}, {_target('whole', second)}"
                lines.append(f"  {name}-{first}-{second}:\n    targets: [{targets}]")
                lines.append("    timeouts: {{idle: 2s}}")
    return "\n".join(lines) + "\n"


def _target(script: str, provider: str) -> str:
    model = f"anthropic.claude-{script}" if provider == "brk" else script
    return f"{{{{model: {model}, provider: {provider}}}}}"


@pytest.fixture
async def live(tmp_path: Path, provider: ScriptedProvider) -> AsyncIterator[Live]:
    for name, script in SCRIPTS.items():
        for model in (name, f"anthropic.claude-{name}"):
            provider.responder.scripts[model] = script
    async with running(tmp_path, provider, document()) as started:
        yield started


def access(live: Live) -> Access:
    store = Store(f"sqlite:///{live.data_dir / 'sekisho.db'}")
    key, text = KeyService(store, Clock()).create("clients")
    store.close()
    signing = SigningSecret(live.data_dir, None)
    signing.load()
    return Access(live.url, text, key.id, signing.secret_access_key(digest(text)))


async def booked(live: Live) -> dict[str, CallRecord]:
    """The records of all calls, by the model that was asked for."""
    await live.gateway.books.generation("gen-none")  # what is in the journal alone is loaded
    with closing(sqlite3.connect(live.data_dir / "sekisho.db")) as database:
        rows = database.execute("select requested_model, id from calls").fetchall()
    records = {model: await live.gateway.books.generation(call_id) for model, call_id in rows}
    return {model: record for model, record in records.items() if record is not None}


def code_of(record: CallRecord) -> str | None:
    return record.attempts[0].code


@pytest.mark.parametrize("name", CLIENTS)
async def test_an_sdk_reads_one_answer_whatever_happens_and_whoever_goes_on(live: Live, name: str) -> None:
    make, own = CLIENTS[name]
    client = make(access(live))
    firsts = [(fault, own) for fault in FAULTS] + [("cut", other) for other in PROVIDERS if other != own]
    routes = [
        f"{fault}-{first}-{PROVIDERS[(at + PROVIDERS.index(own)) % len(PROVIDERS)]}"
        for at, (fault, first) in enumerate(firsts)
    ]
    try:
        asks = [client.ask(Ask(model=route, turns=USER, max_tokens=5000, stream=True)) for route in routes]
        answers = await asyncio.gather(*asks)
    finally:
        await client.close()
    records = await booked(live)
    for route, answer in zip(routes, answers, strict=True):
        record = records[route]
        assert answer.text == TEXT, route
        assert answer.finish == client.words.get("stop", "stop"), route
        assert record.outcome == "ok", route
        first, last = record.attempts
        code = FAULTS[route.partition("-")[0]][0]
        assert first.code == code or (code is None and first.code), route
        assert last.code is None
        assert (first.provider, last.provider) == tuple(route.split("-")[1:])
        assert first.usage is not None
        assert last.usage is not None
        assert record.usage is not None
        assert record.usage.estimated
        assert record.usage.output == first.usage.output + last.usage.output
        assert (answer.prompt, answer.output) == (record.usage.prompt, record.usage.output), route


@pytest.mark.parametrize("name", CLIENTS)
async def test_an_sdk_is_told_where_nobody_can_go_on(live: Live, name: str) -> None:
    make, own = CLIENTS[name]
    client = make(access(live))
    cut = Script(use_tools="first", cut_after_events=IN_A_CALL[own])
    for model in ("tool", "anthropic.claude-tool"):
        live.provider.responder.scripts[model] = cut
    tool = (Tool("weather", ("city",)),)
    shape = {"type": "object", "properties": {"gate": {"type": "string"}}, "required": ["gate"]}
    asks = [
        Ask(model=f"tool-{own}-oai", turns=USER, tools=tool, stream=True),
        Ask(
            model=f"json-{own}-oai", turns=USER, schema={**shape, "additionalProperties": False}, stream=True
        ),
    ]
    try:
        for ask in asks:
            with pytest.raises(client.broken):
                await client.ask(ask)
    finally:
        await client.close()
    for route, record in (await booked(live)).items():
        assert record.outcome == "interrupted", route
        assert [attempt.provider for attempt in record.attempts] == [own]
