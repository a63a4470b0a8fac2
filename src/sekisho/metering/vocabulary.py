"""Published vocabularies, from the package `splintr`: nothing is fetched, and none is read unasked.

Reading one takes 20 to 45 ms and 20 to 40 MB (Gemma's 170 ms and 70 MB), and its first Japanese text another
40 to 140 ms. Both hold the interpreter's lock, measured on 2026-11-22, so that a thread would not spare the
event loop any of it. Hence `load` is called where an exact count was asked for, or before a gateway serves,
and never for an estimate.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import splintr

PIECE = 4_096
"""Characters that are encoded at once. SentencePiece vocabularies take quadratic time on some texts (Gemma 2:
7 s for 200,000 times a space and a newline), which pieces make linear."""
LOOK_BACK = 512
"""Characters before a piece's end that are searched for a place where no token can be cut."""
CACHED = 8_000_000
"""Characters encoded until a vocabulary forgets what it has seen. It keeps every word, however long, in a
cache that is bounded by number only: strangers' prompts must not add up in memory."""
WARMING = "箱根の関所: passes, 通行手形 and 3,000文.\n"


class Encoder(Protocol):
    """What is used of `splintr`'s tokenizers."""

    def encode_ordinary(self, text: str) -> Sequence[int]:
        """Special tokens that a prompt spells out are text."""
        ...

    def clear_cache(self) -> None: ...


class Vocabulary:
    """One vocabulary at hand."""

    __slots__ = ("_clear", "_encoded", "_encoder")

    def __init__(self, encoder: Encoder, *, keeps_words: bool):
        self._encoder = encoder
        self._clear = keeps_words
        self._encoded = 0

    def count(self, text: str) -> int:
        """Tokens of a text of at most PIECE characters. Lone surrogates count as what replaces them."""
        self._encoded += len(text)
        if self._clear and self._encoded > CACHED:
            self._encoder.clear_cache()
            self._encoded = 0
        try:
            return len(self._encoder.encode_ordinary(text))
        except UnicodeEncodeError:
            return len(self._encoder.encode_ordinary(text.encode("utf-8", "replace").decode()))


def read_vocabulary(name: str) -> Vocabulary:
    """A vocabulary that the package holds, warmed."""
    encoder = splintr.Tokenizer.from_pretrained(name)
    encoder.encode_ordinary(WARMING)
    return Vocabulary(encoder, keeps_words=encoder.family == "BPE")


class Vocabularies:
    """The vocabularies of one process."""

    def __init__(self, read: Callable[[str], Vocabulary] = read_vocabulary) -> None:
        self._read = read
        self._loaded: dict[str, Vocabulary] = {}

    def get(self, name: str) -> Vocabulary | None:
        """A vocabulary, if it was loaded."""
        return self._loaded.get(name)

    def load(self, name: str) -> Vocabulary:
        """A vocabulary, read if this is the first time: see above for what that takes."""
        found = self._loaded.get(name)
        if found is None:
            found = self._loaded[name] = self._read(name)
        return found


def pieces(text: str) -> Iterator[str]:
    """A text in pieces of at most PIECE characters, cut where words meet if there is such a place."""
    if len(text) <= PIECE:
        yield text
        return
    start = 0
    while len(text) - start > PIECE:
        end = _cut(text, start + PIECE)
        yield text[start:end]
        start = end
    yield text[start:]


def _cut(text: str, limit: int) -> int:
    low = limit - LOOK_BACK
    for mark in (" ", "。", "、"):  # what follows them begins with them, in every vocabulary's splitting
        found = text.rfind(mark, low, limit)
        if found > 0:
            return found
    return limit
