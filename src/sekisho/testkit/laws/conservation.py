"""What one dialect says survives being said in another: texts, reasoning, tool calls, usage."""

from collections.abc import Sequence

import msgspec

from sekisho.core.contract import Dialect
from sekisho.core.event import Event
from sekisho.core.fold import check, fold
from sekisho.core.message import Audio, Opaque, Part, RedactedReasoning, Text, ToolCall
from sekisho.core.reply import Reply
from sekisho.core.usage import Usage
from sekisho.testkit.laws import content, requests, streams
from sekisho.testkit.laws.replies import AS_IT_CAME


def request(source: Dialect, target: Dialect, body: bytes) -> None:
    """What a client asks in `source` arrives in `target` and comes back to `source`, but for what the
    losses on the way name."""
    asked = requests.read(source, body)
    requests.honest(source, requests.honest(target, asked))


def reply(source: Dialect, target: Dialect, body: bytes) -> None:
    """A whole answer read in `source` says the same to a client of `target`, and back in `source`."""
    said = source.read_reply(body)
    back = reply_survives(reply_survives(said, target), source)
    _says_the_same(said, back, f"through {target.name} and back")


def reply_survives(said: Reply, target: Dialect) -> Reply:
    """What a client of `target` reads of an answer says the same. Returns it."""
    heard = target.read_reply(target.write_reply(said, AS_IT_CAME))
    _says_the_same(said, heard, f"through {target.name}")
    return heard


def stream(source: Dialect, target: Dialect, data: bytes) -> None:
    """A stream read in `source` says the same to a client of `target`, and back in `source`."""
    said = streams.read(source, [data])
    back = events_survive(events_survive(said, target), source)
    _says_the_same(fold(said), fold(back), f"streamed through {target.name} and back")


def events_survive(said: Sequence[Event], target: Dialect) -> list[Event]:
    """What a client of `target` reads of a stream is well formed and says the same. Returns it."""
    heard = streams.read(target, [streams.write(target, said)])
    check(heard)
    _says_the_same(fold(said), fold(heard), f"streamed through {target.name}")
    return heard


def same_usage(*found: Usage | None) -> None:
    """However an answer was read, its counts are the same."""
    assert len({repr(usage) for usage in found}) == 1, f"usage differs by the way it was read: {found}"


def _facts(parts: Sequence[Part]) -> list[content.Fact]:
    """What any client can make of an answer: of speech the transcript, of calls what is called. Parts that
    only one dialect or one provider understands have nowhere to go."""
    plain: list[Part] = []
    for part in parts:
        if isinstance(part, Audio):
            plain += [Text(text=part.transcript)] if part.transcript is not None else []
        elif isinstance(part, ToolCall):
            plain.append(msgspec.structs.replace(part, custom=False))  # who offered the tool knows
        elif not isinstance(part, Opaque | RedactedReasoning):
            plain.append(part)
    return content.of_parts(plain)


def _says_the_same(said: Reply, heard: Reply, way: str) -> None:
    assert heard.choices or not said.choices, f"no answer left {way}"
    # A dialect without alternatives is never asked for them: the request would have named the loss.
    for before, after in zip(said.choices, heard.choices, strict=False):
        lost = content.missing(_facts(before.parts), _facts(after.parts))
        assert not lost, f"lost {way}: {lost}\nsaid  {before}\nheard {after}"
        if before.finish.reason in ("stop", "length", "tool_calls"):
            assert before.finish.reason == after.finish.reason, (
                f"{way} the finish {before.finish} became {after.finish}"
            )
    if said.usage is not None:
        assert heard.usage is not None, f"no usage left {way}"
        kept = (heard.usage.prompt, heard.usage.output, heard.usage.cache_read)
        expected = (said.usage.prompt, said.usage.output, said.usage.cache_read)
        assert kept == expected, f"prompt, output and cached tokens {expected} became {kept} {way}"
