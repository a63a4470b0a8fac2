"""Different dialects: read into the hub, written from there.

Answers of the client's own dialect as well, where what the model thought is left out of them.
"""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from sekisho.core.contract import Dialect, Facts, LooseEnd, ReplyOptions
from sekisho.core.event import End, Event, Start, TextDelta
from sekisho.core.message import Reasoning, Refusal, Text, ToolCall
from sekisho.core.reply import Reply
from sekisho.core.request import Request
from sekisho.core.usage import Usage
from sekisho.pipeline import provenance, withhold
from sekisho.pipeline.adapt import Adaptation
from sekisho.pipeline.answer import Relay
from sekisho.pipeline.prepare import Prepared
from sekisho.pipeline.thread import Thread
from sekisho.wire import json

_Named = TypeVar("_Named", Reply, Start)


class Translation:
    """One request on its way to a provider of another dialect.

    Raises Unsupported, naming content that the provider's dialect cannot express, unless the route allows it.
    """

    __slots__ = ("_client", "_prepared", "body", "dropped", "header_lines", "show_usage")

    def __init__(self, request: Request, prepared: Prepared, client: Dialect, adaptation: Adaptation):
        opened, signatures = provenance.open_request(request, client.name, prepared.dialect.name)
        written = prepared.dialect.write_request(opened, prepared.facts)
        self._prepared = prepared
        self._client = client
        self.body = written.body
        self.dropped = adaptation.dropped(written.losses, signatures)
        self.show_usage = request.include_usage
        written_lines = "".join(f"{name}: {value}\r\n" for name, value in written.headers)
        self.header_lines = prepared.default_lines + written_lines.encode()
        if adaptation.due:
            members = json.members(written.body)
            self.dropped += adaptation.adapt(members)
            self.body = json.encode(members)

    def whole(self, body: bytes, options: ReplyOptions) -> tuple[Facts, bytes]:
        return rewrite(self._prepared.dialect, self._client, body, options)

    def relay(self, options: ReplyOptions) -> Relay:
        return TranslateRelay(self._prepared, self._client, options)


def rewrite(provider: Dialect, client: Dialect, body: bytes, options: ReplyOptions) -> tuple[Facts, bytes]:
    """A whole answer as its client is to read it: (facts, body). Raises UpstreamError."""
    reply = provider.read_reply(body)
    shown = reply if options.show_reasoning else withhold.from_reply(reply)
    if provider is not client:
        shown = provenance.seal_reply(shown, provider.name)
    return _facts(reply), client.write_reply(_named(shown, options), options)


def _named(answer: _Named, options: ReplyOptions) -> _Named:
    """The answer with our id, and the name that the client asked for, where its provider gave it none."""
    if answer.id and answer.model:
        return answer
    return msgspec.structs.replace(answer, id=answer.id or options.id, model=answer.model or options.asked)


def _facts(reply: Reply) -> Facts:
    facts = Facts(usage=reply.usage, model=reply.model, upstream_id=reply.id, service_tier=reply.service_tier)
    if reply.choices:
        finish = reply.choices[0].finish
        facts.finish = finish.native or finish.reason
    for choice in reply.choices:
        for part in choice.parts:
            if isinstance(part, Text | Reasoning | Refusal):
                facts.produced(part.text)
            elif isinstance(part, ToolCall):
                facts.produced(part.arguments)
    return facts


class TranslateRelay:
    """Provider's events in, client's events out."""

    __slots__ = (
        "_client",
        "_needs_done",
        "_options",
        "_reader",
        "_shown",
        "_thread",
        "_writer",
        "complete",
        "facts",
        "started",
    )

    def __init__(self, prepared: Prepared, client: Dialect, options: ReplyOptions):
        self._reader = prepared.dialect.stream_reader()
        seal = list if prepared.dialect is client else provenance.StreamSealer(prepared.dialect.name).seal
        self._shown: withhold.Pass = seal if options.show_reasoning else withhold.Withholder(seal).take
        self._writer = client.stream_writer(options)
        self._client = client
        self._options = options
        self._needs_done = prepared.quirks.needs_done
        self._thread: Thread | None = None
        self.facts = Facts()
        self.started = False
        self.complete = False

    def keep(self) -> None:
        self._thread = Thread()

    def loose_end(self) -> LooseEnd | None:
        if self._thread is None:
            return None
        return self._thread.loose_end(self._writer, thinking=self._client.thinking_breaks_off)

    def feed(self, data: bytes) -> bytes:
        return self._write(self._reader.feed(data))

    def finish(self) -> bytes:
        if self.complete:
            return b""
        return self._write(self._reader.finish(needs_terminator=self._needs_done))

    def conclude(self, usage: Usage) -> bytes:
        *events, end = self._reader.finish(needs_terminator=False)
        if isinstance(end, End) and end.usage is None:
            end = msgspec.structs.replace(end, usage=usage)
        return self._write([*events, end])

    def _write(self, events: Sequence[Event]) -> bytes:
        if not events:
            return b""
        self.started = True
        for event in events:
            note(self.facts, event)
        self.complete = isinstance(events[-1], End)
        shown = self._shown(events)
        if shown and isinstance(shown[0], Start):
            shown[0] = _named(shown[0], self._options)
        if self._thread is not None:
            self._thread.follow(shown)
        return self._writer.write(shown)


def note(facts: Facts, event: Event) -> None:
    """What metering reads off an event of a stream."""
    if isinstance(event, TextDelta):
        facts.produced(event.text)
    elif isinstance(event, Start):
        facts.model = event.model
        facts.upstream_id = event.id
        facts.usage = event.usage
    elif isinstance(event, End):
        if event.usage is not None:
            facts.usage = event.usage
        facts.service_tier = event.service_tier
        if event.finishes:
            finish = event.finishes[0]
            facts.finish = finish.native or finish.reason
