"""What generations of Claude take, told from the model's name.

As Anthropic's documentation of thinking, effort, API versions and mid-conversation system messages had it
on 2026-11-15. A name that says nothing (another vendor behind the same API) gets the widest rules.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

EFFORTS = ("low", "medium", "high", "xhigh", "max")

_NAME = re.compile(
    r"claude-(?P<family>opus|sonnet|haiku|fable|mythos)"
    r"(?:-(?P<major>\d{1,2})(?!\d)(?:[-.](?P<minor>\d{1,2})(?!\d))?)?"
)
_LEGACY = re.compile(r"claude-(?:\d|instant|v\d)")
_NEWEST = (99, 0)
_NEVER = (999, 0)
_ALWAYS = (0, 0)

# family -> the version from which on it holds
_ADAPTIVE_ONLY = {"opus": (4, 7), "sonnet": (5, 0), "haiku": (5, 5)}
_ADAPTIVE = {"opus": (4, 6), "sonnet": (4, 6), "haiku": (5, 5)}
_EFFORT = {"opus": (4, 5), "sonnet": (4, 6), "haiku": (5, 5)}
_ALWAYS_THINKS = {"opus": (5, 5), "sonnet": _NEVER, "haiku": _NEVER}
_SYSTEM_TURNS = {"opus": (4, 8), "sonnet": (5, 0), "haiku": (5, 5)}
_NO_PREFILL = {"opus": (4, 6), "sonnet": (4, 6), "haiku": (4, 6)}


@dataclass(frozen=True, slots=True)
class Rules:
    sampling: bool = True
    """Takes temperature, top_p and top_k (while it does not think)."""
    one_of_temperature_top_p: bool = False
    """Refuses both in one request."""
    budget: bool = True
    """Takes `thinking: {"type": "enabled", "budget_tokens": n}`."""
    adaptive: bool = True
    """Takes `thinking: {"type": "adaptive"}`."""
    off: Literal["disabled", "between_tools"] | None = "disabled"
    """The word that turns thinking off; None: it cannot be turned off."""
    efforts: tuple[str, ...] = EFFORTS
    off_caps_effort: bool = False
    """With thinking off, effort above `high` is refused."""
    system_turns: bool = True
    """Takes messages of role `system` after a user turn."""
    prefill: bool = False
    """Goes on with an assistant's message that ends the request. From 4.6 on that is refused (400), see
    https://platform.claude.com/docs/en/about-claude/models/migration-guide (2026-11); other vendors behind
    the same API may take it for a turn that has ended."""


ANY = Rules()
LEGACY = Rules(adaptive=False, efforts=(), system_turns=False, prefill=True)


@lru_cache(maxsize=1024)
def rules(model: str) -> Rules:
    """What the provider's model of this id takes."""
    match = _NAME.search(model)
    if match is None:
        return LEGACY if _LEGACY.search(model) else ANY
    family = match["family"]
    version = (int(match["major"]), int(match["minor"] or 0)) if match["major"] else _NEWEST

    def since(table: dict[str, tuple[int, int]]) -> bool:
        return version >= table.get(family, _ALWAYS)

    adaptive_only = since(_ADAPTIVE_ONLY)
    return Rules(
        sampling=not adaptive_only,
        one_of_temperature_top_p=version >= (4, 1),
        budget=not adaptive_only,
        adaptive=since(_ADAPTIVE),
        off=_off(family, version),
        efforts=_efforts(version, takes=since(_EFFORT), adaptive_only=adaptive_only),
        off_caps_effort=version >= (5, 0),
        # Bedrock's ids begin with `anthropic.`; it has no system turns (2026-11).
        system_turns=since(_SYSTEM_TURNS) and "anthropic." not in model and "preview" not in model,
        prefill=not since(_NO_PREFILL),
    )


def _off(family: str, version: tuple[int, int]) -> Literal["disabled", "between_tools"] | None:
    if version >= _ALWAYS_THINKS.get(family, _ALWAYS):
        return None
    return "between_tools" if family == "sonnet" and version >= (5, 5) else "disabled"


def _efforts(version: tuple[int, int], *, takes: bool, adaptive_only: bool) -> tuple[str, ...]:
    if not takes:
        return ()
    if adaptive_only:
        return EFFORTS
    return ("low", "medium", "high", "max") if version >= (4, 6) else ("low", "medium", "high")


def sampling_refusal(
    name: str, value: float, wanted: dict[str, float | None], taken: Rules, *, thinks: bool
) -> str | None:
    """Why the API would refuse a sampling parameter (thinking's rules: 2026-11)."""
    if not taken.sampling:
        return "this model takes no sampling parameters"
    if thinks and not ((name == "temperature" and value == 1) or (name == "top_p" and 0.95 <= value <= 1)):
        return "does not go with thinking"
    if name == "top_p" and taken.one_of_temperature_top_p and wanted["temperature"] is not None:
        return "this model takes either temperature or top_p"
    return None
