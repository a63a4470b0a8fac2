"""Every official SDK against every provider's API: whoever answers, a client sees its own API."""

import base64
import json
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio
from tests.e2e.clients.anthropic_messages import Anthropic
from tests.e2e.clients.asking import Access, Answer, Ask, Client, Results, Tool, User, schema
from tests.e2e.clients.aws_bedrock import Bedrock
from tests.e2e.clients.google_genai import GoogleGenAI
from tests.e2e.clients.langchain import LangChainChat, LangChainResponses
from tests.e2e.clients.openai_chat import OpenAIChat
from tests.e2e.clients.openai_responses import OpenAIResponses
from tests.e2e.clients.pydantic import PydanticAnthropic, PydanticBedrock, PydanticChat, PydanticResponses
from tests.e2e.live import PROVIDER_KEY, Live, running

from sekisho.control.services.keys import KeyService, digest
from sekisho.control.services.signing import SigningSecret
from sekisho.control.store.engine import Store
from sekisho.core.clock import Clock
from sekisho.core.usage import Usage
from sekisho.testkit.provider import SCRIPTS, Script, ScriptedProvider
from sekisho.testkit.provider.seals import seal, sign

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLIENTS: dict[str, Callable[[Access], Client]] = {
    "openai-chat": OpenAIChat,
    "openai-responses": OpenAIResponses,
    "anthropic": Anthropic,
    "google-genai": GoogleGenAI,
    "boto3": Bedrock,
    "langchain-chat": LangChainChat,
    "langchain-responses": LangChainResponses,
    "pydantic-chat": PydanticChat,
    "pydantic-responses": PydanticResponses,
    "pydantic-anthropic": PydanticAnthropic,
    "pydantic-bedrock": PydanticBedrock,
}
PROVIDERS = {
    "oai": "oai/{}",
    "ant": "ant/{}",
    "rsp": "rsp/{}",
    "gem": "gem/{}",
    "brk": "brk/anthropic.claude-{}",
}
"""A provider for every dialect, and its models. What Bedrock takes depends on whose model it is."""
WAIT = 3600
"""Seconds: longer than any call may last, so that the gateway does not wait itself."""
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
TEXT = "関所を越えて、東海道を行く。🏯 Over the checkpoint."
TOOLS = (Tool("weather", ("city",)), Tool("clock"))
THOUGHT = SCRIPTS["thinking"].thinking or ""
SIGNATURES = {
    "ant": sign("anthropic", THOUGHT),
    "rsp": seal("openai", THOUGHT),
    "brk": sign("anthropic", THOUGHT),
}
"""Of the scripted thought, where its maker demands it back. Gemini demands that of calls alone, and checks it
in every tool loop."""
SAY_STOP_SEQUENCE = frozenset({"ant", "brk"})
SCRIPTED = {
    **{name: SCRIPTS[name] for name in ("echo", "thinking", "tool", "parallel-tools", "json")},
    "length": SCRIPTS["cut-short"],
    "content_filter": SCRIPTS["filtered"],
    "stop_sequence": Script(text="一、二、", stop_sequence="三"),
    "busy": Script(status=429, retry_after=WAIT),
    "wrong": Script(status=400),
    "unauthorized": Script(status=401),
    "late-error": Script(text=TEXT, error_after_events=4, chunk_gap=0.01),
    "cut": Script(text=TEXT, cut_after_events=4, chunk_gap=0.01),
    "malformed": Script(text=TEXT, malformed_after_events=4, chunk_gap=0.01),
    "no-end": SCRIPTS["no-end"],
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def live(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    async with (
        ScriptedProvider(api_key=PROVIDER_KEY, strict=True) as provider,
        running(tmp_path_factory.mktemp("live"), provider) as started,
    ):
        for name, script in SCRIPTED.items():
            for model in (name, f"anthropic.claude-{name}"):
                provider.responder.scripts[model] = script
        yield started


@pytest.fixture(scope="module")
def access(live: Live) -> Access:
    store = Store(f"sqlite:///{live.data_dir / 'sekisho.db'}")
    key, text = KeyService(store, Clock()).create("clients")
    store.close()
    signing = SigningSecret(live.data_dir, None)
    signing.load()
    return Access(live.url, text, key.id, signing.secret_access_key(digest(text)))


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=CLIENTS)
async def client(request: pytest.FixtureRequest, access: Access) -> AsyncIterator[Client]:
    made = CLIENTS[request.param](access)
    yield made
    await made.close()


@pytest.fixture(params=PROVIDERS)
def provider_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


streamed = pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])


