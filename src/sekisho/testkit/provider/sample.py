"""Values that fit a JSON Schema, the same ones every time."""

from typing import Any

_SCALARS: dict[str, Any] = {"string": "Tokyo", "integer": 1, "number": 1.5, "boolean": True, "null": None}


def sample(schema: Any, root: Any = None) -> Any:
    """A value that fits the schema's types, members and enumerations; no lengths, patterns or ranges."""
    if not isinstance(schema, dict):
        return {}
    root = schema if root is None else root
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return sample(_resolve(root, reference), root)
    for chosen in ("const", "default"):
        if chosen in schema:
            return schema[chosen]
    if schema.get("enum"):
        return schema["enum"][0]
    for branches in ("anyOf", "oneOf", "allOf"):
        if schema.get(branches):
            return sample(schema[branches][0], root)
    return _by_type(schema, root)


def _by_type(schema: dict[str, Any], root: Any) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = kind[0]
    kind = str(kind).lower()  # Google's own schemas write types in capitals
    if kind == "object":
        return {name: sample(member, root) for name, member in schema.get("properties", {}).items()}
    if kind == "array":
        return [sample(schema.get("items"), root)]
    return _SCALARS.get(kind)


def _resolve(root: Any, reference: str) -> Any:
    found = root
    for step in reference.removeprefix("#/").split("/"):
        found = found.get(step, {}) if isinstance(found, dict) else {}
    return found
