"""The items of a responses request, read as leniently as its checks allow."""

from typing import Any


def items(body: Any) -> list[dict[str, Any]]:
    """`input` as a list of items, in either of its spellings."""
    given = body.get("input")
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": given}]
    return list(given or ())


def text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content or () if "text" in part.get("type", ""))