# --- the books -------------------------------------------------------------------------------------


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def books(live: Live) -> AsyncIterator[None]:
    """After every test, the books hold what the provider served in it."""
    before, row = len(live.provider.served), _last_row(live)
    yield
    await live.gateway.books.generation("gen-none")  # what is in the journal alone is loaded
    served = Counter(
        (each.model, each.stream, each.usage) for each in live.provider.served[before:] if each.completed
    )
    assert Counter(_booked(live, row)) == served


def _query(live: Live, query: str, *values: Any) -> list[Any]:
    connection = sqlite3.connect(live.data_dir / "sekisho.db")
    try:
        return connection.execute(query, values).fetchall()
    finally:
        connection.close()


def _last_row(live: Live) -> int:
    return int(_query(live, "SELECT coalesce(max(rowid), 0) FROM calls")[0][0])


KINDS = ("input", "cache_read", "cache_write", "cache_write_1h", "output", "reasoning", "estimated")


def _booked(live: Live, row: int) -> Iterator[tuple[str, bool, Usage]]:
    columns = ", ".join(f"usage_{kind}" for kind in KINDS)
    found = _query(
        live,
        f"SELECT upstream_model, stream, {columns} FROM calls "
        "WHERE rowid > ? AND outcome = 'ok' AND operation = 'chat'",
        row,
    )
    for model, stream, *counts in found:
        yield model, bool(stream), Usage(**dict(zip(KINDS, (*counts[:-1], bool(counts[-1])), strict=True)))


# --- answers ---------------------------------------------------------------------------------------


def model(provider_name: str, script: str) -> str:
    return PROVIDERS[provider_name].format(script)


def said(client: Client, reason: str) -> str:
    """The client's own word for a finish reason."""
    return client.words.get(reason, client.words["stop"])


def counted(live: Live, answer: Answer) -> None:
    """The answer shows what the provider counted."""
    usage = live.provider.served[-1].usage
    assert (answer.prompt, answer.output) == (usage.prompt, usage.output)


def sent(live: Live) -> Any:
    """The last request that reached the provider."""
    return json.loads(live.provider.requests[-1].body)


def values(value: Any) -> Iterator[Any]:
    """Every text and number in a JSON value."""
    if isinstance(value, dict | list):
        for member in value.values() if isinstance(value, dict) else value:
            yield from values(member)
    else:
        yield value


@streamed
async def test_an_answer_arrives_whole_with_its_usage(
    live: Live, client: Client, provider_name: str, stream: bool
) -> None:
    ask = Ask(model=model(provider_name, "echo"), turns=(User(TEXT),), system="丁寧に。", stream=stream)
    answer = await client.ask(ask)
    assert answer.text == TEXT
    assert answer.finish == said(client, "stop")
    counted(live, answer)
    assert "丁寧に。" in values(sent(live))


@pytest.mark.parametrize("reason", ["length", "content_filter", "stop_sequence"])
@streamed
async def test_an_answer_says_why_it_ended(
    live: Live, client: Client, provider_name: str, stream: bool, reason: str
) -> None:
    stop = ("三",) if client.stops else ()
    name = model(provider_name, reason)
    answer = await client.ask(
        Ask(model=name, turns=(User("数えて"),), stop=stop, max_tokens=77, stream=stream)
    )
    unsaid = reason == "stop_sequence" and provider_name not in SAY_STOP_SEQUENCE
    assert answer.finish == said(client, "stop" if unsaid else reason)
    assert answer.text == SCRIPTED[reason].text
    counted(live, answer)
    received = list(values(sent(live)))
    assert 77 in received
    assert ("三" in received) == (client.stops and provider_name != "rsp")


@streamed
@pytest.mark.parametrize("script", ["tool", "parallel-tools"])
async def test_a_tool_loop_runs_to_its_end(
    live: Live, client: Client, provider_name: str, stream: bool, script: str
) -> None:
    tools = TOOLS if script == "parallel-tools" else TOOLS[:1]
    name = model(provider_name, script)
    question = User("東京の天気は？ What time is it?")
    first = await client.ask(Ask(model=name, turns=(question,), tools=tools, stream=stream))
    assert first.finish == said(client, "tool_calls")
    assert [call.name for call in first.calls] == [tool.name for tool in tools]
    assert len({call.id for call in first.calls}) == len(tools)
    assert list(first.calls[0].arguments) == ["city"]
    counted(live, first)
    results = Results(tuple((call, f"{call.name} の結果: 晴れ") for call in first.calls))
    turns = (question, first, results)
    last = await client.ask(Ask(model=name, turns=turns, tools=tools, stream=stream))
    assert last.text == results.of[-1][1]
    assert last.finish == said(client, "stop")
    counted(live, last)


