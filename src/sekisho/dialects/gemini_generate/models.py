"""What generations of Gemini take, told from the model's name.

Of https://ai.google.dev/gemini-api/docs/thinking, /thought-signatures, /function-calling and
/file-input-methods (2026-11). A name that says nothing (another model behind the same API) gets the widest
rules.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

_NAME = re.compile(r"gemini-(?P<major>\d{1,2})(?:\.(?P<minor>\d{1,2}))?-(?P<kind>pro|flash-lite|flash)?")
_LATEST = re.compile(r"gemini-(?P<kind>pro|flash-lite|flash)-latest")
_NEWEST = (99, 0)

LEVELS = ("minimal", "low", "medium", "high")


@dataclass(frozen=True, slots=True)
class Budget:
    """`thinkingBudget`, in tokens."""

    least: int
    most: int
    off: bool
    """Takes 0."""


@dataclass(frozen=True, slots=True)
class Rules:
    levels: tuple[str, ...] = LEVELS
    """Of `thinkingLevel`, from the lowest; empty: it takes none."""
    budget: Budget | None = Budget(1, 65_536, off=True)
    signatures: bool = False
    """Refuses a step whose first function call has no thought signature."""
    results_with_media: bool = True
    """Takes images and documents inside a function's response."""
    links: bool = True
    """Fetches files from public addresses."""


ANY = Rules(levels=(*LEVELS, "xhigh"))
_OLD = Rules(levels=(), budget=None, results_with_media=False, links=False)


@lru_cache(maxsize=1024)
def rules(model: str) -> Rules:
    """What the provider's model of this id takes."""
    match = _NAME.search(model)
    if match is not None:
        return _of((int(match["major"]), int(match["minor"] or 0)), match["kind"] or "")
    latest = _LATEST.search(model)
    return ANY if latest is None else _of(_NEWEST, latest["kind"])


def _of(version: tuple[int, int], kind: str) -> Rules:
    if version >= (3, 0):
        levels: tuple[str, ...] = LEVELS
        if kind == "pro":
            levels = ("low", "medium", "high") if version >= (3, 1) else ("low", "high")
        return Rules(levels=levels, budget=None, signatures=True)
    if version >= (2, 5):
        return Rules(levels=(), budget=_BUDGETS.get(kind, _BUDGETS["flash"]), results_with_media=False)
    return _OLD


_BUDGETS = {
    "pro": Budget(128, 32_768, off=False),
    "flash": Budget(1, 24_576, off=True),
    "flash-lite": Budget(512, 24_576, off=True),
}
