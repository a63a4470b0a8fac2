"""YAML text -> a tree in which everything knows its line and column.

Built from the parser's events without recursion, so that no document, however deep or wide, can exhaust
the stack; aliases are followed, but the tree they unfold to is bounded.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import NoReturn, Protocol

import yaml

from sekisho.core.secret import REFERENCE
from sekisho.routing.problem import DocumentError, Problem

MAX_BYTES = 1 << 20
MAX_NODES = 200_000
"""Of the unfolded tree: every alias counts as many nodes as what it stands for."""
MAX_DEPTH = 32

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEAN = frozenset({"true", "True", "TRUE", "false", "False", "FALSE"})
_NUMBER = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_STAND_INS = "\ufdd0\ufdd1"
"""Two of Unicode's noncharacters, which no text contains."""
_UNSHIELD = MappingProxyType(str.maketrans(_STAND_INS, "{}"))


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value as it was written, without its quotes."""

    line: int
    column: int
    text: str
    plain: bool
    """Not in quotes, so that it may be a number, a boolean or nothing."""
    size: int = 1

    @property
    def kind(self) -> str:
        """What a person would call it, by YAML 1.2's core schema (so `no` is text, not false)."""
        if not self.plain:
            return "text"
        if self.text in _NULL:
            return "nothing"
        if self.text in _BOOLEAN:
            return "a boolean"
        return "a number" if _NUMBER.fullmatch(self.text) else "text"


@dataclass(frozen=True, slots=True)
class Sequence:
    line: int
    column: int
    items: tuple["Node", ...]
    size: int
    kind: str = "a list"


@dataclass(frozen=True, slots=True)
class Mapping:
    line: int
    column: int
    entries: tuple[tuple["Node", "Node"], ...]
    size: int
    kind: str = "a map"


Node = Scalar | Sequence | Mapping


@dataclass(slots=True)
class _Open:
    """A collection whose end has not been seen."""

    event: yaml.CollectionStartEvent
    children: list[Node]
    size: int = 1

    def close(self) -> Node:
        line, column = _position(self.event.start_mark)
        if isinstance(self.event, yaml.MappingStartEvent):
            pairs = tuple(zip(self.children[::2], self.children[1::2], strict=True))
            return Mapping(line, column, pairs, self.size)
        return Sequence(line, column, tuple(self.children), self.size)


class _Mark(Protocol):
    line: int
    column: int


def _shield(text: str) -> str:
    """`${NAME}` with stand-ins for its braces, one character each, so that columns stay true.

    YAML takes a brace inside `{...}` or `[...]` for structure; people write `{api_key: ${KEY}}` there.
    """
    return REFERENCE.sub(lambda match: f"${_STAND_INS[0]}{match[1]}{_STAND_INS[1]}", text)


def parse(text: bytes, source: str) -> Node | None:
    """The document's tree; None for a document without content. Raises DocumentError."""
    if len(text) > MAX_BYTES:
        _refuse(source, 1, 1, f"the document is larger than {MAX_BYTES >> 20} MiB")
    try:
        return _Tree(source).build(_events(_shield(text.decode("utf-8-sig"))))
    except UnicodeDecodeError as error:
        _refuse(source, *_end(text[: error.start]), "not UTF-8 from here on; save the file as UTF-8")
    except yaml.reader.ReaderError as error:
        before = text.decode("utf-8-sig")[: error.position].encode()
        _refuse(source, *_end(before), f"the character U+{_code(error.character):04X} is not allowed in YAML")
    except yaml.MarkedYAMLError as error:
        line, column = _position(error.problem_mark or error.context_mark)
        _refuse(source, line, column, _syntax_message(error))


def _events(text: str) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(text, Loader=yaml.SafeLoader)
    except (ValueError, OverflowError) as error:  # `%YAML 99...9.0`, `"\UFFFFFFFF"`: not wrapped by PyYAML
        raise yaml.MarkedYAMLError(problem=f"unreadable number or escape ({error})") from None


def _syntax_message(error: yaml.MarkedYAMLError) -> str:
    problem = str(error.problem or "cannot be read")
    if "'\\t'" in problem:
        return "a tab where YAML wants spaces; indent with spaces"
    context = f" ({error.context})" if error.context else ""
    return f"not YAML: {problem}{context}"


def _end(before: bytes) -> tuple[int, int]:
    """Where text that follows `before` starts."""
    return before.count(b"\n") + 1, len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1


def _code(character: int | str) -> int:
    return character if isinstance(character, int) else ord(character)


def _position(mark: _Mark | None) -> tuple[int, int]:
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


def _refuse(source: str, line: int, column: int, message: str) -> NoReturn:
    raise DocumentError([Problem(source, line, column, "", message)])


class _Tree:
    def __init__(self, source: str):
        self.source = source
        self.root: Node | None = None
        self.open: list[_Open] = []
        self.anchors: dict[str, Node] = {}
        self.documents = 0

    def build(self, events: Iterator[yaml.Event]) -> Node | None:
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._start_document(event)
            elif isinstance(event, yaml.CollectionStartEvent):
                self._start_collection(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                closed = self.open.pop()
                self._add(closed.close(), closed.event)
            elif isinstance(event, yaml.AliasEvent):
                self._add(self._target(event), event)
            elif isinstance(event, yaml.ScalarEvent):
                self._refuse_tag(event)
                line, column = _position(event.start_mark)
                self._add(Scalar(line, column, event.value.translate(_UNSHIELD), event.style is None), event)
        return self.root

    def _start_document(self, event: yaml.DocumentStartEvent) -> None:
        self.documents += 1
        if self.documents > 1:
            self._refuse(event, "a second document in one file; a configuration is one document")

    def _start_collection(self, event: yaml.CollectionStartEvent) -> None:
        self._refuse_tag(event)
        if len(self.open) >= MAX_DEPTH:
            self._refuse(event, f"nested deeper than {MAX_DEPTH} levels")
        if event.anchor:
            self.anchors.pop(event.anchor, None)  # an alias inside must not find an older anchor of this name
        self.open.append(_Open(event, []))

    def _target(self, event: yaml.AliasEvent) -> Node:
        node = self.anchors.get(event.anchor or "")
        if node is None:
            self._refuse(
                event,
                "this alias has no anchor that is complete before it; text that starts with * needs quotes",
            )
        return node

    def _add(self, node: Node, event: yaml.NodeEvent) -> None:
        if event.anchor and not isinstance(event, yaml.AliasEvent):
            self.anchors[event.anchor] = node
        if not self.open:
            self.root = node
            return
        parent = self.open[-1]
        parent.children.append(node)
        parent.size += node.size
        if parent.size > MAX_NODES:
            self._refuse(event, f"the document unfolds to more than {MAX_NODES} values")

    def _refuse_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.tag is not None and event.tag != "!":
            self._refuse(
                event, "tags are not understood; leave it out, or put text that starts with ! in quotes"
            )

    def _refuse(self, event: yaml.Event, message: str) -> NoReturn:
        _refuse(self.source, *_position(event.start_mark), message)
