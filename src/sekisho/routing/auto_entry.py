"""`auto`, and `models.<name>.auto`: which model each kind of task is led to."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sekisho.core.tier import TIERS, Tier
from sekisho.routing import values
from sekisho.routing.node import Node
from sekisho.routing.problem import Path, Wrong
from sekisho.routing.reader import Fields, Reader, scalar

NAME = "sekisho/auto"
"""Of the model that `auto` makes."""
OTHER_NAME = "openrouter/auto"
"""As OpenRouter's clients call such a model."""
BUILT_IN = "built-in"
"""The scorer that is asked where none is named."""


@dataclass(frozen=True, slots=True)
class AutoEntry:
    name: str
    """Of the model that it makes."""
    path: Path
    """Where it stands."""
    default: str
    tiers: Mapping[Tier, str] = field(default_factory=dict)
    strong: str | None = None
    threshold: float | None = None
    """Given together with `strong`."""
    scorer: str = BUILT_IN


def auto(reader: Reader, at: Node, path: Path) -> AutoEntry | None:
    """None where a part is wrong, which is reported then."""
    members = reader.record(at, path, AUTO)
    if "default" not in members:
        if (*path, "default") not in reader.places:
            raise Wrong("needs `default`: the model for what no other line names")
        return None
    written = {name for name in ("strong", "threshold") if (*path, name) in reader.places}
    if len(written) == 1:
        raise Wrong(
            "needs `strong` and `threshold` together: from that score on calls go to the strong model "
            "(`sekisho calibrate-router` shows how many that are)"
        )
    tiers: dict[Tier, str] = {tier: members.pop(tier) for tier in TIERS if tier in members}
    name = NAME if len(path) == 1 else path[-2]
    return AutoEntry(name, path, tiers=tiers, **members)


_model = scalar(values.model_text)
AUTO: Fields = {
    **dict.fromkeys(TIERS, _model),
    "default": _model,
    "strong": _model,
    "threshold": scalar(values.share),
    "scorer": scalar(values.text),
}
