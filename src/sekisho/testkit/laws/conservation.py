"""What one dialect says survives being said in another: texts, reasoning, tool calls, usage."""

from collections.abc import Callable

from sekisho.core.contract import Dialect
from sekisho.core.error import UpstreamError
from sekisho.core.fold import check, fold, unfold
from sekisho.core.message import Opaque, RedactedReasoning
from sekisho.core.reply import Reply
from sekisho.core.usage import Usage
from sekisho.testkit.laws import content, requests, streams
from sekisho.testkit.laws.replies import AS_IT_CAME


def request(source: Dialect, target: Dialect, body: bytes) -> None:
    """What the client asked in `source` arrives in `target` and comes back in `source`: but for what the
    losses on the way name."""
    asked = source.read_request(body)
    there = requests.honest(target, asked)
    requests.honest(source, there)


def reply(source: Dialect, target: Dialect, body: bytes) -> None:
    """A whole answer read in `source` says the same to a client of `target`, and back in `source`."""
    _survives(source.read_reply(body), target, _through_body)
    _full_circle(source.read_reply(body), source, target, _through_body)


def stream(source: Dialect, target: Dialect, data: bytes) -> None:
    """A stream read in `source` says the same to a client of `target`, and back in `source`."""
    said = fold(streams.read(source, [data]))

    def through(answer: Reply, dialect: Dialect) -> Reply:
        events = streams.read(source, [data]) if answer is said else unfold(answer)
        again = streams.read(dialect, [streams.write(dialect, events)])
        check(again)
        return fold(again)

    _survives(said, target, through)
    _full_circle(said, source, target, through)


def same_usage(*found: Usage | None) -> None:
    """However an answer was read, its counts are the same."""
    assert len(set(found)) == 1, f"usage differs by the way it was read: {found}"


def _full_circle(said: Reply, source: Dialect, target: Dialect, through: "_Through") -> None:
    _says(said, through(through(said, target), source), f"through {target.name} and back")


def _survives(said: Reply, target: Dialect, through: "_Through") -> None:
    heard = through(said, target)
    _says(said, heard, f"through {target.name}")
    if said.usage is None:
        return
    assert heard.usage is not None, f"{target.name} shows no usage"
    kept = (heard.usage.prompt, heard.usage.output, heard.usage.cache_read)
    expected = (said.usage.prompt, said.usage.output, said.usage.cache_read)
    assert kept == expected, f"of prompt, output, cached tokens {expected} {target.name} shows {kept}"


def _says(said: Reply, heard: Reply, way: str) -> None:
    # A dialect without alternatives is never asked for them: the request would have named the loss.
    for before, after in zip(said.choices, heard.choices, strict=False):
        solid = [part for part in before.parts if not isinstance(part, Opaque | RedactedReasoning)]
        lost = content.missing(content.of_parts(solid), content.of_parts(after.parts))
        assert not lost, f"lost {way}: {lost}\nsaid  {before}\nheard {after}"
        same = before.finish.reason == after.finish.reason
        assert same or before.finish.reason not in ("length", "tool_calls"), (
            f"{way} the finish {before.finish} became {after.finish}"
        )
    assert heard.choices or not said.choices, f"no answer left {way}"


def _through_body(answer: Reply, dialect: Dialect) -> Reply:
    body = dialect.write_reply(answer, AS_IT_CAME)
    try:
        return dialect.read_reply(body)
    except UpstreamError as error:
        raise AssertionError(f"{dialect.name} cannot read its own {body!r}: {error.message}") from error


_Through = Callable[[Reply, Dialect], Reply]
