"""The laws over requests, answers and streams that nobody wrote down."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.core.contract import Dialect
from sekisho.core.event import End, Event, PartEnd, PartStart, Start, TextDelta
from sekisho.core.fold import check, fold, unfold
from sekisho.core.message import (
    CacheMark,
    Document,
    FileRef,
    Image,
    Inline,
    Link,
    Message,
    Part,
    Reasoning,
    RedactedReasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from sekisho.core.reply import Choice, Finish, Reply
from sekisho.core.request import (
    CustomTool,
    FunctionTool,
    OutputFormat,
    ReasoningSettings,
    Request,
    Sampling,
    ToolChoice,
)
from sekisho.core.usage import Usage
from sekisho.dialects import (
    anthropic_messages,
    bedrock_converse,
    gemini_generate,
    openai_chat,
    openai_responses,
)
from sekisho.testkit.laws import conservation, replies, requests, streams

DIALECTS = (
    openai_chat.DIALECT,
    anthropic_messages.DIALECT,
    bedrock_converse.DIALECT,
    gemini_generate.DIALECT,
    openai_responses.DIALECT,
)

# --- values of the hub ------------------------------------------------------------------------------

characters = st.characters(exclude_categories=["Cs"])
text = st.one_of(
    st.text(characters, min_size=1, max_size=20),
    st.sampled_from(["関所 🗾", 'a "quoted"\nline', "data: [DONE]\n\n"]),
)
word = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=8)
json_value: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(characters, max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(word, inner, max_size=2),
    max_leaves=4,
)
json_object = st.dictionaries(word, json_value, max_size=3).map(msgspec.json.encode)
schema = json_object.map(lambda data: msgspec.Raw(b'{"type":"object","properties":' + data + b"}"))
arguments = st.one_of(json_object.map(bytes.decode), st.just(""), st.just('{"cut": [1, "of'))
cache = st.sampled_from([None, None, CacheMark(), CacheMark(ttl="5m"), CacheMark(ttl="1h")])
texts = st.builds(Text, text=text, cache=cache)
inline = st.builds(Inline, media_type=st.sampled_from(["image/png", "image/jpeg"]), data=st.just("aGk="))
link = st.builds(Link, url=st.just("https://example.com/a.png"))
images = st.builds(Image, source=inline | link, detail=st.sampled_from([None, "low", "high"]), cache=cache)
pdf = st.just(Inline(media_type="application/pdf", data="aGk="))
file = st.builds(FileRef, id=word)
documents = st.builds(Document, source=pdf | file, title=st.none() | word)
reasoning = st.builds(Reasoning, text=text, signature=st.none() | word)
users = st.lists(texts | images | documents, min_size=1, max_size=3)
bounded = st.floats(0, 1).map(lambda value: round(value, 3))


def calls(ids: st.SearchStrategy[str]) -> st.SearchStrategy[ToolCall]:
    return st.builds(ToolCall, id=ids, name=word, arguments=arguments, signature=st.none() | word)


@st.composite
def conversations(draw: Callable[..., Any]) -> tuple[Message, ...]:
    messages: list[Message] = []
    if draw(st.booleans()):
        role = draw(st.sampled_from(["system", "developer"]))
        messages.append(Message(role=role, parts=tuple(draw(st.lists(texts, min_size=1, max_size=2)))))
    messages.append(Message(role="user", parts=tuple(draw(users))))
    for turn in range(draw(st.integers(0, 2))):
        made = [draw(calls(st.just(f"call_{turn}_{number}"))) for number in range(draw(st.integers(0, 2)))]
        said: list[Part] = draw(st.lists(reasoning, max_size=1))
        said += draw(st.lists(st.builds(RedactedReasoning, data=word), max_size=1))
        said += draw(st.lists(texts, min_size=0 if made else 1, max_size=1))
        messages.append(Message(role="assistant", parts=(*said, *made)))
        results: list[Part] = [
            ToolResult(
                call_id=call.id,
                parts=tuple(draw(st.lists(texts | images, min_size=1, max_size=2))),
                is_error=draw(st.booleans()),
            )
            for call in made
        ]
        more = draw(users) if not results else draw(st.just([]) | users)
        messages.append(Message(role="user", parts=(*results, *more)))
    return tuple(messages)


@st.composite
def asked(draw: Callable[..., Any]) -> Request:
    function = st.builds(
        FunctionTool,
        name=word,
        description=st.none() | text,
        schema=schema,
        strict=st.none() | st.booleans(),
        cache=cache,
    )
    custom = st.builds(CustomTool, name=word, description=st.none() | text)
    tools = draw(st.lists(function | function | custom, max_size=3, unique_by=lambda tool: tool.name))
    choice = st.none()
    if tools:
        named = st.sampled_from(tools).map(lambda tool: ToolChoice(mode="named", name=tool.name))
        choice |= named | st.builds(ToolChoice, mode=st.sampled_from(["auto", "none", "required"]))
    formats = st.builds(OutputFormat, kind=st.just("json_schema"), name=word, schema=schema)
    thinking = st.builds(ReasoningSettings, effort=st.sampled_from(["low", "medium", "high"]))
    thinking |= st.builds(ReasoningSettings, enabled=st.just(True), budget_tokens=st.integers(1024, 30_000))
    thinking |= st.just(ReasoningSettings(enabled=False))
    return Request(
        model="m",
        messages=draw(conversations()),
        tools=tuple(tools),
        tool_choice=draw(choice),
        parallel_tool_calls=draw(st.none() | st.booleans()),
        max_tokens=draw(st.none() | st.integers(1, 100_000)),
        stop=tuple(draw(st.lists(text, max_size=2))),
        choices=draw(st.sampled_from([None, 1, 2])),
        sampling=draw(
            st.builds(
                Sampling,
                temperature=st.none() | st.floats(0, 2).map(lambda value: round(value, 3)),
                top_p=st.none() | bounded,
                top_k=st.none() | st.integers(1, 100),
                seed=st.none() | st.integers(0, 2**31),
                presence_penalty=st.none() | bounded,
                logprobs=st.none() | st.booleans(),
                verbosity=st.sampled_from([None, "low", "high"]),
            )
        ),
        output=draw(st.none() | formats | st.just(OutputFormat(kind="json_object"))),
        reasoning=draw(st.none() | thinking),
        service_tier=draw(st.sampled_from([None, "auto", "default", "flex"])),
        user=draw(st.none() | word),
        metadata=draw(st.sampled_from([None, msgspec.Raw(b'{"trip":"7"}')])),
        cache_key=draw(st.none() | word),
        stream=draw(st.booleans()),
    )


@st.composite
def answers(draw: Callable[..., Any]) -> Reply:
    made = [draw(calls(st.just(f"call_{number}"))) for number in range(draw(st.integers(0, 3)))]
    said: list[Part] = draw(st.lists(reasoning, max_size=1))
    said += draw(st.lists(st.builds(Text, text=text) | st.builds(Refusal, text=text), max_size=1))
    reason = "tool_calls" if made else draw(st.sampled_from(["stop", "length", "refusal", "content_filter"]))
    counts = st.integers(0, 10**6)
    output = draw(counts)
    return Reply(
        id=draw(word),
        model=draw(word),
        choices=(Choice(parts=(*said, *made), finish=Finish(reason=reason)),),
        usage=Usage(
            input=draw(counts),
            cache_read=draw(counts),
            cache_write=draw(counts),
            output=output,
            reasoning=draw(st.integers(0, output)),
        ),
        created=draw(st.none() | st.integers(0, 2**32)),
    )


@st.composite
def streamed(draw: Callable[..., Any]) -> list[Event]:
    """The stream of an answer, its texts in pieces and its tool calls interleaved."""
    events = unfold(draw(answers()))
    chopped = [piece for event in events for piece in _chop(event, draw)]
    calling = {
        event.index for event in chopped if isinstance(event, PartStart) and isinstance(event.part, ToolCall)
    }
    if not calling or not draw(st.booleans()):
        return chopped
    of_calls = [event for event in chopped if getattr(event, "index", None) in calling]
    starts = [event for event in of_calls if isinstance(event, PartStart)]
    ends = [event for event in of_calls if isinstance(event, PartEnd)]
    deltas = draw(st.permutations([event for event in of_calls if isinstance(event, TextDelta)]))
    arrived = {
        event.index: iter([e for e in of_calls if isinstance(e, TextDelta) and e.index == event.index])
        for event in starts
    }
    rest = [event for event in chopped if event not in of_calls and not isinstance(event, End)]
    return [*rest, *starts, *(next(arrived[delta.index]) for delta in deltas), *ends, chopped[-1]]


def _chop(event: Event, draw: Callable[..., Any]) -> list[Event]:
    if not isinstance(event, TextDelta):
        return [event]
    cut = draw(st.integers(0, len(event.text)))
    pieces = [event.text[:cut], event.text[cut:]]
    return [TextDelta(index=event.index, text=piece) for piece in pieces if piece]


# --- laws -------------------------------------------------------------------------------------------


def every_dialect(value: st.SearchStrategy[Any]) -> Callable[[Any], Any]:
    def over(test: Any) -> Any:
        generated = settings(max_examples=100, deadline=None, database=None)(given(value)(test))
        return pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)(generated)

    return over


@given(streamed())
def test_what_is_generated_is_well_formed(events: list[Event]) -> None:
    check(events)
    assert isinstance(events[0], Start)


@every_dialect(asked())
def test_whatever_is_asked_is_written_or_named_as_lost(dialect: Dialect, request_: Request) -> None:
    heard = requests.honest(dialect, request_)
    requests.idempotent(dialect, heard)
    requests.round_trip(dialect, requests.write(dialect, heard).body)
    requests.stable_prefix(dialect, request_)


@every_dialect(answers())
def test_whatever_is_answered_is_written_whole(dialect: Dialect, reply: Reply) -> None:
    conservation.reply_survives(reply, dialect)
    body = dialect.write_reply(reply, replies.AS_IT_CAME)
    replies.round_trip(dialect, body)
    replies.tapped(dialect, body)
    replies.shown(dialect, body)


@every_dialect(streamed())
def test_whatever_is_streamed_is_written_whole(dialect: Dialect, events: list[Event]) -> None:
    conservation.events_survive(events, dialect)
    data = streams.write(dialect, events)
    streams.round_trip(dialect, data)
    streams.tapped(dialect, data)
    streams.shown(dialect, data)
    streams.split_invariant(dialect, data, range(len(data)))
    streams.cut_is_no_end(dialect, data)


@every_dialect(answers())
def test_a_written_stream_means_what_the_written_reply_says(dialect: Dialect, reply: Reply) -> None:
    data = streams.write(dialect, unfold(reply))
    streams.same_as_unary(dialect, data, dialect.write_reply(reply, replies.AS_IT_CAME))
    assert (
        fold(streams.read(dialect, [data])).usage
        == dialect.read_reply(dialect.write_reply(reply, replies.AS_IT_CAME)).usage
    )
