"""Clients who asked not to be told what the model thought: what is left of every golden answer."""

import re
from pathlib import Path
from typing import Any

import pytest
from tests.pipeline.breaking import COUNTED, HEAD, A, B, anthropic, cut, read
from tests.pipeline.rescues import CONVERSING, OPTIONS, prepared
from tests.pipeline.world import (
    CHAT,
    DONE,
    FakeResponse,
    World,
    delta,
    endpoint,
    event,
    exchange,
    plane,
    route,
)

from sekisho.app import DIALECTS
from sekisho.core.contract import Dialect, ReplyOptions
from sekisho.core.fold import fold
from sekisho.core.message import Image, Inline, Text
from sekisho.core.provider import Endpoint
from sekisho.core.reply import Reply
from sekisho.pipeline import translate, withhold
from sekisho.pipeline.answer import Whole
from sekisho.testkit import golden
from sekisho.testkit.laws import streams
from sekisho.wire import json

ROOT = Path(__file__).parents[1] / "golden"
WITHHELD = ReplyOptions(id=OPTIONS.id, asked=OPTIONS.asked, show_reasoning=False)
CASES = [(DIALECTS[name], case) for name in CONVERSING for case in golden.cases(ROOT, name)]
TOLD = re.compile(rb'"(reasoning(?!_tokens)\w*|thinking|thought)"')
"""Members that say what a model thought."""


def thoughts(data: bytes) -> list[bytes]:
    return TOLD.findall(data)


def shown(provider: Dialect, data: bytes, options: ReplyOptions) -> bytes:
    relay = translate.TranslateRelay(prepared(provider.name), CHAT, options)
    pieces = [relay.feed(data[at : at + 7]) for at in range(0, len(data), 7)]
    return b"".join(pieces) + relay.finish()


def same(one: Reply, other: Reply) -> bool:
    """Whether a client reads the same; texts that thinking stood between are one."""
    return CHAT.write_reply(one, OPTIONS) == CHAT.write_reply(other, OPTIONS)


@pytest.mark.parametrize(
    ("provider", "data"),
    [
        pytest.param(provider, case.stream, id=f"{provider.name}-{case.name}")
        for provider, case in CASES
        if case.stream
    ],
)
def test_a_stream_is_what_it_was_but_for_the_thinking(provider: Dialect, data: bytes) -> None:
    whole = fold(streams.read(CHAT, [shown(provider, data, OPTIONS)]))
    left = shown(provider, data, WITHHELD)
    assert same(fold(streams.read(CHAT, [left])), withhold.from_reply(whole))
    assert not thoughts(left)


@pytest.mark.parametrize(
    ("provider", "data"),
    [
        pytest.param(provider, case.reply, id=f"{provider.name}-{case.name}")
        for provider, case in CASES
        if case.reply
    ],
)
def test_so_is_a_whole_answer(provider: Dialect, data: bytes) -> None:
    facts, body = translate.rewrite(provider, CHAT, data, OPTIONS)
    fewer, left = translate.rewrite(provider, CHAT, data, WITHHELD)
    assert same(CHAT.read_reply(left), withhold.from_reply(CHAT.read_reply(body)))
    assert not thoughts(left)
    assert fewer == facts, "what was thought is paid for"


def test_images_that_belong_to_the_thinking_are_thoughts() -> None:
    source = Inline(media_type="image/png", data="AAAA")
    note = {"gemini_generate": {"thought": json.raw(value=True)}}
    assert withhold.is_thought(Image(source=source, vendor=note))
    assert not withhold.is_thought(Image(source=source))
    assert not withhold.is_thought(Text(text="x", vendor={"openai_chat": {"annotations": json.raw([])}}))


# --- through the pipeline ----------------------------------------------------------------------------

CLAUDE = endpoint("claude", dialect="anthropic_messages")
SIGNED = {"type": "signature_delta", "signature": "c2Vj"}


def claude_thinking(text: str) -> FakeResponse:
    """It thinks, and says `text`."""
    thought = anthropic(
        {"type": "thinking", "thinking": "", "signature": ""},
        [{"type": "thinking_delta", "thinking": "a secret"}, SIGNED],
    )
    said = anthropic({"type": "text", "text": ""}, [{"type": "text_delta", "text": text}])
    said = said.replace(b'"index":0', b'"index":1')
    end, start = b"event: message_delta", b"event: content_block_start"
    return FakeResponse([thought[: thought.index(end)] + said[said.index(start) :]])


def asking(world: World, *, stream: bool = False) -> Any:
    made = exchange(world, stream=stream, max_tokens=4096)
    made.show_money, made.show_reasoning = True, False
    return made


def thinking(text: str) -> bytes:
    return event(choices=[{"index": 0, "delta": {"reasoning_content": text}, "finish_reason": None}])


async def test_an_answer_that_would_pass_through_is_written_anew(world: World) -> None:
    google = {"google": {"thought_signature": "c2lnbmVk"}}
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {
        "role": "assistant",
        "content": "Hakone.",
        "reasoning": "secret",
        "reasoning_details": [{"type": "reasoning.new", "blob": "secret"}],
        "thinking_blocks": [{"thinking": "secret"}],
        "tool_calls": [{**call, "extra_content": google}],
    }
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls", "token_ids": ["secret"]}
    choice["logprobs"] = {"content": [{"token": "secret", "logprob": -1}]}
    usage = {"prompt_tokens": 7, "completion_tokens": 30, "total_tokens": 37}
    usage |= {"completion_tokens_details": {"reasoning_tokens": 20}}
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    world.answers("a", FakeResponse([json.encode({**body, "usage": usage})]))
    made = asking(world)
    answer = await world.attempts().answer(made, plane(), route(A))
    assert isinstance(answer, Whole)
    assert b"secret" not in answer.body
    told = json.decode(answer.body)
    assert told["choices"][0]["message"] == {
        "role": "assistant",
        "content": "Hakone.",
        "refusal": None,
        "tool_calls": [{**call, "extra_content": google}],
    }
    assert told["usage"]["completion_tokens_details"]["reasoning_tokens"] == 20
    assert world.sent[0].members.keys() == {"model", "messages", "stream", "max_tokens"}
    assert made.facts.usage is not None
    assert made.facts.usage.reasoning == 20


@pytest.mark.parametrize("said", ["", "The gate stands in "], ids=["in-its-thinking", "in-its-text"])
@pytest.mark.parametrize("second", [B, CLAUDE], ids=["chat", "claude"])
async def test_who_goes_on_with_a_stream_tells_no_thoughts_either(
    world: World, said: str, second: Endpoint
) -> None:
    begun = [HEAD, thinking("a secret"), *([delta(said)] if said else []), cut()]
    world.answers("a", FakeResponse(begun))
    rest = "The gate stands in Hakone."[len(said) :]
    pieces = [thinking("a secret"), delta(rest), thinking("a late secret"), delta(finish="stop")]
    world.answers("b", FakeResponse([*pieces, COUNTED, DONE]))
    world.answers("claude", claude_thinking(rest))
    made = asking(world, stream=True)
    data = await read(await world.attempts().answer(made, plane(), route(A, second, attempts=1)))
    assert not thoughts(data)
    assert b"secret" not in data
    (choice,) = fold(streams.read(CHAT, [data])).choices
    assert choice.parts == (Text(text="The gate stands in Hakone."),)
    assert world.asked == ["a", second.provider.name]
