"""A Gemini request as the provider's own JSON reader sees it: types checked, names in one spelling."""

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import Any, NoReturn

from sekisho.testkit.provider.format import Refused
from sekisho.testkit.provider.gemini_fields import FIELDS
from sekisho.testkit.provider.google_errors import bad_request

_TYPES = {"string": "TYPE_STRING", "bytes": "TYPE_BYTES", "bool": "TYPE_BOOL", "integer": "TYPE_INT32"}
_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "bytes": (str,),
    "bool": (bool,),
    "integer": (int, str),
    "number": (int, float, str),
    "struct": (dict,),
}


def read(body: Any, kind: str, *, strict: bool) -> dict[str, Any]:
    """The request with every name in camel case: the provider takes both spellings. Raises Refused."""
    walk = _Walk()
    made = walk.message(body, kind, "")
    if walk.unknown and strict:
        said = [
            {
                **({"field": path} if path else {}),
                "description": f'Invalid JSON payload received. Unknown name "{name}"'
                + (f" at '{path}'" if path else "")
                + ": Cannot find field.",
            }
            for path, name in walk.unknown
        ]
        raise Refused(400, bad_request("\n".join(one["description"] for one in said), said))
    return made


def camel(name: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)


def snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda match: "_" + match[1].lower(), name)


@dataclass(slots=True)
class _Walk:
    unknown: list[tuple[str, str]] = field(default_factory=list)
    """(path of the message, name) of every member that is not one."""

    def message(self, value: Any, kind: str, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            _invalid(path, kind, value)
        fields = FIELDS[kind]
        made: dict[str, Any] = {}
        for name, member in value.items():
            spelt = camel(name)
            if spelt not in fields:
                self.unknown.append((path, name))
            elif member is not None:
                below = f"{path}.{snake(spelt)}" if path else snake(spelt)
                made[spelt] = self._value(member, fields[spelt], below)
        return made

    def _value(self, value: Any, kind: str, path: str) -> Any:
        if kind.startswith("["):
            listed = value if isinstance(value, list) else [value]
            return [self._value(item, kind[1:-1], f"{path}[{at}]") for at, item in enumerate(listed)]
        if kind.startswith("{"):
            if not isinstance(value, dict):
                _invalid(path, "map", value)
            return {
                name: self._value(item, kind[1:-1], f"{path}[{at}].value")
                for at, (name, item) in enumerate(value.items())
            }
        if kind in FIELDS:
            return self.message(value, kind, path)
        return _scalar(value, kind, path)


def _scalar(value: Any, kind: str, path: str) -> Any:
    kinds = _KINDS.get(kind)
    if kinds is None:
        return value
    if not isinstance(value, kinds) or (isinstance(value, bool) and kind != "bool"):
        _invalid(path, kind, value)
    if kind == "bytes":
        _check_base64(str(value), path)
    return value


def _check_base64(text: str, path: str) -> None:
    """Either alphabet is taken, with or without padding."""
    standard = text.replace("-", "+").replace("_", "/")
    try:
        base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        said = f"Invalid value at '{path}' (TYPE_BYTES), Base64 decoding failed for \"{text[:64]}\""
        raise Refused(400, bad_request(said, [{"field": path, "description": said}])) from None


def _invalid(path: str, kind: str, value: Any) -> NoReturn:
    shown = f'"{value}"' if isinstance(value, str) else type(value).__name__
    of = _TYPES.get(kind, f"type.googleapis.com/google.ai.generativelanguage.v1beta.{kind}")
    said = f"Invalid value at '{path}' ({of}), {shown}"
    raise Refused(400, bad_request(said, [{"field": path, "description": said}]))
