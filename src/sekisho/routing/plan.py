"""In which order a call tries the targets of its route."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from sekisho.core.route import Route, Target

Plan = tuple[Target, ...]
Selector = Callable[[Route], Plan]
"""Pure: what it knows beyond the route (health, prices, load) comes in as a value, never from a clock."""


def ordered(route: Route) -> Plan:
    """As the document lists them."""
    return route.targets


SELECTORS: Mapping[str, Selector] = MappingProxyType({"ordered": ordered})
"""What `select:` may say, and what it does."""
PLANNED = ("weighted", "cheapest", "fastest", "least_busy", "sticky")
"""Words of `select:` that are understood but not available yet."""


def plan(route: Route) -> Plan:
    """The targets of one call, best first; never empty for a route of a snapshot."""
    return SELECTORS[route.select](route)
