"""Prompt-cache marks: Gemini caches prefixes by itself (implicit caching) and has none.

`cachedContent` is no mark but content: a prompt's beginning that was uploaded before.
"""

from sekisho.core.contract import Members, TargetFacts


def place(members: Members, target: TargetFacts) -> None:
    """There is nothing to place."""


def strip(members: Members) -> None:
    """There is nothing to take out."""
