"""Writing a request for a model behind Bedrock's API.

Byte-stable: the same hub request gives the same bytes, and a conversation that grows by a turn keeps the
bytes of what was there. Roles must alternate, so that neighbours of one role become one turn; results come
first in it. Instructions after the first turn become part of the user's turn, marked as such, unless they
came as turns of their own: Bedrock has the role `system` since 2026-06, but few models take it.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from sekisho.core.contract import Members, TargetFacts, Written
from sekisho.core.message import Message, Opaque, Text, ToolResult
from sekisho.core.request import Request
from sekisho.core.turns import INSTRUCTIONS, Numbered, said_by_user
from sekisho.dialects.bedrock_converse import tools
from sekisho.dialects.bedrock_converse.blocks import CACHE_POINT
from sekisho.dialects.bedrock_converse.blocks_write import NOTHING, Placed, Writing, write_content, write_mark
from sekisho.dialects.bedrock_converse.families import family
from sekisho.dialects.bedrock_converse.request import TURN
from sekisho.dialects.bedrock_converse.request_settings import write_settings
from sekisho.dialects.bedrock_converse.schema import Block, own, spread
from sekisho.wire.json import encode, members_of


def write(request: Request, target: TargetFacts) -> Written:
    """The body for `target`, and what of the request it cannot say."""
    writing = Writing(family(target.model))
    body = write_settings(request, target, writing.family, writing.losses)
    config = tools.write(request, writing)
    more = own(request.vendor).get("toolConfig")
    if config:
        body["toolConfig"] = config if more is None else {**config, **members_of(more)}
    numbered = list(enumerate(request.messages))
    first = next(
        (at for at, item in numbered if item.role not in INSTRUCTIONS or TURN in own(item.vendor)), None
    )
    system = _system(numbered[:first], writing)
    if system:
        body["system"] = system
    turns = [] if first is None else list(_write_turns(numbered[first:], writing))
    if request.cache is not None:
        _mark_end(request, turns, writing)
    body["messages"] = turns
    return Written(body=encode(body), losses=tuple(writing.losses.found))


def _system(numbered: Sequence[Numbered], writing: Writing) -> list[Block]:
    placed: list[Placed] = []
    for path, part in _placed(numbered, writing):
        if isinstance(part, Text | Opaque):
            placed.append((path, part))
        else:
            writing.losses.content(path, "Bedrock takes text only as instructions")
    return _leading(numbered) + write_content(placed, writing)


def _write_turns(numbered: Sequence[Numbered], writing: Writing) -> Iterator[dict[str, object]]:
    for role, group in groupby(numbered, key=lambda item: _role(item[1])):
        turn = list(group)
        placed = _placed(turn, writing, marked=role == "user")
        if role == "user":
            placed.sort(key=lambda item: not isinstance(item[1], ToolResult))
        content = _leading(turn) + write_content(placed, writing)
        kept: Members = {}
        for _, message in turn:
            kept |= spread(message.vendor)
        kept.pop(CACHE_POINT, None)
        yield {"role": role, "content": content or [{"text": NOTHING}], **kept}


def _role(message: Message) -> str:
    if message.role not in INSTRUCTIONS:
        return message.role
    return "system" if TURN in own(message.vendor) else "user"


def _placed(numbered: Sequence[Numbered], writing: Writing, *, marked: bool = False) -> list[Placed]:
    """The parts of neighbours, with their paths."""
    placed: list[Placed] = []
    for at, message in numbered:
        if message.name is not None:
            writing.losses.knob(f"messages.{at}.name", "Bedrock's messages have no names")
        writing.losses.foreign(f"messages.{at}", message.vendor)
        said = enumerate(message.parts)
        if message.role in INSTRUCTIONS and marked:
            writing.losses.knob(
                f"messages.{at}.role", "instructions cannot stand here; sent marked by the user"
            )
            said = enumerate(map(said_by_user, message.parts))
        placed += [(f"messages.{at}.parts.{number}", part) for number, part in said]
    return placed


def _leading(numbered: Sequence[Numbered]) -> list[Block]:
    """A cache point that came before all of a turn."""
    point = own(numbered[0][1].vendor).get(CACHE_POINT) if numbered else None
    return [] if point is None else [{CACHE_POINT: point}]


def _mark_end(request: Request, turns: list[dict[str, object]], writing: Writing) -> None:
    """A mark on the request itself goes behind all that was said."""
    writing.losses.knob("cache", "sent as a cache point at the end of the conversation")
    content = turns[-1]["content"] if turns else None
    if request.cache is None or not isinstance(content, list):
        return
    last = content[-1]
    if not (isinstance(last, dict) and CACHE_POINT in last):
        content += write_mark(request.cache, "cache", writing)
