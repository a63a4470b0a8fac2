"""Walks a document's tree by tables of known keys, and collects every problem on the way."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from sekisho.routing import node
from sekisho.routing.names import nearest_of
from sekisho.routing.node import Node, Scalar
from sekisho.routing.problem import Level, Path, Problem, Wrong

T = TypeVar("T")
Field = Callable[["Reader", Node, Path], Any]
"""Reads one value. Raises Wrong(reason and remedy) for a value that is wrong as a whole."""
Fields = Mapping[str, Field]

Places = dict[Path, tuple[int, int]]
"""Where each value of the document stands: line and column, from 1."""


class Reader:
    def __init__(self, source: str):
        self.source = source
        self.problems: list[Problem] = []
        self.places: Places = {}

    def report(self, at: Node, path: Path, message: str, level: Level = "error") -> None:
        self.problems.append(Problem(self.source, at.line, at.column, ".".join(path), message, level))

    def entries(self, at: Node, path: Path) -> Iterator[tuple[Scalar, Node, Path]]:
        """(key, value, path) of a map, each key once. Raises Wrong unless it is a map."""
        if isinstance(at, Scalar) and at.kind == "nothing":
            return  # `models:` with nothing below it
        if not isinstance(at, node.Mapping):
            raise Wrong(f"must be a map, but is {at.kind}")
        seen: dict[str, Scalar] = {}
        for key, value in at.entries:
            if not isinstance(key, Scalar) or key.kind == "nothing":
                self.report(key, path, f"a key must be text, but is {key.kind}")
                continue
            below = (*path, key.text)
            if key.text in seen:
                first = seen[key.text]
                self.report(key, below, f"stands twice; the first is in line {first.line}")
                continue
            seen[key.text] = key
            inside = isinstance(value, node.Mapping) or value.kind == "nothing"
            place = key if inside else value
            self.places[below] = (place.line, place.column)
            yield key, value, below

    def read(self, field: Field, at: Node, path: Path) -> Any:
        """The value, or None with the problem reported."""
        try:
            return field(self, at, path)
        except Wrong as error:
            self.report(at, path, str(error))
            return None

    def record(self, at: Node, path: Path, fields: Fields) -> dict[str, Any]:
        """The values of a map whose keys are known; what is missing or wrong is left out."""
        values: dict[str, Any] = {}
        for key, value, below in self.entries(at, path):
            field = fields.get(key.text)
            if field is None:
                self.report(key, below, _unknown(key.text, fields))
                continue
            result = self.read(field, value, below)
            if result is not None:
                values[key.text] = result
        return values

    def named(self, at: Node, path: Path, name: Callable[[Scalar], str], item: Field) -> tuple[Any, ...]:
        """What `item` makes of each value of a map whose keys are names that the operator chose."""
        items = []
        for key, value, below in self.entries(at, path):
            self.read(scalar(name), key, below)
            result = self.read(item, value, below)
            if result is not None:
                items.append(result)
        return tuple(items)


def scalar(convert: Callable[[Scalar], T]) -> Callable[[Reader, Node, Path], T]:
    """A field that is a single value."""

    def read(_: Reader, at: Node, __: Path) -> T:
        if not isinstance(at, Scalar):
            raise Wrong(f"must be a single value, but is {at.kind}")
        return convert(at)

    return read


def list_of(item: Field) -> Callable[[Reader, Node, Path], tuple[Any, ...]]:
    """A field that is a list."""

    def read(reader: Reader, at: Node, path: Path) -> tuple[Any, ...]:
        if not isinstance(at, node.Sequence):
            raise Wrong(f"must be a list, but is {at.kind}; write [...]")
        values = []
        for index, value in enumerate(at.items):
            below = (*path, str(index))
            reader.places[below] = (value.line, value.column)
            values.append(reader.read(item, value, below))
        return tuple(value for value in values if value is not None)

    return read


def _unknown(key: str, fields: Fields) -> str:
    near = nearest_of(key, fields, limit=1)
    return f"unknown key; did you mean `{near[0]}`?" if near else f"unknown key; known: {', '.join(fields)}"
