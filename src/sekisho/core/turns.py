"""What several APIs demand of turns: where results of tools stand, and where instructions may."""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from sekisho.core.message import Message, Part, Text, ToolResult

Numbered = tuple[int, Message]
"""A message and its place in the request, which losses name."""
INSTRUCTIONS = ("system", "developer")
"""Roles of messages that instruct."""


def results_first(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The parts of one message, as the hub has them: results of tools before anything else."""
    if not any(isinstance(part, ToolResult) for part in parts):
        return tuple(parts)
    return tuple(sorted(parts, key=lambda part: not isinstance(part, ToolResult)))


def join_results(numbered: Iterable[Numbered]) -> list[list[Numbered]]:
    """Messages, those that follow each other and hold nothing but results in one group: the results of calls
    that were made together must stand together."""
    groups: list[list[Numbered]] = []
    joins = False
    for item in numbered:
        only_results = _only_results(item[1])
        if only_results and joins:
            groups[-1].append(item)
        else:
            groups.append([item])
        joins = only_results
    return groups


def said_by_user(part: Part) -> Part:
    """A part of instructions, marked as such, for APIs in which only the user can say it there."""
    return replace(part, text=f"<system>\n{part.text}\n</system>") if isinstance(part, Text) else part


def _only_results(message: Message) -> bool:
    return bool(message.parts) and all(isinstance(part, ToolResult) for part in message.parts)
