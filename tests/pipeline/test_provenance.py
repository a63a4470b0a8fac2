"""Signatures on their way through clients that know nothing of them."""

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.core.event import Event, PartEnd, PartStart, SignatureDelta, TextDelta
from sekisho.core.fold import fold, unfold
from sekisho.core.message import Message, Part, Reasoning, RedactedReasoning, Text, ToolCall, ToolResult
from sekisho.core.reply import Choice, Finish, Reply
from sekisho.core.request import Request
from sekisho.pipeline import provenance
from sekisho.pipeline.provenance import MARK, StreamSealer, open_request, seal_reply

MAKER, CLIENT, OTHER = "gemini_generate", "openai_chat", "anthropic_messages"

IDS = st.text(st.sampled_from("abcXYZ019_-"), max_size=20) | st.just(f"call_1{MARK}")
SIGNATURES = st.text(min_size=1, max_size=40) | st.binary(min_size=1).map(
    lambda b: base64.b64encode(b).decode()
)
CALLS = st.builds(
    ToolCall, id=IDS, name=st.just("f"), arguments=st.just("{}"), signature=st.none() | SIGNATURES
)
PARTS: st.SearchStrategy[Part] = st.one_of(
    st.builds(Text, text=st.text(max_size=5)),
    st.builds(Reasoning, text=st.text(max_size=5), signature=st.none() | SIGNATURES),
    st.builds(RedactedReasoning, data=SIGNATURES),
    CALLS,
)
REPLIES = st.lists(PARTS, min_size=1, max_size=5).map(lambda parts: reply(*parts))


def reply(*parts: Part) -> Reply:
    return Reply(id="r", model="m", choices=(Choice(parts=parts, finish=Finish(reason="stop")),))


def sent_back(answer: Reply) -> Request:
    """The next turn of a client that keeps what it was given, and answers every call."""
    parts = answer.choices[0].parts
    results = tuple(ToolResult(call_id=part.id, parts=()) for part in parts if isinstance(part, ToolCall))
    return Request(
        model="m",
        messages=(
            Message(role="assistant", parts=parts),
            Message(role="user", parts=(*results, Text(text="?"))),
        ),
    )


def bare(answer: Reply) -> Reply:
    """Without whatever proves who made it."""
    kept = [strip(part) for part in answer.choices[0].parts if not isinstance(part, RedactedReasoning)]
    return reply(*kept)


def strip(part: Part) -> Part:
    if isinstance(part, Reasoning):
        return Reasoning(text=part.text)
    if isinstance(part, ToolCall):
        return ToolCall(id=part.id, name=part.name, arguments=part.arguments)
    return part


@given(REPLIES)
def test_what_comes_back_to_its_maker_is_as_it_was_made(answer: Reply) -> None:
    opened, lost = open_request(sent_back(seal_reply(answer, MAKER)), CLIENT, MAKER)
    expected = list(answer.choices[0].parts)
    assert list(opened.messages[0].parts) == expected
    assert [part.call_id for part in opened.messages[1].parts if isinstance(part, ToolResult)] == [
        part.id for part in expected if isinstance(part, ToolCall)
    ]
    assert lost == ()


@given(REPLIES, st.sampled_from([CLIENT, OTHER]))
def test_what_goes_to_another_keeps_its_words_and_loses_its_signatures(answer: Reply, target: str) -> None:
    opened, lost = open_request(sent_back(seal_reply(answer, MAKER)), CLIENT, target)
    expected = bare(answer).choices[0].parts
    assert opened.messages[0].parts == expected if expected else len(opened.messages) == 1
    results = [part.call_id for part in opened.messages[-1].parts if isinstance(part, ToolResult)]
    assert results == [part.id for part in expected if isinstance(part, ToolCall)]
    signed = [
        f"messages.0.parts.{index}.signature"
        for index, part in enumerate(answer.choices[0].parts)
        if part != strip(part) or isinstance(part, RedactedReasoning)
    ]
    assert [loss.field for loss in lost] == signed
    assert not any(loss.content for loss in lost)


