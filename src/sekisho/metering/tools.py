"""Tools as the model sees them, which is not always the JSON that the client sent."""

from sekisho.wire import json

# https://github.com/openai/openai-cookbook, "How to count tokens with tiktoken", for GPT-4o (2026-11).
FUNCTION, PROPERTIES, PROPERTY, ENUM, ENUM_ITEM, END = 7, 3, 3, -3, 3, 12


def as_json(value: object) -> str:
    """A value as a model is shown it. Empty for one that was nested so deep that it could just be read."""
    try:
        return json.encode(value).decode()
    except RecursionError:
        return ""


def tools_as_json(tools: list[object]) -> list[str]:
    """What most models are shown: the definitions themselves."""
    return [as_json(value) for value in tools]


def tools_as_types(tools: list[object]) -> tuple[list[str], int]:
    """What OpenAI's models are shown: type declarations. (Their words, tokens around them)."""
    texts: list[str] = []
    around = END if tools else 0
    pending = list(tools)
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending.extend(value)
        elif isinstance(value, dict):
            name = value.get("name")
            if isinstance(name, str):
                texts.append(f"{name}:{_line(value.get('description'))}")
                around += FUNCTION
            properties = value.get("properties")
            if isinstance(properties, dict):
                around += PROPERTIES + _properties(properties, texts)
            pending.extend(member for member in value.values() if isinstance(member, dict | list))
    return texts, around


def _properties(properties: dict[str, object], texts: list[str]) -> int:
    around = 0
    for key, value in properties.items():
        around += PROPERTY
        if not isinstance(value, dict):
            continue
        texts.append(f"{key}:{value.get('type')}:{_line(value.get('description'))}")
        enum = value.get("enum")
        if isinstance(enum, list):
            around += ENUM + ENUM_ITEM * len(enum)
            texts += [item for item in enum if isinstance(item, str)]
    return around


def _line(description: object) -> str:
    return description.rstrip(".") if isinstance(description, str) else ""
