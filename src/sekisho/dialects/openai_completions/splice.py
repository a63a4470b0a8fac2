"""Passing requests and answers through. See `wire.openai_tap` for what is relayed of an answer."""

import msgspec

from sekisho.core.contract import Facts, Members, ReplyOptions, TargetFacts
from sekisho.wire import kinds, openai_tap
from sekisho.wire.shape import Wire

_KINDS = {
    "model": kinds.STRING,
    "prompt": kinds.TEXTS,
    "suffix": kinds.STRING,
    "echo": kinds.BOOLEAN,
    "stream": kinds.BOOLEAN,
    "stream_options": kinds.OBJECT,
    "max_tokens": kinds.NUMBER,
    "n": kinds.NUMBER,
    "best_of": kinds.NUMBER,
    "temperature": kinds.NUMBER,
    "top_p": kinds.NUMBER,
    "user": kinds.STRING,
}


class _Choice(Wire):
    text: str | None = None
    finish_reason: str | None = None
    index: int = 0


class _Choices(Wire):
    choices: list[_Choice] | None = None


_event = msgspec.json.Decoder(openai_tap.Event[_Choice])
_choices = msgspec.json.Decoder(_Choices)


def check_members(members: Members) -> None:
    """The kinds of the top-level members; the provider checks the rest. A prompt may be missing: some servers
    take it in other members (vLLM's `prompt_embeds`)."""
    kinds.check(members, _KINDS, ("model",))


def place_no_mark(_members: Members, _target: TargetFacts) -> None:
    """The API knows no cache marks."""


def strip_no_mark(_members: Members) -> None:
    """The API knows no cache marks."""


def tap(options: ReplyOptions) -> openai_tap.StreamTap[_Choice]:
    return openai_tap.StreamTap(options, _event, _read)


def read_whole(body: bytes, options: ReplyOptions) -> tuple[Facts, bytes]:
    """The tap of a whole answer: (facts, body to relay)."""
    return openai_tap.read_whole(body, options, _measure)


def _read(facts: Facts, choices: list[_Choice]) -> None:
    for choice in choices:
        if choice.text:
            facts.produced(choice.text)
        if choice.finish_reason is not None:
            openai_tap.finish(facts, choice.index, choice.finish_reason)


def _measure(facts: Facts, body: bytes) -> None:
    try:
        answer = _choices.decode(body)
    except msgspec.ValidationError:
        return  # a shape of its own: it stays unmeasured
    for choice in answer.choices or ():
        facts.produced(choice.text or "")