@given(REPLIES)
def test_what_is_not_sealed_belongs_to_the_clients_own_dialect(answer: Reply) -> None:
    request = sent_back(answer)
    assert open_request(request, CLIENT, CLIENT) == (request, ())
    opened, _ = open_request(request, CLIENT, OTHER)
    expected = bare(answer).choices[0].parts
    assert opened.messages[0].parts == expected if expected else len(opened.messages) == 1


@given(REPLIES)
def test_a_chain_of_gateways_opens_its_own_seals_only(answer: Reply) -> None:
    twice = seal_reply(seal_reply(answer, MAKER), OTHER)
    once, _ = open_request(sent_back(twice), CLIENT, OTHER)
    opened, lost = open_request(once, OTHER, MAKER)
    assert opened.messages[0].parts == answer.choices[0].parts
    assert lost == ()


@given(SIGNATURES, IDS)
def test_seals_are_of_characters_that_every_client_takes(signature: str, call_id: str) -> None:
    sealed = provenance.seal_text(signature, MAKER)
    assert base64.b64decode(sealed, validate=True)
    assert re.fullmatch(r"[A-Za-z0-9_-]*", provenance.seal_id(call_id, signature, MAKER))


@given(SIGNATURES)
def test_a_client_may_decode_a_seal_to_bytes_and_write_it_anew(signature: str) -> None:
    data = base64.b64decode(provenance.seal_text(signature, MAKER))
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        assert provenance.open_text(encode(data).decode()) == (MAKER, signature)
        assert provenance.open_text(encode(data).decode().rstrip("=")) == (MAKER, signature)


@pytest.mark.parametrize("payload", ["", "=", "!", "関所", "AAAA", "LmFiYw==", "/////w==", "a" * 9])
@pytest.mark.parametrize("target", [CLIENT, OTHER, MAKER])
def test_a_broken_seal_is_foreign_to_everybody(payload: str, target: str) -> None:
    broken = MARK + payload
    parts = (
        Reasoning(text="t", signature=broken),
        RedactedReasoning(data=broken),
        ToolCall(id=f"call{broken}", name="f", arguments=""),
    )
    opened, lost = open_request(sent_back(reply(*parts)), CLIENT, target)
    assert opened.messages[0].parts == (Reasoning(text="t"), parts[2])
    assert len(lost) == 2


def cut(events: list[Event], sizes: list[int]) -> list[Event]:
    """The same stream with its signatures in pieces."""
    pieces: list[Event] = []
    for event in events:
        if isinstance(event, SignatureDelta):
            text, at = event.signature, 0
            for size in sizes:
                pieces.append(SignatureDelta(index=event.index, signature=text[at : at + size]))
                at += size
            pieces.append(SignatureDelta(index=event.index, signature=text[at:]))
        else:
            pieces.append(event)
    return pieces


@given(REPLIES, st.lists(st.integers(0, 5), max_size=4), st.booleans())
def test_a_sealed_stream_folds_into_the_sealed_reply(answer: Reply, sizes: list[int], together: bool) -> None:
    sealer, events = StreamSealer(MAKER), cut(unfold(answer), sizes)
    batches = [events] if together else [[event] for event in events]
    sealed = [event for batch in batches for event in sealer.seal(batch)]
    assert fold(sealed) == seal_reply(answer, MAKER)


def test_a_signature_that_begins_with_its_part_is_sealed_with_what_follows() -> None:
    events = [
        PartStart(index=0, part=Reasoning(text="", signature="ab")),
        TextDelta(index=0, text="t"),
        SignatureDelta(index=0, signature="cd"),
        PartEnd(index=0),
    ]
    assert StreamSealer(MAKER).seal(events) == [
        PartStart(index=0, part=Reasoning(text="")),
        events[1],
        SignatureDelta(index=0, signature=provenance.seal_text("abcd", MAKER)),
        events[3],
    ]
