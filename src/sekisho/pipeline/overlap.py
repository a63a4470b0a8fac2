"""Where a text that one model began and another goes on with meet: what both say must stand there once."""

import re

from sekisho.core.estimate import measure

LOOKED_BACK = 4096
"""Characters at the end of what was said that may be repeated in part. From its beginning, all may be."""
ENOUGH = 16
"""Weight of a repetition that is no accident: one for a character of ASCII, three for another one."""
ENOUGH_AFTER_A_GAP = 48
"""The same behind a line break, or white space that was not said before: the next line of a table or a
program often is as the last one was."""
ENOUGH_OF_A_PREFILL = 8
"""The same of all that was said: some servers give a prefill back before they go on."""
FENCE = re.compile(r"^ {0,3}```(.*)$", re.MULTILINE)
UNSPACED = "\u2e80"
"""Where the scripts begin that put no space between words."""
WHITE_MOST = 256
"""White space at its beginning for which a continuation is held back."""


class Overlap:
    """For one continuation: holds its beginning back until it is clear how much of that was said before.

    A model that was asked to go on may repeat the end of what it finds, all of it, or the word that was cut;
    one that was prefilled does not, but it was not shown white space at the end (Anthropic refuses it), and
    may or may not say that. One that goes on in the middle of a code block often opens that again. Nothing is
    ever taken off but what the client has.
    """

    __slots__ = ("_compared", "_decided", "_fence", "_held", "_prefilled", "_said", "_tail", "_white")

    def __init__(self, said: str, *, prefilled: bool) -> None:
        self._said = said.rstrip()
        self._white = said[len(self._said) :]
        self._tail = self._said[-LOOKED_BACK:]
        self._prefilled = prefilled
        self._fence = "" if prefilled else _open_fence(said)
        """The line that opened the code block which is open, until it has come again or something else."""
        self._held = ""
        self._compared = 0
        """Characters of the continuation that are as those at the beginning of what was said; -1: not so."""
        self._decided = not said

    def feed(self, text: str) -> str:
        """What of the continuation is new, as far as that is clear."""
        if self._decided:
            return text
        self._held += text
        self._skip_fence()
        return "" if self._is_open() else self.finish()

    def finish(self) -> str:
        """What was held back and is new, for nothing follows, or nothing that could change it."""
        if self._decided:
            return ""
        self._decided = True
        held, self._held = self._held, ""
        text = held.lstrip()
        gap = held[: len(held) - len(text)]
        new = text[self._repeated(text, gap) :]
        if len(new) == len(text):
            new = held
        return new[_met(self._white, new) :]

    def _skip_fence(self) -> None:
        text = self._held.lstrip()
        if self._fence and text.startswith(self._fence):
            self._held = text.removeprefix(self._fence)
            self._compared = -1
        if not self._fence.startswith(text):
            self._fence = ""

    def _is_open(self) -> bool:
        text = self._held.lstrip()
        if not text:
            return len(self._held) < WHITE_MOST
        if self._fence:
            return True
        if self._compared >= 0:
            more = text[self._compared :]
            self._compared = len(text) if self._said.startswith(more, self._compared) else -1
        return self._compared >= 0 or (not self._prefilled and text in self._tail)

    def _repeated(self, text: str, gap: str) -> int:
        """How many characters at the beginning of `text` were said last."""
        said = self._said
        if self._prefilled:
            again = text.startswith(said) and _weight(said) >= ENOUGH_OF_A_PREFILL
            return len(said) if again else 0
        apart = bool(gap) and not self._white
        if text.startswith(said) and _weight(said) >= (ENOUGH_AFTER_A_GAP if apart else ENOUGH):
            return len(said)
        apart = apart or "\n" in self._white
        enough = ENOUGH_AFTER_A_GAP if apart else ENOUGH
        length = min(len(text), len(self._tail))
        while length and not self._tail.endswith(text[:length]):
            length -= 1
        found = text[:length]
        is_word = not (gap or apart) and self._is_word(found)
        return length if is_word or _weight(found) >= enough else 0

    def _is_word(self, found: str) -> bool:
        """Whether what is repeated begins with a word, and is no syllable or figure that may well come twice:
        `ban` and `ana` make a banana, `fo` and `fox` no fofox."""
        before = self._said[: -len(found)][-1:]
        spaced = len(found) > 1 and found[0] < UNSPACED
        return spaced and found[0].isalpha() and not before.isalnum()


def _open_fence(said: str) -> str:
    """The line that opened the code block in the middle of which the text stops, with its line break; empty:
    none is open, or it names no language, so that it reads as one that closes."""
    fences: list[str] = FENCE.findall(said)
    named = fences[-1].strip() if len(fences) % 2 else ""
    return f"```{named}\n" if named and "`" not in named else ""


def _weight(text: str) -> int:
    plain, wide = measure(text)
    return plain + 3 * wide


def _met(white: str, new: str) -> int:
    """How many characters at the beginning of `new` are white space that was said last. A prefilled model was
    not shown it and says all of it, or less; another one may say some of it again."""
    said = new[: len(new) - len(new.lstrip())]
    length = min(len(white), len(said))
    if white[:length] == said[:length]:
        return length
    while length and not white.endswith(said[:length]):
        length -= 1
    return length
