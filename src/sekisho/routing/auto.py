"""Names that lead each call to the model that its task wants: resolved to routes, with their scorers."""

from collections.abc import Callable, Mapping, Sequence

from sekisho.core.route import Auto, Route
from sekisho.core.tier import Scorer, Tier
from sekisho.routing.auto_entry import BUILT_IN, AutoEntry
from sekisho.routing.problem import Findings, Path
from sekisho.routing.scorer import linear

FindScorer = Callable[[str], Scorer]
"""Raises LookupError, saying why there is none of that name."""
FindRoute = Callable[[str], tuple[Route | None, str]]
"""(the route of a name, why there is none)"""


def built_in(name: str) -> Scorer:
    """The scorer that ships, and no other."""
    if name != BUILT_IN:
        msg = f"there is no scorer {name}; `{BUILT_IN}` is the one that ships"
        raise LookupError(msg)
    return linear.scorer(linear.shipped())


class Autos:
    """Resolves entries against the routes that there are, and notes what does not resolve."""

    def __init__(self, entries: Sequence[AutoEntry], find: FindRoute, find_scorer: FindScorer):
        self.problems = Findings()
        self._entries = {entry.name: entry for entry in entries}
        self._find = find
        self._find_scorer = find_scorer

    def resolve(self) -> Mapping[str, Route]:
        """Routes by name, without those that have problems."""
        found = {name: self._route(entry) for name, entry in self._entries.items()}
        return {name: route for name, route in found.items() if route is not None}

    def _route(self, entry: AutoEntry) -> Route | None:
        scorer = self._scorer(entry)
        default = self._led((*entry.path, "default"), entry.default)
        strong = None if entry.strong is None else self._led((*entry.path, "strong"), entry.strong)
        tiers: dict[Tier, Route] = {}
        for tier, model in entry.tiers.items():
            route = self._led((*entry.path, tier), model)
            if route is not None:
                tiers[tier] = route
        if scorer is None or default is None:
            return None
        threshold = 1.0 if entry.threshold is None else entry.threshold
        auto = Auto(scorer, default, tiers, strong, threshold)
        return Route(entry.name, default.targets, virtual=True, auto=auto)

    def _led(self, path: Path, model: str) -> Route | None:
        if model in self._entries:
            self.problems.append((path, f"{model} leads on by itself; name a model"))
            return None
        route, reason = self._find(model)
        if reason:
            self.problems.append((path, reason))
        return route

    def _scorer(self, entry: AutoEntry) -> Scorer | None:
        try:
            return self._find_scorer(entry.scorer)
        except LookupError as error:
            self.problems.append(((*entry.path, "scorer"), str(error.args[0])))
            return None
