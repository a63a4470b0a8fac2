"""What a function gave back: `functionResponse.response`, an object, <-> the hub's texts.

Google reads `output` as what the function returned and `error` as what went wrong, and an object with neither
as a whole (https://ai.google.dev/api/caching#FunctionResponse, 2026-11). So a text that is an object goes as
it is, any other under `output`, and that of a failed call under `error`. `result`, which Google's SDKs write,
is read as well; the note `_result` says that it stood there.
"""

import msgspec

from sekisho.core.contract import Members
from sekisho.wire import tool_json
from sekisho.wire.json import encode, members_of, raw

OUTPUT, ERROR, RESULT = "output", "error", "result"
NOTE = "_result"

_text = msgspec.json.Decoder(str)
_RESERVED = ({OUTPUT}, {ERROR}, {RESULT})
_NOTED: Members = {NOTE: raw(value=True)}


def read(response: msgspec.Raw) -> tuple[str, bool, Members]:
    """(text, whether the call failed, notes). Raises msgspec.DecodeError unless it is an object."""
    found = members_of(response)
    if found.keys() == {OUTPUT}:
        return _plain(found[OUTPUT]), False, {}
    if found.keys() == {ERROR} and bytes(found[ERROR]) != b"null":
        return _plain(found[ERROR]), True, {}
    if found.keys() == {RESULT} and bytes(found[RESULT]).startswith(b'"'):
        return _text.decode(found[RESULT]), False, _NOTED
    return bytes(response).decode(), bool(found.keys() & {ERROR} and bytes(found[ERROR]) != b"null"), {}


def write(text: str, *, failed: bool, noted: bool) -> msgspec.Raw:
    """The `response`."""
    members = None if noted else object_in(text)
    value: object = text if members is None else msgspec.Raw(text.encode())
    if failed:
        return msgspec.Raw(encode({ERROR: value}))
    if noted:
        return msgspec.Raw(encode({RESULT: value}))
    if members is None or members.keys() in _RESERVED or ERROR in members:
        return msgspec.Raw(encode({OUTPUT: value}))
    return msgspec.Raw(text.encode())


def object_in(text: str) -> Members | None:
    """The members of an object that a text is, and nothing beside it."""
    if not (text.startswith("{") and text.endswith("}")):
        return None
    return tool_json.members(text)


def _plain(value: msgspec.Raw) -> str:
    return _text.decode(value) if bytes(value).startswith(b'"') else bytes(value).decode()
