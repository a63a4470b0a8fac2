"""One stream out of two: the beginning as a provider sent it, the rest as another one goes on."""

from collections.abc import Sequence
from dataclasses import dataclass

from sekisho.app import DIALECTS
from sekisho.core.contract import Dialect, Facts, LooseEnd, ReplyOptions
from sekisho.core.error import UpstreamError
from sekisho.core.fold import fold, unfold
from sekisho.core.message import Part, Text
from sekisho.core.provider import Auth, Endpoint, Provider
from sekisho.core.reply import Choice, Finish, Reply
from sekisho.core.route import Snapshot
from sekisho.core.usage import Usage
from sekisho.pipeline.answer import Relay
from sekisho.pipeline.continuation import Continuation
from sekisho.pipeline.ends import Stops
from sekisho.pipeline.overlap import Overlap
from sekisho.pipeline.prepare import Plane, Prepared
from sekisho.pipeline.splice import SpliceRelay
from sekisho.pipeline.translate import TranslateRelay
from sekisho.testkit.laws import streams

CONVERSING = (
    "openai_chat",
    "anthropic_messages",
    "bedrock_converse",
    "gemini_generate",
    "openai_responses",
)
OPTIONS = ReplyOptions(id="gen-1", asked="acme/model")
USAGE = Usage(input=7, output=4000, estimated=True)
SECOND = "the-second-one"
_PLANE = Plane(Snapshot(routes={}), DIALECTS, {})


def prepared(dialect: str) -> Prepared:
    """An endpoint whose provider speaks it."""
    provider = Provider(
        name=dialect,
        row="test",
        label=dialect,
        dialect=dialect,
        base_url=f"http://{dialect.replace('_', '-')}.test/v1",
        auth=Auth("none"),
    )
    return _PLANE.prepared(Endpoint(model="acme/model", provider=provider, upstream_model="m"), dialect)


@dataclass
class Broken:
    """A relay that was cut off, and what its client has."""

    relay: Relay
    shown: bytes
    client: Dialect

    def loose_end(self) -> LooseEnd | None:
        return None if self.relay.facts.finish is not None else self.relay.loose_end()


def spliced(dialect: Dialect, data: bytes) -> Broken:
    relay = SpliceRelay(dialect.tap(OPTIONS), needs_done=True)
    relay.keep()
    return Broken(relay, _fed(relay, data), dialect)


def translated(provider: Dialect, client: Dialect, data: bytes) -> Broken:
    relay = TranslateRelay(prepared(provider.name), client, OPTIONS)
    relay.keep()
    return Broken(relay, _fed(relay, data), client)


def _fed(relay: Relay, data: bytes) -> bytes:
    try:
        return relay.feed(data)
    except UpstreamError:
        return b""  # what was made of the events before it is `unsent`


def gone_on(broken: Broken, end: LooseEnd, provider: str, parts: Sequence[Part]) -> bytes:
    """All that the client gets if that provider goes on with these parts."""
    first = [Text(text="")] if provider == "anthropic_messages" and not parts else []
    answer = Reply(
        id="second-1",
        model=SECOND,
        choices=(Choice(parts=(*first, *parts), finish=Finish(reason="stop")),),
        usage=Usage(input=9, output=9),
    )
    data = streams.write(DIALECTS[provider], unfold(answer))
    overlap = Overlap(end.text, prefilled=True)
    relay = Continuation(end, overlap, Stops(end.text, ()), prepared(provider), broken.client, _seen)
    rest = relay.feed(data)
    if not relay.complete:
        rest += relay.finish()
    return broken.shown + rest


def _seen(facts: Facts) -> Usage:
    assert facts.usage is not None
    return USAGE


def reply_of(dialect: Dialect, data: bytes) -> Reply:
    """What a client makes of a stream. Fails the test where it is not well formed."""
    return fold(streams.read(dialect, [data]))


def text_of(reply: Reply) -> str:
    return "".join(part.text for choice in reply.choices for part in choice.parts if isinstance(part, Text))
