"""What is fuzzed: golden requests, replies, streams and errors, and how each is judged."""

import base64
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import msgspec

from sekisho.core.contract import Dialect
from sekisho.dialects import (
    anthropic_messages,
    bedrock_converse,
    gemini_generate,
    openai_chat,
    openai_completions,
    openai_responses,
)
from sekisho.testkit import golden
from sekisho.testkit.laws import streams, totality

GOLDEN = Path(__file__).parents[1] / "tests" / "golden"
CONVERSING = (
    openai_chat.DIALECT,
    openai_responses.DIALECT,
    anthropic_messages.DIALECT,
    gemini_generate.DIALECT,
    bedrock_converse.DIALECT,
)
DIALECTS = {dialect.name: dialect for dialect in (*CONVERSING, openai_completions.DIALECT)}
Kind = Literal["request", "reply", "stream", "error"]
KINDS: tuple[Kind, ...] = ("request", "reply", "stream", "error")


@dataclass(frozen=True, slots=True)
class Sample:
    kind: Kind
    dialect: str
    name: str
    """The golden case that it comes from."""
    data: bytes
    status: int = 500
    headers: tuple[tuple[bytes, bytes], ...] = ()
    cuts: tuple[int, ...] = ()
    """Where the network cuts a stream."""

    def with_data(self, data: bytes) -> "Sample":
        return replace(self, data=data)


class Saved(msgspec.Struct, omit_defaults=True):
    """A sample in a file. The data stands there as text where it is text."""

    kind: Kind
    dialect: str
    name: str
    text: str | None = None
    base64: str | None = None
    status: int = 500
    headers: dict[str, str] = {}
    cuts: tuple[int, ...] = ()


def load(content: bytes) -> Sample:
    """The sample in a file that `save` made."""
    saved = msgspec.json.decode(content, type=Saved)
    data = base64.b64decode(saved.base64) if saved.text is None else saved.text.encode()
    headers = tuple(
        (name.encode("latin-1"), value.encode("latin-1")) for name, value in saved.headers.items()
    )
    return Sample(saved.kind, saved.dialect, saved.name, data, saved.status, headers, saved.cuts)


def save(sample: Sample) -> bytes:
    try:
        text, encoded = sample.data.decode(), None
    except UnicodeDecodeError:
        text, encoded = None, base64.b64encode(sample.data).decode()
    saved = Saved(
        kind=sample.kind,
        dialect=sample.dialect,
        name=sample.name,
        text=text,
        base64=encoded,
        status=sample.status,
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in sample.headers},
        cuts=sample.cuts,
    )
    return msgspec.json.format(msgspec.json.encode(saved), indent=1) + b"\n"


def corpus(root: Path = GOLDEN) -> list[Sample]:
    """Every golden request, reply, stream and error of every dialect."""
    found: list[Sample] = []
    for name in DIALECTS:
        for case in [*golden.cases(root, name), *golden.cases(root / "transcripts", name)]:
            answers: list[tuple[Kind, bytes | None]] = [
                ("request", case.request),
                ("reply", case.reply),
                ("stream", case.stream),
            ]
            found += [Sample(kind, name, case.name, data) for kind, data in answers if data is not None]
        for broken in golden.broken_streams(root, name):
            found.append(Sample("stream", name, broken.name, broken.stream or b""))
        for error in golden.errors(root, name):
            found.append(Sample("error", name, error.name, error.body, error.status, error.headers))
    return found


def judge(sample: Sample, targets: Sequence[Dialect]) -> None:
    """Raises what the sample makes go wrong, if anything."""
    source = DIALECTS[sample.dialect]
    match sample.kind:
        case "request":
            totality.request(source, targets, sample.data)
        case "reply":
            totality.reply(source, targets, sample.data)
        case "stream":
            totality.stream(source, targets, streams.split(sample.data, sample.cuts))
        case "error":
            totality.error(source, targets, sample.status, sample.headers, sample.data)


def with_cuts(sample: Sample, chance: random.Random) -> Sample:
    """A stream, cut by the network at random."""
    if sample.kind != "stream" or not sample.data:
        return sample
    count = chance.choice([0, 1, 3, 20])
    return replace(sample, cuts=tuple(chance.randrange(len(sample.data) + 1) for _ in range(count)))