@streamed
async def test_thinking_is_shown_and_goes_back_signed(
    live: Live, client: Client, provider_name: str, stream: bool
) -> None:
    async def ask(*turns: User | Answer) -> Answer:
        name = model(provider_name, "thinking")
        answer = await client.ask(Ask(model=name, turns=turns, thinking=True, max_tokens=4000, stream=stream))
        assert answer.text == "Hello there!"
        assert answer.thinking == (THOUGHT if client.shows_thinking else "")
        counted(live, answer)
        return answer

    first = await ask(User("hi"))
    await ask(User("hi"), first, User("またね"))
    if client.returns_signatures and provider_name in SIGNATURES:
        assert SIGNATURES[provider_name] in values(sent(live))


async def test_an_image_reaches_the_provider(live: Live, client: Client, provider_name: str) -> None:
    ask = Ask(model=model(provider_name, "echo"), turns=(User("これは何？", PIXEL),))
    assert (await client.ask(ask)).text == "これは何？"
    wanted = base64.b64encode(PIXEL).decode()
    assert wanted in [
        value.rpartition(",")[2].replace("-", "+").replace("_", "/")
        for value in values(sent(live))
        if isinstance(value, str)
    ]


async def test_structured_output_fits_its_schema(live: Live, client: Client, provider_name: str) -> None:
    wanted = schema(name="string", population="integer")
    ask = Ask(model=model(provider_name, "json"), turns=(User("a city"),), schema=wanted)
    city = json.loads((await client.ask(ask)).text)
    assert {name: type(value) for name, value in city.items()} == {"name": str, "population": int}


async def test_tokens_are_counted(client: Client, provider_name: str) -> None:
    ask = Ask(model=model(provider_name, "echo"), turns=(User("How many tokens? " * 20),))
    counted = await client.count(ask)
    assert counted is None or 60 <= counted <= 240


# --- errors ----------------------------------------------------------------------------------------


async def refused(client: Client, status: int, asked: Any) -> Any:
    """The error with this status, in the SDK's class."""
    with pytest.raises(client.errors[status]) as caught:
        await asked
    return client.told(caught.value)


@streamed
async def test_a_providers_refusal_is_the_sdks_own_exception(
    client: Client, provider_name: str, stream: bool
) -> None:
    def ask(script: str) -> Any:
        return client.ask(Ask(model=model(provider_name, script), turns=(User("x"),), stream=stream))

    busy = await refused(client, 429, ask("busy"))
    wrong = await refused(client, 400, ask("wrong"))
    failed = await refused(client, 502, ask("unauthorized"))  # the gateway's key is no fault of the client's
    assert (busy.status, wrong.status) == (429, 400)
    if provider_name == "brk":
        assert busy.retry_after is None  # AWS does not say
    else:
        assert 0 < int(busy.retry_after) <= WAIT
    assert failed.status >= 500
    for told in (busy, failed):
        assert f"provider {provider_name}" in told.message


async def test_the_gateways_refusal_is_the_sdks_own_exception(
    live: Live, client: Client, access: Access, provider_name: str
) -> None:
    missing = await refused(client, 404, client.ask(Ask(model="acme/ecko", turns=(User("x"),))))
    assert "acme/echo" in missing.message
    stranger = type(client)(Access(live.url, "sk-wrong", access.access_key_id, "wrong"))
    name = model(provider_name, "echo")
    try:
        wrong = await refused(client, 401, stranger.ask(Ask(model=name, turns=(User("x"),))))
    finally:
        await stranger.close()
    assert wrong.status in (401, 403)
    if provider_name not in client.own:
        beyond = await refused(client, 422, client.ask_beyond(name))
        assert "cannot express" in beyond.message


@pytest.mark.parametrize("script", ["late-error", "cut", "malformed", "no-end"])
async def test_a_broken_stream_never_looks_complete(client: Client, provider_name: str, script: str) -> None:
    with pytest.raises(client.broken):
        await client.ask(Ask(model=model(provider_name, script), turns=(User("x"),), stream=True))
