"""The lists of models, as each provider writes them. Every script is a model."""

import msgspec

_SINCE = 1_760_000_000


def openai_models(names: list[str]) -> bytes:
    data = [{"id": name, "object": "model", "created": _SINCE, "owned_by": "scripted"} for name in names]
    return msgspec.json.encode({"object": "list", "data": data})


def anthropic_models(names: list[str]) -> bytes:
    data = [
        {"type": "model", "id": name, "display_name": name, "created_at": "2025-10-09T08:53:20Z"}
        for name in names
    ]
    return msgspec.json.encode({"data": data, "has_more": False, "first_id": names[0], "last_id": names[-1]})


def google_models(names: list[str]) -> bytes:
    actions = ["generateContent", "countTokens"]
    data = [
        {
            "name": f"models/{name}",
            "version": "001",
            "displayName": name,
            "inputTokenLimit": 1_048_576,
            "outputTokenLimit": 65_536,
            "supportedGenerationMethods": actions,
            "thinking": True,
        }
        for name in names
    ]
    return msgspec.json.encode({"models": data})
