"""Streams that break off in the world of these tests, and the client that reads them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tests.pipeline.world import (
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

from sekisho.core.error import (
    Truncated,
)
from sekisho.core.exchange import Exchange
from sekisho.core.fold import fold
from sekisho.core.message import Part, Text
from sekisho.core.money import Price, Rates
from sekisho.core.provider import Endpoint
from sekisho.core.record import CallRecord
from sekisho.core.reply import Reply
from sekisho.core.route import Rescue, Route
from sekisho.metering.tokens import Tokens
from sekisho.pipeline.answer import Answer, Stream
from sekisho.pipeline.meter import record_call
from sekisho.testkit.laws import streams
from sekisho.wire import json, sse

PRICE = Price(base=Rates(input=1_000_000_000, output=2_000_000_000))
DEARER = Price(base=Rates(input=3_000_000_000, output=6_000_000_000))
A, B, C = endpoint("a", price=PRICE), endpoint("b", price=DEARER), endpoint("c")
CLAUDE = replace(endpoint("claude", dialect="anthropic_messages"), upstream_model="claude-sonnet-4-5")
NEWEST = replace(endpoint("claude", dialect="anthropic_messages"), upstream_model="claude-opus-4-6")
HEAD = event(choices=[{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}])
COUNTED = event(choices=[], usage={"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14})
FIRST = (HEAD, delta("The gate "), delta("stands in "))


def cut() -> Truncated:
    return Truncated("the connection was closed")


def rest(*texts: str, finish: str = "stop") -> FakeResponse:
    """A provider that goes on."""
    pieces = [delta(text).replace(b'"chatcmpl-1"', b'"second"') for text in texts]
    return FakeResponse([*pieces, delta(finish=finish), COUNTED, DONE])


def claude(*texts: str) -> FakeResponse:
    return FakeResponse(
        [anthropic({"type": "text", "text": ""}, [{"type": "text_delta", "text": t} for t in texts])]
    )


def anthropic(block: dict[str, Any], deltas: Sequence[dict[str, Any]]) -> bytes:
    usage = {"input_tokens": 11, "output_tokens": 1}
    message = {
        "id": "msg_2",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [],
        "usage": usage,
    }
    events = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": block},
        *({"type": "content_block_delta", "index": 0, "delta": each} for each in deltas),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 6}},
        {"type": "message_stop"},
    ]
    return b"".join(sse.encode(json.encode(each), str(each["type"]).encode()) for each in events)


class Client:
    """What came of a stream."""

    paused = False

    def __init__(self) -> None:
        self.shown = b""

    def write(self, data: bytes) -> None:
        self.shown += data

    async def drain(self) -> None: ...


async def read(answer: Answer) -> bytes:
    """All that the client gets. Raises the error that ends it."""
    assert isinstance(answer, Stream)
    client = Client()
    await answer.pass_on(client, client.write)
    return client.shown


async def ask(world: World, call: Exchange, targets: Route) -> Reply:
    shown = await read(await world.attempts().answer(call, plane(), targets))
    return fold(streams.read(call.dialect, [shown]))


def parts(reply: Reply) -> tuple[Part, ...]:
    return reply.choices[0].parts


def said(reply: Reply) -> str:
    return "".join(part.text for part in parts(reply) if isinstance(part, Text))


def rescuing(how: Rescue, *endpoints: Endpoint) -> Route:
    return replace(route(*endpoints, attempts=1), rescue=how)


def booked(world: World, call: Exchange, outcome: Any = "ok") -> CallRecord:
    return record_call(call, Tokens(), status=200, outcome=outcome, error_code=None, now=world.time)


def streaming(world: World, **members: Any) -> Exchange:
    members = {"stream_options": {"include_usage": True}, **members}
    return exchange(world, stream=True, **members)
