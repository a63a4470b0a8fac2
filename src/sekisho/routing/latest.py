"""`~author/family-latest`: the newest served model of one family, by the version in its name.

The names are those that OpenRouter gives such pointers. A preview is no release, and a name whose version is
a date, a size or not there at all belongs to no family: those are left alone rather than guessed.
"""

import re
from collections.abc import Iterable
from decimal import Decimal

_VERSIONED = re.compile(
    r"(?P<author>[^/]+)/(?P<head>[a-z][a-z-]*?)-[kmv]?(?P<version>\d{1,2}(\.\d{1,2})?)(?P<tail>(-[a-z]+)*)"
)
_UNRELEASED = frozenset({"preview", "exp", "experimental", "beta", "alpha"})


def latest(models: Iterable[str]) -> dict[str, str]:
    """Name -> the model that it stands for."""
    newest: dict[str, tuple[Decimal, str]] = {}
    for model in models:
        match = _VERSIONED.fullmatch(model)
        if match is None or not _UNRELEASED.isdisjoint(match["tail"].split("-")):
            continue
        name = f"~{match['author']}/{match['head']}{match['tail']}-latest"
        found = (Decimal(match["version"]), model)  # grok-4.20 came before grok-4.7
        newest[name] = max(newest.get(name, found), found)
    return {name: model for name, (_, model) in newest.items()}
