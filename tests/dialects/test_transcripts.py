"""Conversations as assistants with tools lead them, turn by turn: each request is the one before and a turn
more. They arrive in every dialect, their beginnings stay byte for byte, and what a provider signed comes back
to it through clients of every dialect."""

import re
from collections.abc import Iterator
from itertools import pairwise, permutations
from pathlib import Path

import msgspec
import pytest

from sekisho.app import DIALECTS
from sekisho.core.contract import Dialect, Members, TargetFacts
from sekisho.core.fold import fold
from sekisho.core.message import Message, Part, ToolCall
from sekisho.core.reply import Reply
from sekisho.core.request import Request
from sekisho.pipeline import provenance
from sekisho.testkit import golden
from sekisho.testkit.golden import Case
from sekisho.testkit.laws import conservation, content, replies, requests, streams
from sekisho.wire.json import members

ROOT = Path(__file__).parents[1] / "golden" / "transcripts"
NAMES = sorted(folder.name for folder in ROOT.iterdir())
TAKEN = frozenset(
    (
        "reasoning_details",
        "reasoning_content",
        "thought_signature",
        "tool_images",
        "cache_control",
        "signature",
    )
)
"""Members that servers of OpenAI's family take beyond OpenAI's, where they pass other models' thinking on."""
NO_TEXT_NO_PLACE = frozenset(("gemini_generate",))
"""APIs without a place for thinking of which no text is shown: their clients get none, and send none back."""
GROWING = ("messages", "contents", "input")
_ONE_TEXT = re.compile(rb'"content":\[\{(?:"type":"text",)?"text":("(?:[^"\\]|\\.)*")\}\]\}$')


def cases(dialect: str) -> list[Case]:
    return golden.cases(ROOT, dialect)


def body_of(case: Case) -> bytes:
    assert case.request is not None
    return case.request


def reply_of(dialect: Dialect, case: Case) -> Reply:
    if case.stream is not None:
        return fold(streams.read(dialect, [case.stream]))
    assert case.reply is not None
    return dialect.read_reply(case.reply)


every = pytest.mark.parametrize("name", NAMES)
pairs = pytest.mark.parametrize(("source", "target"), [*permutations(NAMES, 2)])


@every
def test_every_turn_survives_its_own_dialect(name: str) -> None:
    dialect = DIALECTS[name]
    for case in cases(name):
        body = body_of(case)
        requests.round_trip(dialect, body)
        requests.idempotent(dialect, requests.read(dialect, body))
        requests.spliced(dialect, body)
        if case.reply is not None:
            replies.round_trip(dialect, case.reply)
            replies.tapped(dialect, case.reply)
        if case.stream is not None:
            streams.round_trip(dialect, case.stream)
            streams.tapped(dialect, case.stream)
            streams.split_invariant(dialect, case.stream, range(0, len(case.stream), 7))


@every
def test_each_request_is_the_one_before_the_answer_and_a_turn_more(name: str) -> None:
    dialect = DIALECTS[name]
    for earlier, later in pairwise(cases(name)):
        before, after = (_without_marks(requests.read(dialect, body_of(case))) for case in (earlier, later))
        said = _said(after.messages[: len(before.messages)])
        assert said == _said(before.messages)
        answered = after.messages[len(before.messages)]
        assert answered.role == "assistant"
        lost = content.missing(
            content.of_parts(reply_of(dialect, earlier).choices[0].parts), content.of_parts(answered.parts)
        )
        assert not lost


@pairs
def test_every_turn_arrives_in_every_other_dialect_or_its_losses_are_named(source: str, target: str) -> None:
    for case in cases(source):
        conservation.request(DIALECTS[source], DIALECTS[target], body_of(case))
        if case.reply is not None:
            conservation.reply(DIALECTS[source], DIALECTS[target], case.reply)
        if case.stream is not None:
            conservation.stream(DIALECTS[source], DIALECTS[target], case.stream)


# --- beginnings stay --------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["pass", "auto"])
@pytest.mark.parametrize(("source", "target"), [(one, other) for one in NAMES for other in NAMES])
def test_what_was_said_before_stays_byte_for_byte_in_the_next_request(
    source: str, target: str, policy: str
) -> None:
    bodies = [_sent(DIALECTS[source], DIALECTS[target], body_of(case), policy) for case in cases(source)]
    _grows(bodies)


def _sent(client: Dialect, provider: Dialect, body: bytes, policy: str) -> Members:
    """The request of a client as it reaches a provider, without the marks that move from turn to turn: they
    are no part of what a provider compares."""
    if client is provider:
        found = members(body)
    else:
        opened, _ = provenance.open_request(requests.read(client, body), client.name, provider.name)
        found = members(provider.write_request(opened, _target(opened)).body)
    if policy == "auto":
        provider.cache_marks.place(found, _target())
    before = dict(found)
    provider.cache_marks.strip(found)
    marked = policy == "auto" and provider.name != "gemini_generate"  # which caches by itself
    assert found != before or not marked
    return found


