"""Applies a preset to the request that names it. What the request says itself wins over the preset."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from sekisho.core.contract import Members
from sekisho.core.error import BadRequest, NotFound
from sekisho.core.exchange import Exchange
from sekisho.core.operation import Operation
from sekisho.core.preset import MARK, ROUTING, SPELLED, Preset
from sekisho.wire import json, kinds
from sekisho.wire.shape import BROKEN

NAME = "preset"
PREFERENCES = "provider"
SYNONYMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"max_tokens": ("max_completion_tokens",), "reasoning": ("reasoning_effort",)}
)
"""Members that say the same: where the request has them, the preset's is not needed."""
_text = msgspec.json.Decoder(str | None)


def apply(exchange: Exchange) -> Preset | None:
    """Fills members, body and model from the preset that the request names, and takes its name out. Not its
    `provider`: that holds together with the request's own.

    Raises NotFound and BadRequest, naming the member.
    """
    members = exchange.members
    model, mark, slug = exchange.model.partition(MARK)
    said = _said(members)
    if not mark and said is None:
        return None
    if mark and said not in (None, slug):
        raise BadRequest("`preset` and `model` name different presets: leave one of them out", param=NAME)
    preset = _find(exchange, slug if mark else said or "", "model" if mark else NAME)
    spelled = SPELLED.get(exchange.dialect.name)
    if spelled is None or exchange.entry.operation is not Operation.CHAT:
        raise BadRequest("a preset goes with chats only, in the APIs that have them", param=NAME)
    for name, value in preset.config.items():
        own = name if name in ROUTING else spelled.get(name)
        if own is None:
            raise BadRequest(
                f"the preset `{preset.label}` sets `{name}`, which this API cannot say", param=NAME
            )
        others = (own, *SYNONYMS.get(name, ()))
        if name not in ("model", PREFERENCES) and all(kinds.absent(members, each) for each in others):
            members[own] = value
    exchange.model = model or (exchange.model if not mark else _own_model(preset))
    members["model"] = json.raw(exchange.model)
    _prompt(exchange, preset)
    exchange.body = json.encode(members)
    exchange.dialect.check_members(members)
    exchange.preset = preset.label
    return preset


def _said(members: Members) -> str | None:
    """The member `preset`, taken out."""
    if NAME not in members:
        return None
    try:
        said: str | None = _text.decode(members.pop(NAME))
    except BROKEN:
        raise BadRequest("`preset` must be the name of a preset", param=NAME) from None
    return said


def _find(exchange: Exchange, slug: str, member: str) -> Preset:
    slug = slug.removeprefix(MARK)
    found = exchange.principal.presets.get(slug)
    if found is None:
        remedy = "GET /api/v1/presets lists them"
        raise NotFound(f"`{member}`: there is no preset `{slug[:100]}` here; {remedy}", param=member)
    return found


def _own_model(preset: Preset) -> str:
    if "model" not in preset.config:
        raise BadRequest(
            f"the preset `{preset.label}` names no model: write `author/slug{MARK}{preset.slug}`",
            param="model",
        )
    return str(json.decode(preset.config["model"]))


def _prompt(exchange: Exchange, preset: Preset) -> None:
    """The preset's system prompt, where the request has none."""
    prompt, members = preset.system_prompt, exchange.members
    if prompt is None:
        return
    if exchange.dialect.name == "openai_chat":
        members["messages"] = _with_prompt(members.get("messages"), prompt)
        return
    if exchange.dialect.name not in _PROMPTS:
        raise BadRequest(
            f"the preset `{preset.label}` has a system prompt, which this API cannot say", param=NAME
        )
    member = _PROMPTS[exchange.dialect.name]
    if kinds.absent(members, member):
        members[member] = json.raw(prompt)


_PROMPTS: Mapping[str, str] = MappingProxyType(
    {"openai_responses": "instructions", "anthropic_messages": "system"}
)
_roles = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_INSTRUCTING = (b'"system"', b'"developer"')


def _with_prompt(messages: msgspec.Raw | None, prompt: str) -> msgspec.Raw:
    """The messages, a system message before them unless there is one."""
    try:
        found = _roles.decode(messages or b"[]")
    except BROKEN:
        raise BadRequest("`messages` must be a list of messages", param="messages") from None
    if any(bytes(each.get("role", b"")) in _INSTRUCTING for each in found):
        return json.raw(found)
    return json.raw([{"role": "system", "content": prompt}, *found])
