"""What metering reads off an answer that is passed through. See `wire.openai_tap` for what is relayed."""

import msgspec

from sekisho.core.contract import Facts, ReplyOptions
from sekisho.dialects.openai_chat.parts import arguments
from sekisho.dialects.openai_chat.reply import pieces
from sekisho.dialects.openai_chat.schema import WireCustomCall, WireFunctionCall
from sekisho.dialects.openai_chat.stream import ChatStreamReader
from sekisho.dialects.openai_chat.stream_write import ChatStreamWriter
from sekisho.wire import openai_tap
from sekisho.wire.shape import BROKEN, Wire


class _Call(Wire):
    function: WireFunctionCall | None = None
    custom: WireCustomCall | None = None


class _Detail(Wire):
    text: str | None = None
    summary: str | None = None


class _Said(Wire):
    """A delta or a message."""

    content: str | list[msgspec.Raw] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[_Detail] | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(Wire):
    delta: _Said | None = None
    finish_reason: str | None = None
    index: int = 0


class _Message(Wire):
    message: _Said | None = None


class _Messages(Wire):
    choices: list[_Message] | None = None


_event = msgspec.json.Decoder(openai_tap.Event[_Choice])
_messages = msgspec.json.Decoder(_Messages)
_STREAMS = openai_tap.Streams(ChatStreamReader, ChatStreamWriter)


def tap(options: ReplyOptions) -> openai_tap.StreamTap[_Choice]:
    return openai_tap.StreamTap(options, _event, _read, _STREAMS)


def read_whole(body: bytes, options: ReplyOptions) -> tuple[Facts, bytes]:
    """The tap of a whole answer: (facts, body to relay)."""
    return openai_tap.read_whole(body, options, _measure_whole)


def _read(facts: Facts, choices: list[_Choice]) -> None:
    for choice in choices:
        if choice.finish_reason is not None:  # first, for it may mean that the event is not relayed
            openai_tap.finish(facts, choice.index, choice.finish_reason)
        if choice.delta is not None:
            _count(facts, choice.delta)


def _count(facts: Facts, delta: _Said) -> None:
    content = delta.content
    if isinstance(content, str):  # nearly always
        facts.produced(content)
        if facts.heard is not None:
            facts.heard.say(content)
    elif content:
        facts.produced(_content(content))
        if facts.heard is not None:
            facts.heard.say(_spoken(content))
    if (
        delta.tool_calls is not None
        or delta.reasoning_content is not None
        or delta.reasoning is not None
        or delta.reasoning_details is not None
        or delta.refusal is not None
    ):
        facts.produced(_beside_content(delta))
        if facts.heard is not None and (delta.tool_calls or delta.refusal):
            facts.heard.spoil()


def _measure_whole(facts: Facts, body: bytes) -> None:
    try:
        answer = _messages.decode(body)
    except msgspec.ValidationError:
        return  # a shape of its own: it stays unmeasured
    for choice in answer.choices or ():
        if choice.message is not None:
            facts.produced(_content(choice.message.content))
            facts.produced(_beside_content(choice.message))


def _content(content: str | list[msgspec.Raw] | None) -> str:
    try:
        return "".join(text for _, text in pieces(content))
    except BROKEN:
        return ""  # parts of a shape of their own: they stay unmeasured


def _spoken(content: str | list[msgspec.Raw]) -> str:
    """Content without the thinking that some servers put into it."""
    try:
        return "".join(text for member, text in pieces(content) if not member)
    except BROKEN:
        return ""


def _beside_content(said: _Said) -> str:
    """Thinking (which may be said twice, but counts once), refusals, and tool arguments."""
    found = "".join(detail.text or detail.summary or "" for detail in said.reasoning_details or ())
    found = found or said.reasoning_content or said.reasoning or ""
    found += said.refusal or ""
    for call in said.tool_calls or ():
        if call.function is not None:
            found += arguments(call.function.arguments)
        if call.custom is not None:
            found += call.custom.input or ""
    return found
