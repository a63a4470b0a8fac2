"""Laws of reading and writing requests."""

import msgspec

from sekisho.core.contract import Dialect, TargetFacts, Written
from sekisho.core.error import BadRequest
from sekisho.core.request import Request
from sekisho.testkit.laws import content
from sekisho.testkit.laws.refusal import refusal
from sekisho.wire.json import encode, members

MAX_OUTPUT = 4096


def write(dialect: Dialect, request: Request, extensions: frozenset[str] = frozenset()) -> Written:
    """`request` for its own model, with nothing added that the client did not ask for."""
    target = TargetFacts(
        model=request.model, max_output=MAX_OUTPUT, count_stream_usage=False, extensions=extensions
    )
    return dialect.write_request(request, target)


def read(dialect: Dialect, body: bytes, sent: Request | None = None) -> Request:
    """The request in `body`. What some dialects say in the path instead, the model and whether to stream, is
    as in `sent`, or a model's name and no stream."""
    request = dialect.read_request(body)
    if request.model:
        return request
    if sent is None:
        return msgspec.structs.replace(request, model="author/model")
    return msgspec.structs.replace(request, model=sent.model, stream=sent.stream)


def round_trip(dialect: Dialect, body: bytes) -> None:
    """A dialect can say everything that it can read to an endpoint that takes it, and reads the same from
    what it wrote."""
    request = read(dialect, body)
    written = write(dialect, request, frozenset(members(body)))
    assert not written.losses, f"{dialect.name} loses of its own request {written.losses}"
    again = read(dialect, written.body)
    assert again == request, f"read {request}\nwrote {written.body!r}\nread back {again}"


def idempotent(dialect: Dialect, request: Request) -> None:
    """What was read from written bytes is written as the same bytes."""
    body = write(dialect, request).body
    again = write(dialect, read(dialect, body, request)).body
    assert again == body, f"{body!r}\nbecame {again!r}"


def honest(dialect: Dialect, request: Request) -> Request:
    """Everything in `request` can be read back from what was written, or a loss names it; and no content
    loss is named for nothing. Returns what was read back."""
    written = write(dialect, request)
    again = read(dialect, written.body, request)
    said, heard = content.of_request(request), content.of_request(again)
    said = content.moved(said, written.losses)
    silent = content.missing(content.unnamed(said, written.losses), heard)
    assert not silent, (
        f"{dialect.name} lost without a word {silent}\nnamed {written.losses}\nin {written.body!r}"
    )
    untrue = content.untrue(written.losses, content.missing(said, heard))
    assert not untrue, f"{dialect.name} names {untrue}, but they are in {written.body!r}"
    return again


def spliced(dialect: Dialect, body: bytes) -> None:
    """A request that passes through asks the same of another model: every other value goes byte for byte, in
    the order in which it came, but for the usage of a stream, which metering asks for."""
    before, after = members(body), members(body)
    dialect.check_members(after)
    asked = dialect.read_request(body)
    saw_usage = dialect.patch_request(after, TargetFacts(model="upstream/model"))
    assert list(after)[: len(before)] == list(before), f"{list(before)} became {list(after)}"
    changed = {name for name in after if after[name] != before.get(name)}
    allowed = {"model", "stream_options"} if asked.stream else {"model"}
    assert changed <= allowed, f"passing through changed {sorted(changed)}"
    assert saw_usage or not asked.include_usage, "the client asked to see usage"
    again = dialect.read_request(encode(after))
    if asked.model:
        assert again.model == "upstream/model", f"the model went as {again.model}"
    same = msgspec.structs.replace(again, model=asked.model, include_usage=asked.include_usage)
    assert same == asked, f"asked {asked}\nwent {again}"


def read_is_total(dialect: Dialect, body: bytes) -> None:
    """Whatever a client sends is understood, or refused as the client's mistake with words that say why."""
    refusal(lambda: dialect.read_request(body), BadRequest)
    refusal(lambda: dialect.check_members(members(body)), BadRequest)


def stable_prefix(dialect: Dialect, request: Request) -> None:
    """From one turn to the next the earlier messages, the tools and the instructions stay byte for byte, so
    that the provider's prompt cache keeps hitting."""
    turns = [
        index
        for index, message in enumerate(request.messages)
        if message.role == "assistant" and index and request.messages[index - 1].role == "user"
    ]
    instructions = [sum(_instructs(request, index) for index in range(turn)) for turn in turns]
    total = sum(_instructs(request, index) for index in range(len(request.messages)))
    whole = _members(dialect, request)
    for turn, instructed in zip(turns, instructions, strict=True):
        part = _members(dialect, msgspec.structs.replace(request, messages=request.messages[:turn]))
        for name in part.keys() - {"messages", "contents", "input"}:
            if instructed == total:
                assert part[name] == whole[name], f"{name} changes after message {turn}"
        for name in part.keys() & {"messages", "contents", "input"}:
            before, after = _items(part[name]), _items(whole[name])
            assert before == after[: len(before)], (
                f"{name} before message {turn} changed: {before}\nbecame {after}"
            )


def _instructs(request: Request, index: int) -> bool:
    return request.messages[index].role in ("system", "developer")


def _members(dialect: Dialect, request: Request) -> dict[str, msgspec.Raw]:
    found = members(write(dialect, request).body)
    if request.cache is not None:
        dialect.cache_marks.strip(found)  # a mark on the whole moves along with the conversation's end
    return found


def _items(raw: msgspec.Raw) -> list[bytes]:
    return [bytes(item) for item in msgspec.json.decode(raw, type=list[msgspec.Raw])]
