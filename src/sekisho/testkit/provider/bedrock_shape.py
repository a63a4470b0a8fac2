"""A Converse request held against the service model, as AWS's front end does before any model sees it."""

import base64
import binascii
import re
from typing import Any, NoReturn

from sekisho.testkit.provider.aws_errors import aws_error
from sekisho.testkit.provider.bedrock_fields import ENUMS, PATTERNS, RANGES, SHAPES, Shape

_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "text": (str,),
    "blob": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "map": (dict,),
}


def hold(value: Any, kind: str, path: str, *, strict: bool) -> None:
    """Raises Refused where the value is not of this shape; strict refuses members that it lacks."""
    if kind.startswith("["):
        if not isinstance(value, list):
            _unreadable(path, "list", value)
        for index, item in enumerate(value):
            hold(item, kind[1:-1], f"{path}.{index + 1}.member", strict=strict)
    elif kind in SHAPES:
        _hold_structure(value, kind, path, strict=strict)
    else:
        _hold_scalar(value, kind, path)


def _hold_structure(value: Any, kind: str, path: str, *, strict: bool) -> None:
    if not isinstance(value, dict):
        _unreadable(path, "structure", value)
    shape = SHAPES[kind]
    known = {name: member for name, member in value.items() if member is not None and name in shape.members}
    _check_presence(known, shape, kind, path)
    if strict:
        for name in sorted(value.keys() - shape.members.keys()):
            invalid(f"The request has a member '{_join(path, name)}' that {kind} does not have.")
    for name, member in known.items():
        below = _join(path, name)
        hold(member, shape.members[name], below, strict=strict)
        _constrain(member, f"{kind}.{name}", below)


def _check_presence(known: dict[str, Any], shape: Shape, kind: str, path: str) -> None:
    for name in shape.required:
        if name not in known:
            _violated("null", _join(path, name), "Member must not be null")
    if shape.union and len(known) != 1:
        invalid(
            f"The {kind} at {path} must set exactly one of: {', '.join(shape.members)}; it sets {len(known)}."
        )


def _hold_scalar(value: Any, kind: str, path: str) -> None:
    kinds = _KINDS.get(kind)
    if kinds is None:
        return
    if not isinstance(value, kinds) or (isinstance(value, bool) and kind != "boolean"):
        _unreadable(path, kind, value)
    if kind == "text" and not value:
        _violated("", path, "Member must have length greater than or equal to 1")
    if kind == "blob":
        try:
            if not base64.b64decode(str(value), validate=True):
                _violated("", path, "Member must have length greater than or equal to 1")
        except (binascii.Error, ValueError):
            _unreadable(path, "blob", value)


def _constrain(value: Any, place: str, path: str) -> None:
    if place in ENUMS and value not in ENUMS[place]:
        _violated(value, path, f"Member must satisfy enum value set: [{', '.join(ENUMS[place])}]")
    if place in PATTERNS and not re.fullmatch(PATTERNS[place], value):
        _violated(value, path, f"Member must satisfy regular expression pattern: {PATTERNS[place]}")
    if place in RANGES and not RANGES[place][0] <= value <= RANGES[place][1]:
        low, high = RANGES[place]
        _violated(value, path, f"Member must have value between {low} and {high}")
    if place == "ToolConfiguration.tools" and not value:
        _violated("[]", path, "Member must have length greater than or equal to 1")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def invalid(message: str) -> NoReturn:
    raise aws_error(400, "ValidationException", message)


def _violated(value: Any, path: str, constraint: str) -> NoReturn:
    invalid(
        f"1 validation error detected: Value '{value}' at '{path}' failed to satisfy constraint: {constraint}"
    )


def _unreadable(path: str, kind: str, value: Any) -> NoReturn:
    got = type(value).__name__
    raise aws_error(400, "SerializationException", f"{path}: {got} cannot be read as {kind}")
