"""Turns of the model that came back in the pieces in which they were streamed.

Google's SDK keeps a stream's parts as they came. Its chats keep each event as a content of its own and send
them all back (python-genai 3.4, `chats.py`, 2026-11): contents of the model that follow each other are one
turn. Where another API's thinking was signed, its signature stands in a last part without text, and is for
all the pieces before it.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby

from msgspec.structs import replace

from sekisho.core.message import Message, Part, Reasoning, Text


def joined(messages: Iterable[Message]) -> tuple[Message, ...]:
    """The conversation with each turn of the model in one message."""
    return tuple(_turns(messages))


def _turns(messages: Iterable[Message]) -> Iterator[Message]:
    for models, group in groupby(messages, key=_can_be_joined):
        if not models:
            yield from group
            continue
        first, *more = group
        parts = first.parts
        if more:
            pieces = [part for message in (first, *more) for part in message.parts]
            parts = tuple(part for part in pieces if not _says_nothing(part)) or parts
        yield replace(first, parts=tuple(_whole_thoughts(parts)))


def _can_be_joined(message: Message) -> bool:
    return message.role == "assistant" and not message.vendor


def _says_nothing(part: Part) -> bool:
    return isinstance(part, Text) and not part.text and not part.vendor


def _whole_thoughts(parts: Iterable[Part]) -> Iterator[Part]:
    pieces: list[Reasoning] = []
    for part in parts:
        if isinstance(part, Reasoning) and part.signature is None and not part.vendor:
            pieces.append(part)
            continue
        if pieces and isinstance(part, Reasoning) and not part.text:
            yield replace(part, text="".join(piece.text for piece in pieces))
        else:
            yield from pieces
            yield part
        pieces = []
    yield from pieces
