"""What OpenRouter's requests say beside those of the dialects: providers, fallback models, variants.

Served below `/api/v1` alone. These members are for the gateway: none of them goes on to a provider. What is
not served is refused by its name, never left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

import msgspec

from sekisho.core.contract import Members
from sekisho.core.error import BadRequest, ModelNotFound, NotServed, SekishoError
from sekisho.core.exchange import Exchange
from sekisho.core.preference import narrowed
from sekisho.core.preset import MARK, Preset
from sekisho.core.route import Route, Snapshot
from sekisho.pipeline import auto, presets, provider_member
from sekisho.pipeline.prepare import Plane
from sekisho.pipeline.steps.access import check_access, find_route
from sekisho.pipeline.steps.parse import MODEL_LIMIT
from sekisho.routing import variants
from sekisho.wire import json, kinds
from sekisho.wire.shape import BROKEN

_T = TypeVar("_T")
MOST_MODELS = 20
HEALING = "response-healing"
COMPRESSION = "context-compression"
MIDDLE_OUT = "middle-out"
PLUGINS = frozenset((HEALING, COMPRESSION))
"""That are served."""
REASONING = "reasoning"
INCLUDE = "include_reasoning"
"""The older word for `reasoning.exclude`, the other way round."""
UNSERVED: Mapping[str, str] = MappingProxyType(
    {
        "debug": "what goes to providers is not shown",
        "trace": "calls are not sent on to observability services; `x-sekisho-tags` marks them in the books",
        "stop_server_tools_when": "tools are not run here; define them as functions",
    }
)
"""Members that are refused unless they are empty, and why."""
MEMBERS = frozenset(
    (
        *UNSERVED,
        "provider",
        "models",
        "fallbacks",
        "route",
        "plugins",
        "transforms",
        "usage",
        "session_id",
        INCLUDE,
    )
)
_EMPTY = frozenset((b"null", b"[]", b"{}", b"false"))


class _Plugin(msgspec.Struct):
    id: str
    enabled: bool = True
    engine: str | None = None


class _Reasoning(msgspec.Struct):
    """What of OpenRouter's `reasoning` is for the gateway alone."""

    exclude: bool | None = None


class _Fallback(msgspec.Struct, forbid_unknown_fields=True):
    model: str


_plugins = msgspec.json.Decoder(list[_Plugin] | None)
_reasoning = msgspec.json.Decoder(_Reasoning | None)
_names = msgspec.json.Decoder(list[str] | None)
_fallbacks = msgspec.json.Decoder(list[_Fallback] | None)
_text = msgspec.json.Decoder(str | None)
_switch = msgspec.json.Decoder(bool | None)


def route_of(exchange: Exchange, plane: Plane) -> Route:
    """The route of a call below `/api/v1`, all models that it names being one; takes those members out.

    Raises BadRequest, ModelNotFound, Forbidden or NotServed, naming the member.
    """
    preset = presets.apply(exchange) if presets.NAME in exchange.members or MARK in exchange.model else None
    names, mixed = [exchange.model], False
    if REASONING in exchange.members:
        _read_exclusion(exchange)
    if not MEMBERS.isdisjoint(exchange.members):
        taken = {name: exchange.members.pop(name) for name in MEMBERS & exchange.members.keys()}
        _refuse_unserved(taken)
        if _read(taken, INCLUDE, _switch) is False:
            _withhold_reasoning(exchange, INCLUDE)
        exchange.plugins = _read_plugins(taken)
        names = _models(exchange.model, taken)
        mixed = _mixed(taken)
        if "provider" in taken:
            exchange.wishes, apart = provider_member.read(
                taken["provider"], plane.provider_words, plane.snapshot.providers
            )
            mixed = mixed or apart
        exchange.body = json.encode(exchange.members)
    if preset is not None and presets.PREFERENCES in preset.config:
        mixed = _prefer(exchange, plane, preset) or mixed
    parts = [_part(exchange, plane.snapshot, name, at) for at, name in enumerate(names)]
    return parts[0] if len(parts) == 1 else _together(parts, mixed=mixed)


def _prefer(exchange: Exchange, plane: Plane, preset: Preset) -> bool:
    """What the preset asks of the targets, and the request beside it; whether those of several models
    compete."""
    try:
        prefer, mixed = provider_member.read(
            preset.config[presets.PREFERENCES], plane.provider_words, plane.snapshot.providers
        )
    except SekishoError as error:
        raise BadRequest(f"the preset `{preset.label}` cannot be kept: {error}", param=presets.NAME) from None
    exchange.wishes = narrowed(prefer, exchange.wishes)
    return mixed


def _part(exchange: Exchange, snapshot: Snapshot, name: str, at: int) -> Route:
    """The route of one of the models that a call names."""
    where = f"models.{at}" if at else "model"
    base, variant = variants.split(name, snapshot)
    if MARK in base:
        raise BadRequest(f"`{where}`: a preset is named in `model` alone", param=where)
    try:
        route = find_route(snapshot, base)
    except ModelNotFound as error:
        error.param = where
        raise
    check_access(exchange.principal, route, exchange.entry.operation)
    if route.auto is not None:
        route = auto.led(exchange, route.auto)
    if variant is None:
        return route
    if variant in variants.REFUSED:
        raise NotServed(f"`{name}`: `:{variant}` is not served: {variants.REFUSED[variant]}", param=where)
    if variant == variants.THINKING:
        _think(exchange, name, at)
        return route
    return replace(route, prefer=narrowed(route.prefer, variants.PREFERENCES[variant]))


