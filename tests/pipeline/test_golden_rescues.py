"""Golden streams of every dialect, cut anywhere and gone on with by every other: one well-formed answer."""

import json
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from tests.pipeline import rescues
from tests.pipeline.rescues import CONVERSING, Broken

from sekisho.app import DIALECTS
from sekisho.core.contract import Dialect, LooseEnd
from sekisho.core.error import Malformed, UpstreamError
from sekisho.core.fold import fold
from sekisho.core.message import Reasoning, RedactedReasoning, Text
from sekisho.core.reply import Reply
from sekisho.pipeline.ends import looks_whole
from sekisho.testkit import golden
from sekisho.testkit.laws.framing import frames

ROOT = Path(__file__).parents[1] / "golden"
EVERY_BYTE_BELOW = 2_000


def cases() -> list[Any]:
    return [
        pytest.param(DIALECTS[name], case.stream, id=f"{name}-{case.name}")
        for name in CONVERSING
        for case in golden.cases(ROOT, name)
        if case.stream is not None
    ]


def cuts(data: bytes) -> Iterator[int]:
    """Every byte of short streams; of long ones the end of every event, and the byte before."""
    if len(data) < EVERY_BYTE_BELOW:
        yield from range(len(data))
        return
    at = 0
    for frame in frames(data):
        at += len(frame.raw)
        yield from (at - 1, at)


def is_plain(reply: Reply) -> bool:
    (parts,) = [choice.parts for choice in reply.choices] if len(reply.choices) == 1 else [()]
    return bool(parts) and all(isinstance(part, Text | Reasoning | RedactedReasoning) for part in parts)


def whole_reply(dialect: Dialect, data: bytes) -> Reply | None:
    """None: it is of no use here (several answers, log probabilities)."""
    reply = rescues.reply_of(dialect, data)
    if len(reply.choices) != 1 or reply.choices[0].logprobs is not None:
        return None
    return reply


def check(broken: Broken, end: LooseEnd, whole: Reply, place: int) -> None:
    """Somebody goes on with what is missing: the client reads the answer that it would have read."""
    text = rescues.text_of(whole)
    assert text.startswith(end.text), f"{end.text!r} was told, of {text!r}"
    provider = CONVERSING[place % len(CONVERSING)]
    rest = text[len(end.text) :]
    if not rest and not looks_whole(end.text):
        with pytest.raises(Malformed):
            rescues.gone_on(broken, end, provider, [])
        return
    data = rescues.gone_on(broken, end, provider, [Text(text=rest)] if rest else [])
    again = rescues.reply_of(broken.client, data)
    assert rescues.text_of(again) == text, f"cut at {place}, gone on with by {provider}: {data!r}"
    assert (again.id, again.usage.output if again.usage else 0) == (whole.id, rescues.USAGE.output)
    assert again.model == whole.model
    assert again.choices[0].finish.reason == "stop"
    in_order(broken.client.name, data)


def in_order(dialect: str, data: bytes) -> None:
    """Ids and indices of the whole stream hang together, beyond what our own reader minds."""
    events = [json.loads(frame.data) for frame in frames(data) if frame.data.startswith(b"{")]
    if dialect == "openai_chat":
        named = [event for event in events if event.get("id")]
        assert len({(event["id"], event["model"], event.get("created")) for event in named}) == 1, named
    elif dialect == "gemini_generate":
        assert len({(event.get("responseId"), event.get("modelVersion")) for event in events}) == 1
    elif dialect == "openai_responses":
        numbers = [event["sequence_number"] for event in events if "sequence_number" in event]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), numbers
        responses_in_order(events)
    else:
        blocks_in_order(events)


def responses_in_order(events: list[dict[str, Any]]) -> None:
    places: dict[int, str] = {}
    done: list[int] = []
    for event in events:
        place, kind = event.get("output_index"), event["type"]
        if kind == "response.output_item.added":
            assert place == len(places), "items count up"
            places[place] = event["item"]["id"]
        elif place is not None:
            assert place in places
            assert event.get("item_id", places[place]) == places[place]
            assert place not in done, f"{kind} for an item that is done"
        if kind == "response.output_item.done":
            done.append(event["output_index"])
    assert sorted(done) == sorted(places)
    last = events[-1]["response"]
    assert [item["id"] for item in last["output"]] == list(places.values())
    assert len({event["response"]["id"] for event in events if "response" in event}) == 1


def blocks_in_order(events: list[dict[str, Any]]) -> None:
    """Anthropic's, and Bedrock's."""
    seen: list[int] = []
    for event in events:
        index = event.get("index", event.get("contentBlockIndex"))
        if index is None:
            continue
        if index not in seen:
            assert index == len(seen), f"block {index} after {seen}"
            seen.append(index)
        assert index == seen[-1], f"block {index} goes on after {seen[-1]} began"


