"""What kind of work a call asks for, as far as a look at its request tells."""

from collections.abc import Callable
from typing import Literal, get_args

from sekisho.core.message import Value

Tier = Literal["lookup", "general", "reasoning", "coding", "vision", "long_context"]
"""lookup: a fact, a label, a value out of a text: the answer is a few words. general: writing, rewriting,
summing up, explaining, talking. reasoning: steps that build on each other: proofs, plans under constraints,
trade-offs, causes. coding: code, queries, commands and configuration, written, read or mended. vision: with
images. long_context: with more text than most models read well."""
TIERS: tuple[Tier, ...] = get_args(Tier)
MOST_SIGNS = 8
LONGEST_SIGN = 64
"""Characters."""


class Sample(Value, frozen=True, kw_only=True):
    """What a scorer sees of a call."""

    text: str
    """What the user says last, tools' results aside. Of a long text its beginning and its end."""
    system: str = ""
    """How the instructions begin."""
    turns: int = 0
    """Messages before that one."""
    tokens: int = 0
    """Of the whole request, about, by its length."""
    images: bool = False
    tools: bool = False


class Judgement(Value, frozen=True, kw_only=True):
    """What a scorer makes of a sample. Raises ValueError where the score is none."""

    tier: Tier
    score: float
    """How likely a strong model is needed, from 0 to 1."""
    signs: tuple[str, ...] = ()
    """What spoke for it, for people: words of the scorer's own, never of the prompt's. `MOST_SIGNS` at most,
    of `LONGEST_SIGN`."""

    def __post_init__(self) -> None:
        if self.tier not in TIERS:
            msg = f"a scorer must answer with one of {', '.join(TIERS)}, not {self.tier!r}"
            raise ValueError(msg)
        if not 0.0 <= self.score <= 1.0:
            msg = f"a scorer's score must lie between 0 and 1, but is {self.score}"
            raise ValueError(msg)
        if len(self.signs) > MOST_SIGNS or any(len(sign) > LONGEST_SIGN for sign in self.signs):
            msg = f"a scorer may name {MOST_SIGNS} signs of at most {LONGEST_SIGN} characters each"
            raise ValueError(msg)


Scorer = Callable[[Sample], Judgement]
"""Pure, and done within a millisecond, since every other call of the process waits for it. What it raises
fails the call."""
