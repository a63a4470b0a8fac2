import msgspec
import pytest

from sekisho.core.error import Malformed, Truncated
from sekisho.core.event import (
    End,
    Event,
    LogprobsDelta,
    PartEnd,
    PartStart,
    SignatureDelta,
    Start,
    TextDelta,
    VendorDelta,
)
from sekisho.core.fold import check, fold, unfold
from sekisho.core.message import Image, Inline, Opaque, Reasoning, Refusal, Text, ToolCall
from sekisho.core.reply import Choice, Finish, Reply
from sekisho.core.usage import Usage

START = Start(id="r1", model="m")
END = End(finishes=(Finish(reason="stop"),), usage=Usage(input=3, output=2))
TEXT = PartStart(index=0, part=Text(text=""))
CALL = ToolCall(id="a", name="f", arguments="")


def raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())


def test_interleaved_tool_calls_are_put_together_by_index() -> None:
    reply = fold(
        [
            START,
            PartStart(index=0, part=Reasoning(text="")),
            TextDelta(index=0, text="hm"),
            SignatureDelta(index=0, signature="sig"),
            PartEnd(index=0),
            PartStart(index=1, part=CALL),
            PartStart(index=2, part=ToolCall(id="b", name="g", arguments="{")),
            TextDelta(index=2, text="}"),
            TextDelta(index=1, text='{"x":'),
            PartEnd(index=2),
            TextDelta(index=1, text="1}"),
            PartEnd(index=1),
            END,
        ]
    )
    assert reply.choices[0].parts == (
        Reasoning(text="hm", signature="sig"),
        ToolCall(id="a", name="f", arguments='{"x":1}'),
        ToolCall(id="b", name="g", arguments="{}"),
    )
    assert reply.usage == END.usage


def test_vendor_deltas_grow_the_members_of_their_part_and_leave_bytes_alone() -> None:
    reply = fold(
        [
            Start(id="r", model="m", vendor={"d": {"a": raw("1"), "b": raw("2")}}),
            PartStart(index=0, part=Text(text="", vendor={"d": {"citations": raw("[]")}})),
            VendorDelta(index=0, dialect="d", raw=raw('{"citations":[{"b": 1, "a":2}]}')),
            VendorDelta(index=0, dialect="d", raw=raw('{"citations":[{"c":3.0}],"n":null}')),
            PartEnd(index=0),
            PartStart(index=1, part=Opaque(dialect="d", type="t", raw=raw('{"type":"t","input":{}}'))),
            VendorDelta(index=1, dialect="d", raw=raw('{"input":{"q":"a"}}')),
            VendorDelta(index=1, dialect="d", raw=raw('{"input":{"q":"b"}}')),
            PartEnd(index=1),
            msgspec.structs.replace(END, vendor={"d": {"b": raw("3")}}),
        ]
    )
    text, opaque = reply.choices[0].parts
    assert text.vendor == {"d": {"citations": raw('[{"b": 1, "a":2},{"c":3.0}]'), "n": raw("null")}}
    assert isinstance(opaque, Opaque)
    assert opaque.raw == raw('{"type":"t","input":{"q":"ab"}}')
    assert reply.vendor == {"d": {"a": raw("1"), "b": raw("3")}}


def test_logprobs_of_a_choice_are_joined_and_null_lists_filled() -> None:
    reply = fold(
        [
            START,
            LogprobsDelta(choice=0, raw=raw('{"content":null,"refusal":null}')),
            LogprobsDelta(choice=0, raw=raw('{"content":[{"token":"a"}],"refusal":null}')),
            LogprobsDelta(choice=0, raw=raw('{"content":[{"token":"b"}],"refusal":null}')),
            END,
        ]
    )
    assert reply.choices[0].logprobs == raw('{"content":[{"token":"a"},{"token":"b"}],"refusal":null}')


@pytest.mark.parametrize(
    "events",
    [
        [TEXT],
        [START, START],
        [START, PartStart(index=1, part=Text(text=""))],
        [START, TEXT, PartEnd(index=0), TEXT],
        [START, TEXT, PartStart(index=1, part=Text(text=""))],
        [START, TEXT, PartStart(index=1, part=CALL)],
        [START, TextDelta(index=0, text="x")],
        [START, TEXT, PartEnd(index=0), TextDelta(index=0, text="x")],
        [START, TEXT, PartEnd(index=0), PartEnd(index=0)],
        [START, TEXT, SignatureDelta(index=0, signature="s")],
        [
            START,
            PartStart(index=0, part=Image(source=Inline(media_type="a/b", data=""))),
            TextDelta(index=0, text="x"),
        ],
        [START, TEXT, END],
        [START, PartStart(index=0, part=Text(text=""), choice=1), PartEnd(index=0), END],
        [START, LogprobsDelta(choice=1, raw=raw("{}")), END],
        [START, END, END],
        [START, END, TEXT],
        [END],
    ],
)
def test_a_breach_of_the_grammar_is_malformed(events: list[Event]) -> None:
    with pytest.raises(Malformed) as caught:
        check(events)
    assert not isinstance(caught.value, Truncated)


@pytest.mark.parametrize("events", [[], [START], [START, TEXT], [START, TEXT, PartEnd(index=0)]])
def test_a_stream_without_its_end_is_truncated(events: list[Event]) -> None:
    with pytest.raises(Truncated):
        fold(events)


def test_choices_may_overlap() -> None:
    finish = Finish(reason="stop")
    reply = fold(
        [
            START,
            TEXT,
            PartStart(index=1, choice=1, part=Text(text="b")),
            TextDelta(index=0, text="a"),
            PartEnd(index=1),
            PartEnd(index=0),
            End(finishes=(finish, finish)),
        ]
    )
    assert [choice.parts for choice in reply.choices] == [(Text(text="a"),), (Text(text="b"),)]


def test_unfolding_a_reply_gives_a_stream_that_means_it() -> None:
    reply = Reply(
        id="r",
        model="m",
        created=7,
        service_tier="flex",
        usage=Usage(input=1, output=2),
        vendor={"d": {"x": raw("1")}},
        choices=(
            Choice(
                parts=(
                    Reasoning(text="thought", signature=""),
                    Text(text="", vendor={"d": {"citations": raw("[1]")}}),
                    Refusal(text="no"),
                    ToolCall(id="a", name="f", arguments="{}"),
                    Image(source=Inline(media_type="image/png", data="AA==")),
                ),
                finish=Finish(reason="stop_sequence", stop_sequence="X"),
                logprobs=raw('{"content":[]}'),
            ),
            Choice(parts=(), finish=Finish(reason="length")),
        ),
    )
    assert fold(unfold(reply)) == reply
