"""`models.<name>.prefer`: what a route asks of its targets."""

from typing import Any

from sekisho.core.preference import (
    QUANTIZATIONS,
    UNKNOWN_QUANTIZATION,
    Preferences,
    PriceCap,
    contradiction,
)
from sekisho.routing import values
from sekisho.routing.node import Node
from sekisho.routing.problem import Path
from sekisho.routing.reader import Fields, Reader, list_of, scalar


def preferences(reader: Reader, at: Node, path: Path) -> Preferences:
    """Whether providers of these names exist, `compile` knows."""
    prefer = Preferences(**reader.record(at, path, PREFER))
    found = contradiction(prefer)
    if found is not None:
        member, reason = found
        reader.report(_value_of(at, member), (*path, member), reason)
    return prefer


def _value_of(at: Node, member: str) -> Node:
    for key, value in getattr(at, "entries", ()):
        if getattr(key, "text", None) == member:
            found: Node = value
            return found
    return at


def _price_cap(reader: Reader, at: Node, path: Path) -> PriceCap:
    return PriceCap(**reader.record(at, path, PRICE_CAP))


_names: Any = list_of(scalar(values.text))
_flag: Any = scalar(values.boolean)
PRICE_CAP: Fields = dict.fromkeys(("input", "output"), scalar(values.rate)) | {
    "request": scalar(values.per_request)
}
PREFER: Fields = {
    **dict.fromkeys(("only", "ignore", "order"), _names),
    **dict.fromkeys(("fallbacks", "require_parameters", "may_train"), _flag),
    **dict.fromkeys(("zero_retention", "open_weights"), _flag),
    **dict.fromkeys(("regions", "licences"), _names),
    "denied_origins": list_of(scalar(values.country)),
    "price_cap": _price_cap,
    "quantizations": list_of(scalar(values.one_of(*QUANTIZATIONS, UNKNOWN_QUANTIZATION))),
    "min_throughput": scalar(values.positive("tokens a second")),
    "max_first_token": scalar(values.duration),
}
"""Members of Preferences but for `select`, which stands beside `prefer`."""
