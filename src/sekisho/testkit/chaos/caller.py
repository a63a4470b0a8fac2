"""A client of the gateway that notices everything: what it got, and whether it was whole."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from sekisho.core.contract import Dialect, TargetFacts
from sekisho.core.error import Malformed, UpstreamError
from sekisho.core.event import Event
from sekisho.core.fold import Fold
from sekisho.core.message import Message, Text
from sekisho.core.operation import Operation
from sekisho.core.reply import FinishReason, Reply
from sekisho.core.request import Request
from sekisho.core.route import Timeouts
from sekisho.core.usage import Usage
from sekisho.dialects import anthropic_messages, gemini_generate, openai_chat, openai_responses
from sekisho.upstream.client import Client
from sekisho.upstream.head import CONTENT_TYPE, build_head
from sekisho.upstream.origin import Origin
from sekisho.upstream.response import Response

Kind = Literal["chat", "messages", "responses", "gemini"]
DIALECTS: Mapping[Kind, Dialect] = {
    "chat": openai_chat.DIALECT,
    "messages": anthropic_messages.DIALECT,
    "responses": openai_responses.DIALECT,
    "gemini": gemini_generate.DIALECT,
}
MOST_TOKENS = 2000
PROMPT = "Tell me of the gates, and leave none out."
MOST = 16 * 1024 * 1024


@dataclass(slots=True)
class Heard:
    """What a client got for one call."""

    call_id: str = ""
    status: int = 0
    provider: str = ""
    """As the answer's header names it."""
    text: str = ""
    usage: Usage | None = None
    finish: FinishReason | None = None
    """Of a complete answer, by everything that the API says; None: there was none."""
    error: str = ""
    """The message of an error in the API's own shape, in place of an answer or at its end."""
    broken: str = ""
    """What was neither."""
    seconds: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    kind: Kind
    request: Request
    patience: float
    """Seconds after which the client leaves."""
    headers: Sequence[tuple[str, str]] = ()
    prefix: str | None = None
    """Of the path; None: the API's own."""


class Caller:
    def __init__(self, port: int, key: str):
        self._client = Client()
        self._origin = Origin("http", "127.0.0.1", port)
        self._key = key

    async def ask(self, kind: Kind, model: str, *, stream: bool, patience: float) -> Heard:
        """Make one call; after `patience` seconds it counts as hanging. Raises nothing."""
        return await self.make(Call(kind, request(model, PROMPT, stream=stream), patience))

    async def make(self, call: Call) -> Heard:
        """The same of any call."""
        heard, began, patience = Heard(), time.monotonic(), call.patience
        try:
            async with asyncio.timeout(patience):
                await self._make(heard, call)
        except TimeoutError:
            heard.broken = f"it hangs: no end after {patience:.0f} s"
        except UpstreamError as error:  # of the connection to the gateway, or of what came over it
            heard.broken = error.message
        heard.seconds = time.monotonic() - began
        return heard

    async def close(self) -> None:
        await self._client.close()

    async def _make(self, heard: Heard, call: Call) -> None:
        dialect, request = DIALECTS[call.kind], call.request
        headers = [
            CONTENT_TYPE,
            ("authorization", f"Bearer {self._key}"),
            ("anthropic-version", "2023-06-01"),
            *call.headers,
        ]
        path = dialect.upstream_path(Operation.CHAT, request.model, request.stream) or ""
        prefix = dialect.prefixes[0] if call.prefix is None else call.prefix
        head = build_head("POST", prefix + path, self._origin, headers)
        body = dialect.write_request(request, TargetFacts(request.model)).body
        limits = Timeouts(call.patience, call.patience, call.patience, call.patience)
        deadline = time.monotonic() + 2 * call.patience
        response = await self._client.send(self._origin, head, body, limits, deadline)
        try:
            heard.status = response.status
            heard.headers = {name.decode(): value.decode("latin-1") for name, value in response.headers}
            heard.call_id = heard.headers.get("x-generation-id", "")
            heard.provider = heard.headers.get("x-sekisho-provider", "")
            if response.status != 200:
                _refusal(heard, await response.read(MOST))
            elif request.stream:
                await _stream(heard, dialect, response)
            else:
                _take(heard, dialect.read_reply(await response.read(MOST)))
        finally:
            response.close()


def request(model: str, prompt: str, *, stream: bool) -> Request:
    messages = (Message(role="user", parts=(Text(text=prompt),)),)
    return Request(
        model=model, messages=messages, max_tokens=MOST_TOKENS, stream=stream, include_usage=stream
    )


def _refusal(heard: Heard, body: bytes) -> None:
    try:
        heard.error = str(msgspec.json.decode(body)["error"]["message"])
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
        heard.broken = f"status {heard.status} with a body that is no error of the API"


async def _stream(heard: Heard, dialect: Dialect, response: Response) -> None:
    reader, result = dialect.stream_reader(), Fold()
    while data := await response.chunk():
        try:
            _add(result, reader.feed(data))
        except Malformed:
            raise
        except UpstreamError as error:  # an error event
            heard.error = error.message or error.code
            return
    _add(result, reader.finish())
    _take(heard, result.reply())


def _add(result: Fold, events: Sequence[Event]) -> None:
    for event in events:
        result.add(event)


def _take(heard: Heard, reply: Reply) -> None:
    if len(reply.choices) != 1:
        raise Malformed(f"an answer of {len(reply.choices)} choices")
    parts = reply.choices[0].parts
    heard.text = "".join(part.text for part in parts if isinstance(part, Text))
    heard.usage = reply.usage
    heard.finish = reply.choices[0].finish.reason
