"""The hub's events as a stream of `text_completion` chunks for a client.

Every chunk has the members of a whole answer; for a client that asked for usage a chunk with it and without
choices comes before `[DONE]`, and all others say `"usage": null`.
"""

from collections.abc import Sequence

from sekisho.core.contract import ReplyOptions
from sekisho.core.event import End, Event, LogprobsDelta, PartStart, Start, TextDelta
from sekisho.core.message import Refusal, Text
from sekisho.dialects.openai_completions import logprobs, usage
from sekisho.dialects.openai_completions.reply import head
from sekisho.dialects.openai_completions.schema import spread
from sekisho.wire import json, sse
from sekisho.wire import openai_finish as finish
from sekisho.wire.counts import in_openai_words

_GOING_ON: dict[str, object] = {"logprobs": None, "finish_reason": None}


class CompletionStreamWriter:
    """One stream, for one client."""

    __slots__ = ("_choices", "_head", "_offsets", "_options", "_tail")

    def __init__(self, options: ReplyOptions) -> None:
        self._options = options
        self._head = b""
        null_usage = options.show_usage and options.cost is None  # OpenRouter's contract knows no null there
        self._tail = b',"usage":null}' if null_usage else b"}"
        self._choices: dict[int, int] = {}
        """Part that is said -> its choice."""
        self._offsets: dict[int, int] = {}
        """Choice -> where the next token begins."""

    def write(self, events: Sequence[Event]) -> bytes:
        return b"".join([piece for event in events for piece in self._event(event)])

    def _event(self, event: Event) -> list[bytes]:
        match event:
            case TextDelta(index=index, text=text):
                return [self._chunk(self._choices[index], text)] if text and index in self._choices else []
            case PartStart(index=index, choice=choice, part=Text(text=text) | Refusal(text=text)):
                self._choices[index] = choice
                return [self._chunk(choice, text)] if text else []
            case Start():
                members = head(event.id, event.created, event.model, self._options)
                self._head = json.encode({**members, **spread(event.vendor)})[:-1] + b',"choices":['
            case LogprobsDelta(choice=choice, raw=raw):
                told, self._offsets[choice] = logprobs.write(raw, self._offsets.get(choice, 0))
                return [self._chunk(choice, "", {"logprobs": told, "finish_reason": None})] if told else []
            case End():
                return self._end(event)
        return []

    def _end(self, event: End) -> list[bytes]:
        tail = self._tail
        if event.service_tier is not None:
            tail = b',"service_tier":' + json.encode(in_openai_words(event.service_tier)) + tail
        written = [
            self._chunk(choice, "", {"logprobs": None, **finish.write(found)}, tail)
            for choice, found in enumerate(event.finishes)
        ]
        if self._options.show_usage and event.usage is not None:
            counted = json.encode(usage.write(event.usage, event.service_tier, self._options))
            written.append(sse.encode(self._head + b'],"usage":' + counted + b"}"))
        written.append(b"data: [DONE]\n\n")
        return written

    def _chunk(self, choice: int, text: str, rest: dict[str, object] = _GOING_ON, tail: bytes = b"") -> bytes:
        body = json.encode({"index": choice, "text": text, **rest})
        return sse.encode(self._head + body + b"]" + (tail or self._tail))