def _target(request: Request | None = None) -> TargetFacts:
    model = request.model if request else "author/model"
    return TargetFacts(model=model, max_output=32_000, extensions=TAKEN | {"prompt_cache_key"})


def _grows(bodies: list[Members]) -> None:
    for before, after in pairwise(bodies):
        for name in (before.keys() | after.keys()) - {*GROWING, "stream", "stream_options"}:
            assert before.get(name) == after.get(name), f"{name} changed: {before.get(name)!r}"
        for name in before.keys() & {*GROWING}:
            earlier, later = _items(before[name]), _items(after[name])
            assert earlier == later[: len(earlier)]


def _items(raw: msgspec.Raw) -> list[bytes]:
    """White space between tokens is nobody's business, and a content of one text may be the text alone, as it
    is written where no mark has to stand beside it."""
    items = msgspec.json.decode(msgspec.json.format(bytes(raw), indent=-1), type=list[msgspec.Raw])
    return [_ONE_TEXT.sub(rb'"content":\1}', bytes(item)) for item in items]


# --- signatures come back ---------------------------------------------------------------------------


@pairs
def test_what_a_provider_signed_comes_back_to_it_through_clients_of_every_dialect(
    source: str, target: str
) -> None:
    """`source` is the provider's dialect, `target` the client's: it sends back what it got, and no more."""
    provider, client = DIALECTS[source], DIALECTS[target]
    bodies: list[Members] = []
    heard: list[tuple[Part, ...]] = []
    for case in cases(source):
        asked = requests.read(provider, body_of(case))
        asked = msgspec.structs.replace(asked, messages=tuple(_as_heard(asked.messages, heard)))
        sent = client.write_request(asked, _target(asked))
        read = requests.read(client, sent.body, asked)
        opened, lost = provenance.open_request(read, client.name, provider.name)
        assert lost == ()
        written = provider.write_request(opened, _target(opened))
        found = members(written.body)
        provider.cache_marks.strip(found)
        bodies.append(found)
        there = requests.read(provider, written.body)
        _signed_as_before(requests.read(provider, body_of(case)), there, client.name)
        if case.stream is not None:
            heard.append(_streamed(provider, client, case.stream))
    _grows(bodies)


def _streamed(provider: Dialect, client: Dialect, stream: bytes) -> tuple[Part, ...]:
    """What a client makes of the provider's stream."""
    sealer = provenance.StreamSealer(provider.name)
    sealed = sealer.seal(streams.read(provider, [stream]))
    return fold(streams.read(client, [streams.write(client, sealed)])).choices[0].parts


def _as_heard(messages: tuple[Message, ...], heard: list[tuple[Part, ...]]) -> Iterator[Message]:
    """The conversation with the assistant's turns, and the ids of calls, as the client got them."""
    turns = iter(heard)
    ids: dict[str, str] = {}
    for message in messages:
        if message.role != "assistant":
            yield msgspec.structs.replace(message, parts=tuple(_renamed(part, ids) for part in message.parts))
            continue
        parts = next(turns)
        calls = [part for part in message.parts if isinstance(part, ToolCall)]
        got = [part for part in parts if isinstance(part, ToolCall)]
        ids |= {call.id: other.id for call, other in zip(calls, got, strict=True)}
        yield msgspec.structs.replace(message, parts=parts)


def _renamed(part: Part, ids: dict[str, str]) -> Part:
    call_id = getattr(part, "call_id", None)
    return part if call_id is None else msgspec.structs.replace(part, call_id=ids[call_id])


def _signed_as_before(sent: Request, there: Request, client: str) -> None:
    """`there` is what reached the provider of what it once signed."""
    kinds = {"signature", "redacted reasoning"} - (
        {"redacted reasoning"} if client in NO_TEXT_NO_PLACE else set()
    )
    before, after = (
        [fact.value for fact in content.of_request(request) if fact.kind in kinds]
        for request in (sent, there)
    )
    assert after == before


def _said(messages: tuple[Message, ...]) -> list[str]:
    return [f"{fact.kind} {fact.value}" for fact in content.of_request(Request(model="", messages=messages))]


def _without_marks(request: Request) -> Request:
    """Marks of what to cache move on from turn to turn."""
    return msgspec.structs.replace(
        request,
        messages=tuple(
            msgspec.structs.replace(
                message, parts=tuple(msgspec.structs.replace(part, cache=None) for part in message.parts)
            )
            for message in request.messages
        ),
    )
