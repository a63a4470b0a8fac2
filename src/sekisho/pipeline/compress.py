"""Context compression: a prompt that is too long for every target loses its middle, if its request asks so.

Instructions, the first turn and the last ones stay, and what a tool was asked stays together with what it
answered. If that is not enough, the longest texts that are left lose their middles too.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from sekisho.core.exchange import Exchange
from sekisho.core.provider import Endpoint
from sekisho.core.route import Target
from sekisho.metering.tokens import Tokens
from sekisho.pipeline.ask import max_tokens
from sekisho.wire import json

MESSAGES = {"openai_chat": "messages", "openai_responses": "input", "anthropic_messages": "messages"}
"""Dialect -> the member that holds the conversation."""
INSTRUCTIONS = ("system", "developer")
ANSWERS_SHARE = 8
"""An eighth of the context is left for the answer, where the request says no maximum."""
SPARE_SHARE = 20
"""A twentieth of the room is left for what an estimate may be wrong by."""
MARK = "\n[...]\n"
SHORTEST = 200
"""Characters. A shorter text is not cut."""
MOST_CUT = 8
"""Texts that are cut."""


class Text(msgspec.Struct):
    """A text of a message, and where it stands."""

    holder: dict[str, Any]
    member: str
    message: int

    @property
    def said(self) -> str:
        found: str = self.holder[self.member]
        return found


def compress(exchange: Exchange, targets: Sequence[Target], tokens: Tokens) -> None:
    """Shortens the request so that it fits the target with the longest context, if it fits none; notes by how
    much. Where that cannot be done it stays as it was: the provider says so in its own words."""
    name = MESSAGES.get(exchange.dialect.name)
    endpoint = _largest(targets)
    if name is None or name not in exchange.members or endpoint is None:
        return
    context, maximum = endpoint.context_length or 0, max_tokens(exchange.members)
    needed = tokens.estimate(exchange.members, endpoint)
    if needed + (maximum or 0) <= context:
        return
    room = context - (context // ANSWERS_SHARE if maximum is None else maximum)
    room -= max(room, 0) // SPARE_SHARE
    conversation = _Conversation(exchange.members[name], endpoint, tokens)
    around = needed - sum(conversation.sizes)
    left_out = conversation.drop(room - around)
    cut = conversation.cut(room - around)
    if conversation.total > room - around or not (left_out or cut):
        return
    exchange.members = {**exchange.members, name: conversation.written()}
    exchange.body = json.encode(exchange.members)
    exchange.compression = f"{left_out} of {len(conversation.sizes)} messages left out, {cut} texts cut"


def _largest(targets: Sequence[Target]) -> Endpoint | None:
    """The endpoint with the longest context; None: that of one is not known, so that it may do."""
    endpoints = [target.endpoint for target in targets]
    if any(endpoint.context_length is None for endpoint in endpoints):
        return None
    return max(endpoints, key=lambda endpoint: endpoint.context_length or 0, default=None)


class _Conversation:
    """The messages of one request; in Responses, its items."""

    def __init__(self, raw: msgspec.Raw, endpoint: Endpoint, tokens: Tokens):
        given = json.decode(raw)
        self._is_text = isinstance(given, str)
        self._raws = json.items_of(raw) if isinstance(given, list) else []
        items = [{"role": "user", "content": given}] if self._is_text else given
        self._items = [each if isinstance(each, dict) else {} for each in items if isinstance(items, list)]
        self._kept = [True] * len(self._items)
        self._changed: set[int] = set()
        self._endpoint = endpoint
        self._tokens = tokens
        self.sizes = [self._count(item) for item in self._items]
        """Tokens of each message, as it came."""
        self.total = sum(self.sizes)
        """Tokens of all that are left."""

    def _count(self, item: dict[str, Any]) -> int:
        return self._tokens.estimate({"messages": json.raw([item])}, self._endpoint)

    def drop(self, room: int) -> int:
        """Leaves out messages of the middle until the rest fits; returns how many."""
        units = _units(self._items)
        free = [unit for unit in units if not any(_instructs(self._items[at]) for at in unit)]
        asked = [unit for unit in free if any(_is_asked(self._items[at]) for at in unit)]
        kept = [unit[0] for unit in (*free[:1], *free[-1:], *asked[-1:])]
        middle = [unit for unit in free if unit[0] not in kept]
        centre = (len(middle) - 1) / 2
        left_out = 0
        for at in sorted(range(len(middle)), key=lambda at: abs(at - centre)):
            if self.total <= room:
                break
            for place in middle[at]:
                self._kept[place] = False
                self.total -= self.sizes[place]
                left_out += 1
        return left_out

    def cut(self, room: int) -> int:
        """Cuts the longest texts in their middles until all fits; returns how many."""
        texts = [text for at, kept in enumerate(self._kept) if kept for text in self._texts(at)]
        cut = 0
        for text in sorted(texts, key=lambda text: -len(text.said))[:MOST_CUT]:
            if self.total <= room or len(text.said) < SHORTEST:
                break
            item = self._items[text.message]
            before = self._count(item)
            share = min(1.0, (self.total - room) / max(1, before))
            text.holder[text.member] = _without_middle(text.said, share)
            self.total -= before - self._count(item)
            self._changed.add(text.message)
            cut += 1
        return cut

    def written(self) -> msgspec.Raw:
        """What is left; what was not cut keeps its bytes."""
        if self._is_text:
            return json.raw(self._items[0]["content"])
        kept = [at for at, kept in enumerate(self._kept) if kept]
        return json.raw([self._items[at] if at in self._changed else self._raws[at] for at in kept])

    def _texts(self, at: int) -> Iterator[Text]:
        item = self._items[at]
        if _instructs(item) or item.get("type") == "reasoning":
            return
        pending: list[dict[str, Any]] = [item]
        while pending:
            holder = pending.pop()
            for member in ("content", "output", "text"):
                value = holder.get(member)
                if isinstance(value, str):
                    yield Text(holder, member, at)
                elif isinstance(value, list):
                    pending += [part for part in value if isinstance(part, dict)]


def _without_middle(text: str, share: float) -> str:
    """A text without about that share of it, and a bit more for the mark; both of its ends stay."""
    kept = int(len(text) * (1 - share) * (1 - 1 / SPARE_SHARE)) // 2
    return text[:kept] + MARK + text[len(text) - kept :]


def _units(items: Sequence[dict[str, Any]]) -> list[list[int]]:
    """Places of messages that must stay together: a call and its result with all between them, and in
    Responses thinking with what came of it."""
    starts = list(range(len(items)))
    calls: dict[str, int] = {}
    for at, item in enumerate(items):
        for name in _calls(item):
            calls[name] = at
        began = [calls[name] for name in _results(item) if name in calls]
        if at and items[at - 1].get("type") == "reasoning":
            began.append(at - 1)
        if began:
            first = starts[min(began)]
            starts[first : at + 1] = [first] * (at + 1 - first)
    units: dict[int, list[int]] = {}
    for at, start in enumerate(starts):
        units.setdefault(start, []).append(at)
    return list(units.values())


def _instructs(item: dict[str, Any]) -> bool:
    return item.get("role") in INSTRUCTIONS


def _is_asked(item: dict[str, Any]) -> bool:
    """Whether it is the user's own word."""
    return item.get("role") == "user" and not any(_results(item))


def _calls(item: dict[str, Any]) -> Iterator[str]:
    """Ids of the calls of tools that a message holds."""
    for call in _objects(item.get("tool_calls")):
        yield str(call.get("id"))
    for part in _objects(item.get("content")):
        if part.get("type") == "tool_use":
            yield str(part.get("id"))
    if "call_id" in item and not str(item.get("type")).endswith("_output"):
        yield str(item["call_id"])


def _results(item: dict[str, Any]) -> Iterator[str]:
    """Ids of the calls whose results it holds."""
    if "tool_call_id" in item:
        yield str(item["tool_call_id"])
    for part in _objects(item.get("content")):
        if part.get("type") == "tool_result":
            yield str(part.get("tool_use_id"))
    if "call_id" in item and str(item.get("type")).endswith("_output"):
        yield str(item["call_id"])


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
