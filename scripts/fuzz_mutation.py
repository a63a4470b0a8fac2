"""Changes to golden bytes that keep most of their structure: values, members, frames, and at times bytes."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from sekisho.testkit.laws.framing import carrying, frames

Path = tuple[str | int, ...]
ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2,
    0.5,
    1e300,
    -0.0,
    2**53,
    2**63,
    10**40,
    "",
    " ",
    "x",
    "\x00関\U0001f5fe",
    "null",
    "{}",
    "[1",
    "data:image/png;base64,aGk=",
    "data:,",
    "https://example.com/a.png",
    "SEKISHOSEAL1",
    "call_1SEKISHOSEAL1YW50aHJvcGljX21lc3NhZ2VzLnNpZw",
    "aGk",
    "2026-13-45T99:00:00Z",
    [],
    [None],
    [[]],
    [{}],
    ["x"],
    {},
    {"": None},
    {"type": "x"},
    {"type": "text", "text": None},
    {"text": 1},
)
BYTES = (b"", b"\xff", b"\x00", b'"', b"\\", b"\\ud83d", b"\r", b"\n", b"\xef\xbb\xbf", b",", b"}", b"1e999")
WORDS = ("type", "role", "index", "id", "content", "text", "error", "usage", "name", "model", "finish_reason")


class Mutator:
    """Draws everything from one source of chance, so that a seed tells it all."""

    def __init__(self, chance: random.Random, pool: Sequence[bytes]) -> None:
        self._chance = chance
        self._pool = pool
        """JSON of other cases, to graft values from."""

    def body(self, data: bytes) -> bytes:
        """A changed request, reply or error."""
        if self._chance.random() < 0.1:
            return self.torn(data)
        try:
            value = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self.torn(data)
        for _ in range(self._chance.choice([1, 1, 1, 2, 3, 5])):
            value = self._changed(value)
        return msgspec.json.encode(value)

    def stream(self, data: bytes) -> bytes:
        """A changed stream: of its frames, or of its bytes."""
        found = frames(data)
        if not found or self._chance.random() < 0.1:
            return self.torn(data)
        raws = [frame.raw for frame in found]
        for _ in range(self._chance.choice([1, 1, 1, 2, 3])):
            at = self._chance.randrange(len(raws))
            kind = self._chance.choice(["change", "change", "change", "drop", "double", "swap", "cut"])
            if kind == "change":
                (frame, *_) = frames(raws[at]) or [None]
                if frame is not None and frame.data.startswith(b"{"):
                    raws[at] = carrying(frame, self.body(frame.data))
            elif kind == "drop" and len(raws) > 1:
                del raws[at]
            elif kind == "double":
                raws.insert(at, raws[at])
            elif kind == "swap":
                other = self._chance.randrange(len(raws))
                raws[at], raws[other] = raws[other], raws[at]
            elif kind == "cut" and at:
                raws = raws[:at]
        return b"".join(raws)

    def torn(self, data: bytes) -> bytes:
        """A few bytes gone wrong, anywhere."""
        for _ in range(self._chance.choice([1, 1, 2, 4])):
            at = self._chance.randrange(len(data) + 1)
            gone = self._chance.choice([0, 1, 1, 7])
            data = data[:at] + self._chance.choice(BYTES) + data[at + gone :]
        return data

    def _changed(self, value: Any) -> Any:
        path = self._chance.choice(list(paths(value)))
        change: Callable[[Any, Path], Any] = self._chance.choice(
            [
                self._odd,
                self._odd,
                self._gone,
                self._graft,
                self._move,
                self._repeat,
                self._rename,
                self._word,
            ]
        )
        return change(value, path)

    def _odd(self, value: Any, path: Path) -> Any:
        return put(value, path, self._chance.choice(ODD))

    def _gone(self, value: Any, path: Path) -> Any:
        return without(value, path) if path else {}

    def _graft(self, value: Any, path: Path) -> Any:
        """A value of another case in the place of one here."""
        try:
            other = msgspec.json.decode(self._chance.choice(self._pool))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return value
        return put(value, path, at(other, self._chance.choice(list(paths(other)))))

    def _move(self, value: Any, path: Path) -> Any:
        """A value of this case in the place of another."""
        return put(value, path, at(value, self._chance.choice(list(paths(value)))))

    def _repeat(self, value: Any, path: Path) -> Any:
        found = at(value, path)
        if isinstance(found, list | str):
            return put(value, path, found * self._chance.choice([2, 3, 40]))
        return put(value, path, [found, found])

    def _rename(self, value: Any, path: Path) -> Any:
        found = at(value, path)
        if not isinstance(found, dict) or not found:
            return value
        old = self._chance.choice(list(found))
        new = self._chance.choice([*WORDS, *found, old.upper(), f"{old}_x"])
        return put(value, path, {new if name == old else name: member for name, member in found.items()})

    def _word(self, value: Any, path: Path) -> Any:
        """One text of this case in the place of a value: types, roles and ids that do not belong."""
        found = [place for place in paths(value) if isinstance(at(value, place), str)]
        if not found:
            return value
        into = path if isinstance(at(value, path), str) else self._chance.choice(found)
        return put(value, into, at(value, self._chance.choice(found)))


# --- places in JSON -------------------------------------------------------------------------------


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Where every value stands, the whole first."""
    yield path
    if isinstance(value, dict):
        for name, member in value.items():
            yield from paths(member, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from paths(item, (*path, index))


def at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def put(value: Any, path: Path, new: Any) -> Any:
    """`value` with another one at `path`."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


def without(value: Any, path: Path) -> Any:
    """`value` without what stands at `path`, which is not the whole."""
    parent = at(value, path[:-1])
    if isinstance(parent, dict):
        kept: Any = {name: member for name, member in parent.items() if name != path[-1]}
    else:
        kept = [item for index, item in enumerate(parent) if index != path[-1]]
    return put(value, path[:-1], kept)


# --- growing --------------------------------------------------------------------------------------

PUMPS = ("a", '"', "\\", "\n", " ", "<", "関", "{", "[", "SEKISHOSEAL1", "data:", "=", "A", "\x00", "`", "/")


def pumped(value: Any, path: Path, filling: str, size: int) -> Any:
    """`value` with what stands at `path` grown to about `size` bytes: a list by its items, an object by
    members, anything else by text."""
    found = at(value, path)
    if isinstance(found, list) and found:
        return put(value, path, found * max(1, size // len(msgspec.json.encode(found))))
    if isinstance(found, dict) and found:
        member = next(iter(found.values()))
        count = max(1, size // (len(msgspec.json.encode(member)) + 8))
        return put(value, path, found | {f"x{number}": member for number in range(count)})
    return put(value, path, filling * (size // len(filling)))
