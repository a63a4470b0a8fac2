"""Google's schemas (a subset of OpenAPI 3.0) as JSON Schema, which all other dialects and clients speak.

They differ in the spelling of types (`"STRING"`), in `nullable`, and in lengths that protobuf writes as
strings. `propertyOrdering` has no like; the order of the properties is kept and says the same.
https://ai.google.dev/api/caching#Schema (2026-11)
"""

from typing import Any

import msgspec

from sekisho.wire.json import decode, raw

_LENGTHS = frozenset(("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"))
_UNLIKE = frozenset(("propertyOrdering", "nullable"))


def from_openapi(schema: msgspec.Raw) -> msgspec.Raw:
    """The same in JSON Schema. Raises msgspec.DecodeError or RecursionError."""
    return raw(_convert(decode(schema)))


def _convert(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    found = {name: _member(name, value) for name, value in schema.items() if name not in _UNLIKE}
    if schema.get("nullable") is True and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
        if isinstance(found.get("enum"), list) and None not in found["enum"]:
            found["enum"] = [*found["enum"], None]
    return found


def _member(name: str, value: Any) -> Any:
    if name == "type" and isinstance(value, str):
        return value.lower()
    if name == "properties" and isinstance(value, dict):
        return {key: _convert(inner) for key, inner in value.items()}
    if name == "items":
        return _convert(value)
    if name == "anyOf" and isinstance(value, list):
        return [_convert(inner) for inner in value]
    if name in _LENGTHS and isinstance(value, str) and value.isdecimal() and len(value) < 16:
        return int(value)
    return value
