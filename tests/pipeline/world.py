"""What the pipeline knows of the world, as values: providers that answer by a script, and a clock that only
moves when somebody waits."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from sekisho.core.clock import Clock
from sekisho.core.contract import Entry
from sekisho.core.error import UpstreamError
from sekisho.core.exchange import Exchange
from sekisho.core.operation import Operation
from sekisho.core.pace import Pace
from sekisho.core.provider import Auth, Endpoint, Provider
from sekisho.core.route import RetryPolicy, Route, Snapshot, Target, Timeouts
from sekisho.dialects import anthropic_messages, openai_chat
from sekisho.pipeline.attempts import Attempts
from sekisho.pipeline.prepare import Plane
from sekisho.pipeline.steps.identify import identify
from sekisho.pipeline.steps.parse import parse
from sekisho.routing.board import Board
from sekisho.upstream.client import Client
from sekisho.wire import json

DIALECTS = {each.name: each for each in (openai_chat.DIALECT, anthropic_messages.DIALECT)}
CHAT, MESSAGES = openai_chat.DIALECT, anthropic_messages.DIALECT
USER = [{"role": "user", "content": "関所はどこですか"}]

ANSWER = json.encode(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "Hakone."}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }
)


def event(**members: Any) -> bytes:
    return b"data: " + json.encode({"id": "chatcmpl-1", "model": "m", **members}) + b"\n\n"


def delta(text: str | None = None, finish: str | None = None) -> bytes:
    said = {} if text is None else {"content": text}
    return event(choices=[{"index": 0, "delta": said, "finish_reason": finish}])


COUNTED = event(choices=[], usage={"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10})
DONE = b"data: [DONE]\n\n"
COMMENT = b": still here\n\n"
STREAM = (delta("Hako"), delta("ne."), delta(finish="stop"), COUNTED, DONE)


class World:
    """The clock, who waited how long, and the client: a fake of the port to providers."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.waits: list[float] = []
        self.clock = Clock(now=lambda: 1_700_000_000.0 + self.time, monotonic=lambda: self.time)
        self.scripts: dict[str, list[FakeResponse | UpstreamError]] = {}
        self.sent: list[Sent] = []
        self.board = Board(self.clock.monotonic)
        self._attempts = Attempts(cast(Client, self), self.clock, NoJitter(), self.board)

    async def sleep(self, seconds: float) -> None:
        """Stands in for asyncio.sleep."""
        self.waits.append(seconds)
        self.time += seconds

    def answers(self, provider: str, *script: "FakeResponse | UpstreamError") -> None:
        """What the provider does, call by call. Another call is a failure of the test."""
        self.scripts[provider] = list(script)

    async def send(
        self, origin: Any, head: bytes, body: bytes, timeouts: Timeouts, deadline: float, sent: Any = None
    ) -> "FakeResponse":
        provider = origin.host.removesuffix(".test")
        self.sent.append(Sent(provider, head, body, timeouts, deadline))
        if sent is not None:
            sent()
        answer = self.scripts[provider].pop(0)
        if isinstance(answer, UpstreamError):
            self.time += answer.__dict__.get("takes", 0.0)
            raise answer
        answer.world = self
        answer.first_by = self.time + timeouts.first_token
        return answer

    @property
    def asked(self) -> list[str]:
        return [sent.provider for sent in self.sent]

    def attempts(self) -> Attempts:
        """The same for the life of this world: what it learns of providers stays."""
        return self._attempts


class NoJitter(random.Random):
    def uniform(self, a: float, b: float) -> float:
        return a


@dataclass
class Sent:
    provider: str
    head: bytes
    body: bytes
    timeouts: Timeouts
    deadline: float

    @property
    def members(self) -> Any:
        return json.decode(self.body)


@dataclass
class FakeResponse:
    """Pieces come `gap` seconds apart; an error among them is raised; after the last one the body ends."""

    pieces: Sequence[bytes | UpstreamError] = (ANSWER,)
    status: int = 200
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    gap: float = 0.0
    closed: bool = False
    first_by: float = 0.0
    pace: Pace = field(default_factory=Pace)
    world: World | None = None

    def __post_init__(self) -> None:
        self._left = list(self.pieces)

    async def chunk(self, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - as Response has it
        assert not self.closed
        assert self.world is not None
        self.world.time += self.gap
        piece = self._left.pop(0) if self._left else b""
        if isinstance(piece, UpstreamError):
            raise piece
        return piece

    def header(self, name: bytes) -> bytes | None:
        return dict(self.headers).get(name)

    async def read(self, limit: int) -> bytes:
        pieces = []
        while piece := await self.chunk():
            pieces.append(piece)
        return b"".join(pieces)

    def close(self) -> None:
        self.closed = True


def later(error: UpstreamError, seconds: float) -> UpstreamError:
    """An error that comes only after so long."""
    error.__dict__["takes"] = seconds
    return error


def endpoint(
    provider: str, *, dialect: str = "openai_chat", base_url: str | None = None, **more: Any
) -> Endpoint:
    quirks = more.pop("quirks", ())
    made = Provider(
        name=provider,
        row="test",
        label=provider,
        dialect=dialect,
        base_url=base_url or f"http://{provider}.test/v1",
        auth=Auth("none"),
    )
    return Endpoint(model=f"acme/{provider}", provider=made, upstream_model="m", quirks=quirks, **more)


def route(*endpoints: Endpoint, attempts: int = 2, timeouts: Timeouts | None = None) -> Route:
    return Route(
        name="acme/model",
        targets=tuple(map(Target, endpoints)),
        timeouts=timeouts or Timeouts(),
        retry=RetryPolicy(attempts=attempts),
    )


def plane(environment: Mapping[str, str] | None = None) -> Plane:
    return Plane(Snapshot(routes={}), DIALECTS, environment or {})


def exchange(
    world: World,
    *,
    dialect: Any = CHAT,
    operation: Operation = Operation.CHAT,
    headers: Sequence[tuple[bytes, bytes]] = (),
    **members: Any,
) -> Exchange:
    """A call that has passed the steps."""
    body = {"model": "acme/model", "messages": USER, **members}
    made = Exchange(
        id="gen-1",
        dialect=dialect,
        entry=Entry(operation),
        headers=headers,
        named=dict(reversed(headers)),
        body=json.encode(body),
        started=world.clock.now(),
        began=world.clock.monotonic(),
    )
    parse(made)
    identify(made)
    return made
