"""The other spelling of Google's members: protobuf's JSON also takes them as `snake_case` in requests.

Requests are brought to camelCase before they are read, where the format's own members stand only: schemas,
arguments and results of functions keep their bytes. Who writes camelCase, as nearly everybody does, pays for
one search. A request that passes through is never changed by this.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from sekisho.wire.json import encode, items_of, members_of

if TYPE_CHECKING:
    from sekisho.core.contract import Members

Tree = Mapping[str, "Tree"]
"""Members, camelCase, that hold more members of the format (or lists of such)."""

_MEDIA: Tree = {"inlineData": {}, "fileData": {}, "videoMetadata": {}}
_PART: Tree = {
    **_MEDIA,
    "functionCall": {},
    "functionResponse": {"parts": _MEDIA},
    "executableCode": {},
    "codeExecutionResult": {},
}
_CONTENT: Tree = {"parts": _PART}
_REQUEST: Tree = {
    "contents": _CONTENT,
    "systemInstruction": _CONTENT,
    "generationConfig": {"thinkingConfig": {}, "speechConfig": {}, "imageConfig": {}},
    "tools": {"functionDeclarations": {}, "googleSearchRetrieval": {}, "computerUse": {}, "fileSearch": {}},
    "toolConfig": {"functionCallingConfig": {}, "retrievalConfig": {}},
    "safetySettings": {},
}
_TREE: Tree = {**_REQUEST, "generateContentRequest": _REQUEST}

_OBJECT, _ARRAY = b"{["
_SNAKE = re.compile(rb'"[a-z0-9]++(?:_[a-z0-9]++)++"\s*+:')


def camel(body: bytes) -> bytes:
    """`body` in camelCase; itself where it is so already. Raises msgspec.DecodeError for broken JSON."""
    if b"_" not in body or _SNAKE.search(body) is None:
        return body
    return bytes(_rename(msgspec.Raw(body.strip()), _TREE))


def camel_name(name: str) -> str:
    """`max_output_tokens` -> `maxOutputTokens`."""
    first, *more = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in more) if first else name


def _rename(raw: msgspec.Raw, tree: Tree) -> msgspec.Raw:
    if memoryview(raw)[0] == _ARRAY:
        return msgspec.Raw(encode([_rename_object(item, tree) for item in items_of(raw)]))
    return _rename_object(raw, tree)


def _rename_object(raw: msgspec.Raw, tree: Tree) -> msgspec.Raw:
    if memoryview(raw)[0] != _OBJECT:
        return raw
    found: Members = {}
    for name, value in members_of(raw).items():
        known = camel_name(name)
        found[known] = _rename(value, tree[known]) if known in tree else value
    return msgspec.Raw(encode(found))
