"""Paths about a response that the provider keeps.

https://platform.openai.com/docs/api-reference/responses (2026-11): retrieve (with `stream=true` as a stream),
delete, cancel, and list input items.
"""

import re

from sekisho.core.contract import FollowUp

_PATH = re.compile(
    r"/responses/(?!(?:compact|input_tokens)$)([A-Za-z0-9_-]{1,200})(/cancel|/input_items)?", re.ASCII
)
_METHODS = {
    "": frozenset({"GET", "DELETE"}),
    "/cancel": frozenset({"POST"}),
    "/input_items": frozenset({"GET"}),
}
_ANSWERS = {"": frozenset({"GET"}), "/cancel": frozenset({"POST"}), "/input_items": frozenset[str]()}


def match_follow_up(path: str) -> FollowUp | None:
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    detail = match[2] or ""
    return FollowUp(match[1], path, _METHODS[detail], _ANSWERS[detail])