def _together(parts: Sequence[Route], *, mixed: bool) -> Route:
    """One route of several; what is no matter of choosing targets is as the first one has it."""
    targets = {target.endpoint.id: target for part in reversed(parts) for target in reversed(part.targets)}
    return replace(parts[0], targets=tuple(reversed(targets.values())), parts=tuple(parts), mixed=mixed)


def _think(exchange: Exchange, name: str, at: int) -> None:
    """Asks for reasoning, where the request says nothing of it."""
    members = exchange.members
    if at or exchange.dialect.name not in _THINKING:
        remedy = "ask for reasoning in the request itself"
        raise NotServed(f"`{name}`: `:{variants.THINKING}` is not served here: {remedy}", param="model")
    member, value = _THINKING[exchange.dialect.name]
    if all(kinds.absent(members, said) for said in ("reasoning", "reasoning_effort", "thinking")):
        members[member] = value
        exchange.body = json.encode(members)


_THINKING: Mapping[str, tuple[str, msgspec.Raw]] = MappingProxyType(
    {
        "openai_chat": ("reasoning_effort", json.raw("medium")),
        "openai_responses": ("reasoning", json.raw({"effort": "medium"})),
    }
)
"""Dialect -> the member that turns reasoning on. Anthropic's needs a budget, which only its client knows."""


# --- members ----------------------------------------------------------------------------------------


def _refuse_unserved(taken: Members) -> None:
    for name, reason in UNSERVED.items():
        if name in taken and b"".join(bytes(taken[name]).split()) not in _EMPTY:
            raise NotServed(f"`{name}` is not served here: {reason}", param=name)


def _read_exclusion(exchange: Exchange) -> None:
    """`reasoning.exclude`, which is taken out; of a `reasoning` that says nothing else, nothing is left."""
    asked = _read(exchange.members, REASONING, _reasoning)
    if asked is None or asked.exclude is None:
        return
    if asked.exclude:
        _withhold_reasoning(exchange, f"{REASONING}.exclude")
    rest = json.members(exchange.members.pop(REASONING))
    del rest["exclude"]
    if rest:
        exchange.members[REASONING] = json.raw(rest)
    exchange.body = json.encode(exchange.members)


def _withhold_reasoning(exchange: Exchange, asked: str) -> None:
    """Who does not want to be told what a model thought may have a reason for it: refused wherever it might
    still be read."""
    if exchange.dialect.name != "openai_chat":
        remedy = "leave it out, and do not show what comes as reasoning"
        raise NotServed(f"`{asked}` is served in Chat Completions alone: {remedy}", param=asked)
    if bytes(exchange.members.get("logprobs", b"null")) not in (b"null", b"false"):
        raise NotServed(
            f"`logprobs` is not served with `{asked}`: some tell of thoughts too", param="logprobs"
        )
    exchange.show_reasoning = False


def _read_plugins(taken: Members) -> frozenset[str]:
    """Those that are to be used."""
    listed = enumerate(_read(taken, "plugins", _plugins) or ())
    asked = [(at, plugin) for at, plugin in listed if plugin.enabled]
    for at, plugin in asked:
        name = plugin.id
        if name not in PLUGINS:
            raise NotServed(f"the plugin `{name[:64]}` is not served here", param=f"plugins.{at}")
        if plugin.engine not in (None, MIDDLE_OUT):
            raise NotServed(
                f"the engine `{plugin.engine[:64]}` is not served here", param=f"plugins.{at}.engine"
            )
    return frozenset(plugin.id for _, plugin in asked) | _read_transforms(taken)


def _read_transforms(taken: Members) -> frozenset[str]:
    """What came before plugins."""
    names = _read(taken, "transforms", _names) or ()
    for at, name in enumerate(names):
        if name != MIDDLE_OUT:
            raise NotServed(f"the transform `{name[:64]}` is not served here", param=f"transforms.{at}")
    return frozenset((COMPRESSION,)) if names else frozenset()


def _models(model: str, taken: Members) -> list[str]:
    """Every model that the call names, each once, the best first."""
    more = list(_read(taken, "models", _names) or ())
    if "fallbacks" in taken:
        fallbacks = [each.model for each in _read(taken, "fallbacks", _fallbacks) or ()]
        if more and fallbacks:
            raise BadRequest(
                "`fallbacks` does not go with `models`: leave one of them out", param="fallbacks"
            )
        more += fallbacks
    if len(more) > MOST_MODELS:
        raise BadRequest(f"`models` names more than {MOST_MODELS} models", param="models")
    for at, name in enumerate(more):
        if not 0 < len(name) <= MODEL_LIMIT:
            raise BadRequest(f"`models.{at}` must have 1 to {MODEL_LIMIT} characters", param=f"models.{at}")
    return list(dict.fromkeys((model, *more)))


def _mixed(taken: Members) -> bool:
    """`route`, which says in an older way whether the targets of all models compete."""
    route = _read(taken, "route", _text)
    if route not in (None, "fallback", "sort"):
        raise BadRequest("`route` must be `fallback` or `sort`", param="route")
    return bool(route == "sort")


def _read(taken: Members, name: str, decoder: msgspec.json.Decoder[_T]) -> _T | None:
    if name not in taken:
        return None
    try:
        return decoder.decode(taken[name])
    except BROKEN as error:
        message = str(error).partition(" - at `$")[0]
        raise BadRequest(f"`{name}`: {message[:200]}", param=name) from None
