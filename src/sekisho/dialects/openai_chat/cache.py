"""Prompt-cache marks among the top-level members of a request."""

from sekisho.core.contract import Members, TargetFacts


def place(members: Members, target: TargetFacts) -> None:
    """OpenAI's models cache by themselves."""


def strip(members: Members) -> None:
    members.pop("prompt_cache_key", None)