@pytest.mark.parametrize(("dialect", "data"), cases())
def test_a_golden_stream_that_is_cut_anywhere_is_gone_on_with_or_known_to_be_unsafe(
    dialect: Dialect, data: bytes
) -> None:
    whole = whole_reply(dialect, data)
    if whole is None:
        return
    seen: set[tuple[str, int | None, int]] = set()
    spoke, safe = False, False
    for cut in cuts(data):
        broken = rescues.spliced(dialect, data[:cut])
        if broken.relay.complete:
            break
        assert data.startswith(broken.shown)
        heard = broken.relay.facts.heard
        spoke = spoke or (heard is not None and bool(heard.text) and broken.relay.facts.finish is None)
        end = broken.loose_end()
        if end is None:
            continue
        state = (end.text, end.part, end.parts)
        if state not in seen:
            seen.add(state)
            safe = safe or bool(end.text)
            check(broken, end, whole, cut)
    assert safe or not (spoke and is_plain(whole)), "a plain text was never safe to go on with"


@pytest.mark.parametrize(("source", "client"), list(permutations(CONVERSING, 2)))
def test_a_translated_stream_that_is_cut_anywhere_is_gone_on_with(source: str, client: str) -> None:
    found = 0
    for case in golden.cases(ROOT, source):
        whole = case.stream and whole_reply(DIALECTS[source], case.stream)
        if not case.stream or not whole or not is_plain(whole):
            continue
        uncut = rescues.translated(DIALECTS[source], DIALECTS[client], case.stream)
        shown = uncut.shown if uncut.relay.complete else uncut.shown + uncut.relay.finish()
        expected = rescues.reply_of(DIALECTS[client], shown)
        at = 0
        for frame in frames(case.stream):
            at += len(frame.raw)
            broken = rescues.translated(DIALECTS[source], DIALECTS[client], case.stream[:at])
            end = broken.loose_end() if broken.shown and not broken.relay.complete else None
            if end is not None:
                check(broken, end, expected, at)
                found += bool(end.text)
    assert found


@pytest.mark.parametrize("dialect", [DIALECTS[name] for name in CONVERSING], ids=lambda each: each.name)
def test_after_a_call_of_a_tool_nobody_goes_on(dialect: Dialect) -> None:
    found = 0
    for case in golden.cases(ROOT, dialect.name):
        if case.stream is None or ("tool" not in case.name and "function_call" not in case.name):
            continue
        for cut in cuts(case.stream):
            broken = rescues.spliced(dialect, case.stream[:cut])
            heard = broken.relay.facts.heard
            if broken.relay.complete or heard is None or heard.plain:
                continue
            assert broken.loose_end() is None
            assert not heard.text
            found += 1
    assert found


@pytest.mark.parametrize("dialect", [DIALECTS[name] for name in CONVERSING], ids=lambda each: each.name)
def test_what_came_before_a_broken_event_of_the_same_piece_is_not_lost(dialect: Dialect) -> None:
    case = next(case for case in golden.cases(ROOT, dialect.name) if case.stream and case.name in PLAIN)
    assert case.stream is not None
    whole = rescues.reply_of(dialect, case.stream)
    found = frames(case.stream)
    first, good = found[0].raw, b"".join(frame.raw for frame in found[1 : len(found) // 2])
    broken = rescues.spliced(dialect, first)
    assert broken.shown == first
    with pytest.raises(Malformed):
        broken.relay.feed(good + _broken(dialect, found[1].raw))
    end = broken.loose_end()
    assert end is not None
    if (
        dialect.name != "bedrock_converse"
    ):  # whose messages are not even read before one with a wrong checksum
        assert end.unsent == good
    check(broken, end, whole, 0)


PLAIN = ("plain_text", "text", "text_stream", "streaming", "basic", "simple", "text_plain", "japanese")


def _broken(dialect: Dialect, frame: bytes) -> bytes:
    if dialect.name == "bedrock_converse":
        return frame[:-1] + bytes([frame[-1] ^ 1])
    return b"data: {broken\n\n"


@pytest.mark.parametrize("dialect", [DIALECTS[name] for name in CONVERSING], ids=lambda each: each.name)
def test_a_stream_that_said_why_it_ended_is_concluded_or_told_as_broken(dialect: Dialect) -> None:
    for case in golden.cases(ROOT, dialect.name):
        if case.stream is None or (whole := whole_reply(dialect, case.stream)) is None:
            continue
        at = 0
        for frame in frames(case.stream):
            at += len(frame.raw)
            broken = rescues.spliced(dialect, case.stream[:at])
            if broken.relay.facts.finish is None or broken.relay.complete:
                continue
            try:
                last = broken.relay.conclude(rescues.USAGE)
            except UpstreamError:
                continue
            reader = dialect.stream_reader()
            events = reader.feed(broken.shown + last)
            again = fold(events + reader.finish(needs_terminator=False))
            assert (again.choices[0].parts, again.choices[0].finish) == (
                whole.choices[0].parts,
                whole.choices[0].finish,
            )
