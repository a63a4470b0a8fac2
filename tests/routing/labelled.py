"""The prompts that the scorer is calibrated on, and those that are held out from it."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from sekisho.core.tier import Sample, Tier
from sekisho.pipeline.excerpt import sample
from sekisho.wire import json

FOLDER = Path(__file__).parent / "prompts"
HELD_OUT = 0.4
"""Share of the prompts."""
LATER = "later.jsonl"
"""Written after the lists of words, in another style: all of it is held out."""
FILLER = {
    "en": "Section {}. The parties agree that the goods are delivered to the warehouse. ",
    "ja": "第{}条　当事者は、商品を下記の日に倉庫へ引き渡すことに合意する。",
}
FILLER_BYTES = 300_000


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    tier: Tier
    prompt: Any
    """A text, or messages as in Chat Completions."""
    after: str | None = None
    """The language of a long text that the prompt stands after."""


@dataclass(frozen=True)
class Labelled:
    tier: Tier
    sample: Sample
    language: str
    held_out: bool
    later: bool


def labelled() -> Iterator[Labelled]:
    """All of them, in the order of the files. Who is held out is said by a digest of the prompt alone."""
    for path in sorted(FOLDER.glob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            read = msgspec.json.decode(line, type=_Line)
            digest = sha256(json.encode(read.prompt)).digest()
            text = str(read.prompt)
            yield Labelled(
                read.tier,
                sampled(read),
                "ja" if any("\u3040" <= character <= "\u30ff" for character in text) else "en",
                path.name == LATER or int.from_bytes(digest[:4], "big") / 2**32 < HELD_OUT,
                path.name == LATER,
            )


def sampled(line: _Line) -> Sample:
    messages = line.prompt
    if line.after is not None:
        filler = FILLER[line.after]
        times = FILLER_BYTES // len(filler.encode())
        messages = "".join(filler.format(at) for at in range(times)) + "\n" + messages
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    body = json.encode({"model": "sekisho/auto", "messages": messages})
    return sample(body, json.members(body))
