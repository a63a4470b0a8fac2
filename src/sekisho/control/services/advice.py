"""Which models to call where, for what is needed: rules decide between what the catalogue has today."""

import datetime as dt
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from sekisho.core.money import Price, cost
from sekisho.core.usage import Usage
from sekisho.providers.catalog import Row
from sekisho.providers.market.advice import Goal, Needs, Rule, Rules, Way
from sekisho.providers.market.listing import Listing, Market

DAYS = 30
"""Of a month."""
ENDS_SOON = 180
"""Days. What is switched off within so many is not proposed."""
PLACES = {"JP": "JP", "eu": "EU", "US": "US"}
"""Regions of the catalogue -> where somebody may want to be."""
Role = Literal["main", "standby", "further"]
ROLES: tuple[Role, ...] = ("main", "standby", "further")
Warned = Literal["nobody", "no_standby", "budget", "unpriced", "own_unready"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model on one way."""

    way: Way
    model: str
    upstream: str | None
    """Its id there, where the document must say it."""
    listing: Listing | None
    """None: the catalogue has no such model."""
    price: Price | None

    @property
    def score(self) -> float | None:
        return None if self.listing is None else self.listing.score

    @property
    def total(self) -> float:
        """Nano-USD for a million tokens in and a million out; infinite where it is not known."""
        return math.inf if self.price is None else self.price.base.input + self.price.base.output


@dataclass(frozen=True, slots=True)
class Advice:
    needs: Needs
    rules: tuple[Rule, ...]
    """That hold."""
    targets: tuple[tuple[Role, Candidate], ...]
    """In the order of trying; empty: nobody meets what is needed."""
    light: tuple[Candidate, ...]
    """Of the cheaper route, if there is one."""
    warnings: tuple[Warned, ...]
    month: int | None
    """Nano-USD that all tokens of a month would cost at the first target; None: its price is not known."""


def advise(needs: Needs, rules: Rules, market: Market, today: dt.date) -> Advice:
    """The routes for these needs."""
    return _Adviser(needs, rules, market, today).run()


def month_cost(candidate: Candidate, needs: Needs, rules: Rules) -> int | None:
    """Nano-USD of a month's tokens at one price."""
    if candidate.price is None:
        return None
    tokens = needs.tokens * DAYS
    prompt = round(tokens * rules.prompt_share)
    return cost(Usage(input=prompt, output=tokens - prompt), candidate.price.base)


class _Adviser:
    def __init__(self, needs: Needs, rules: Rules, market: Market, today: dt.date):
        self._needs = needs
        self._rules = rules
        self._market = market
        self._listings = market.listings()
        self._holding = rules.holding(needs)
        self._soon = (today + dt.timedelta(days=ENDS_SOON)).isoformat()
        self._goal: Goal = next((rule.goal for rule in self._holding if rule.goal), "score")
        self._compare = any(rule.compare for rule in self._holding)
        self._least = next((rule.least for rule in self._holding if rule.least), 0.0)
        self._models = [prefix for rule in self._holding for prefix in rule.models]
        self._warnings: list[Warned] = []

    def run(self) -> Advice:
        targets: list[tuple[Role, Candidate]] = []
        for role in ROLES:
            found = self._best(role, [each for _, each in targets])
            if found is not None:
                targets.append((role, found))
        if not targets:
            self._warnings.append("nobody")
        elif len(targets) == 1:
            self._warnings.append("no_standby")
        light = self._light([each for _, each in targets])
        month = month_cost(targets[0][1], self._needs, self._rules) if targets else None
        if targets and month is None:
            self._warnings.append("unpriced")
        if self._needs.residency == "own" and not self._needs.self_hosting:
            self._warnings.append("own_unready")
        return Advice(self._needs, self._holding, tuple(targets), light, tuple(self._warnings), month)

    def _best(self, role: Role, taken: Sequence[Candidate]) -> Candidate | None:
        order = list(dict.fromkeys(name for rule in self._holding for name in getattr(rule, role)))
        if role != "main" and not taken:
            return None
        used = {each.way.name for each in taken}
        pool = [each for name in order if name not in used for each in self._on(name)]
        pool = self._good_enough(self._affordable(pool, role))
        places = {name: at for at, name in enumerate(order)}
        return min(pool, key=self._key(places), default=None)

    def _key(self, places: dict[str, int]) -> Callable[[Candidate], tuple[float | str, ...]]:
        def key(each: Candidate) -> tuple[float | str, ...]:
            way, model, goal = places[each.way.name], self._model_place(each.model), _value(each, self._goal)
            ranks = (model, goal, way) if self._compare else (way, model, goal)
            return (*ranks, each.model)

        return key

    def _model_place(self, model: str) -> int:
        found = (at for at, prefix in enumerate(self._models) if model.startswith(prefix))
        return next(found, len(self._models))

    def _affordable(self, pool: list[Candidate], role: Role) -> list[Candidate]:
        budget = self._needs.budget
        if budget is None or not pool:
            return pool
        most = budget * 10**9
        found = [
            each
            for each in pool
            if (spent := month_cost(each, self._needs, self._rules)) is None or spent <= most
        ]
        if found:
            return found
        if role == "main":
            self._warnings.append("budget")
        return [min(pool, key=lambda each: (each.total, each.model))]

    def _good_enough(self, pool: list[Candidate]) -> list[Candidate]:
        """Without those that have no score beside some that have, or one that is far from the best."""
        found = []
        for each in pool:
            beside = [other for other in pool if self._compare or other.way.name == each.way.name]
            scores = [other.score for other in beside if other.score is not None]
            least = 0.0 if self._goal == "score" else self._least * max(scores, default=0.0)
            if not scores or (each.score is not None and each.score >= least):
                found.append(each)
        return found

    def _light(self, taken: Sequence[Candidate]) -> tuple[Candidate, ...]:
        if not taken or not any(rule.light for rule in self._holding):
            return ()
        found = []
        for chosen in taken[:2]:
            pool = [each for each in self._on(chosen.way.name) if each.score is not None]
            best = min(pool, key=lambda each: (each.total, each.model), default=None)
            if best is not None and best.total < taken[0].total:
                found.append(best)
        return tuple(found)

    # --- who there is -----------------------------------------------------------------------------

    def _on(self, name: str) -> Iterable[Candidate]:
        """All models of one way that meet what cannot be given up."""
        way = next((each for each in self._rules.ways if each.name == name), None) or self._row_way(name)
        row = self._market.catalog.rows[way.like]
        if any(name in rule.without for rule in self._holding) or not self._may_use(way, row):
            return
        for each in self._offered(way):
            facts = each.listing.facts if each.listing else None
            if not self._needs.denied or (facts and facts.origin and facts.origin not in self._needs.denied):
                yield each

    def _row_way(self, name: str) -> Way:
        row = self._market.catalog.rows[name]
        return Way(name=name, like=name, place=PLACES.get(row.region or ""))

    def _may_use(self, way: Way, row: Row) -> bool:
        needs, own = self._needs, way.place == "own"
        if needs.residency not in ("any", way.place):
            return False
        if own:
            return True
        if any("may_train" in rule.prefer for rule in self._holding) and row.trains is not False:
            return False
        return not needs.denied or (row.origin is not None and row.origin not in needs.denied)

    def _offered(self, way: Way) -> Iterable[Candidate]:
        if way.models:
            for model, upstream in way.models.items():
                listing = self._market.find(model)
                yield Candidate(way, model, upstream, listing, self._price(listing, way.priced_as))
            return
        for listing in self._listings:
            for row, offer in listing.offers:
                ends = offer.retires.date if offer.retires else None
                if row == way.like and (ends is None or ends > self._soon):
                    yield Candidate(way, listing.facts.id, None, listing, offer.price)

    def _price(self, listing: Listing | None, row: str | None) -> Price | None:
        offers = listing.offers if listing else ()
        return next((offer.price for name, offer in offers if name == row), None)


def _value(each: Candidate, goal: Goal) -> float:
    """The least is best."""
    if goal == "price":
        return each.total
    if each.score is None:
        return math.inf
    return -each.score if goal == "score" else -each.score / max(each.total, 1.0)
