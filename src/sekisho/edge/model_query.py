"""What `GET /api/v1/models` may be asked: filters, orders and pages."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from urllib.parse import parse_qs

from sekisho.core.error import BadRequest, NotServed
from sekisho.core.money import NANO, Price
from sekisho.core.provider import DataPolicy
from sekisho.core.route import Target
from sekisho.edge import listing
from sekisho.edge.catalogue import Item
from sekisho.routing.board import Board
from sekisho.routing.provider_words import folded

Test = Callable[[Item], bool]
MOST = 1000
DAY = 86_400
UNSERVED: Mapping[str, str] = MappingProxyType(
    {
        "category": "models are not sorted by use here",
        "arch": "families of models are not known here",
        "distillable": "the catalogue does not say it",
        **{
            f"{end}_{name}": "benchmarks are not in the catalogue"
            for end in ("min", "max")
            for name in ("intelligence_index", "coding_index", "agentic_index", "tool_success_rate")
        },
    }
)
SORTS = ("newest", "pricing-low-to-high", "pricing-high-to-low", "context-high-to-low")
LIVE_SORTS = ("throughput-high-to-low", "latency-low-to-high")
"""By what was measured a moment ago, so that the answer has no ETag."""
UNSERVED_SORTS = (
    "most-popular",
    "top-weekly",
    "intelligence-high-to-low",
    "coding-high-to-low",
    "agentic-high-to-low",
    "design-arena-elo-high-to-low",
)


class Query:
    """One request's. Raises BadRequest or NotServed naming the parameter."""

    def __init__(self, query: bytes, *, now: float):
        """`now`: seconds since the epoch."""
        self._said = {name: values[-1] for name, values in parse_qs(query.decode("latin-1")).items()}
        self._now = now
        for name, reason in UNSERVED.items():
            if name in self._said:
                raise NotServed(f"`{name}` is not served here: {reason}", param=name)
        self.sort = self._said.get("sort")
        if self.sort in UNSERVED_SORTS:
            raise NotServed(f"`sort`: there is nothing here to sort by `{self.sort}`", param="sort")
        if self.sort not in (None, *SORTS, *LIVE_SORTS):
            known = ", ".join((*SORTS, *LIVE_SORTS))
            raise BadRequest(f"`sort` must be one of {known}", param="sort")
        self.offset = int(self._number("offset") or 0)
        limit = self._number("limit")
        paged = limit is not None or "offset" in self._said
        self.limit = int(500 if limit is None else limit) if paged else None
        if self.limit is not None and not 1 <= self.limit <= MOST:
            raise BadRequest(f"`limit` must be between 1 and {MOST}", param="limit")
        self.live = self.sort in LIVE_SORTS
        self.rss = self._said.get("use_rss") == "true"

    def chosen(self, items: Sequence[Item], board: Board) -> Sequence[Item]:
        """Those that pass every filter, in the order asked for."""
        found = list(items)
        for test in self._tests():
            found = list(filter(test, found))
        if self.sort is not None:
            found.sort(key=self._key(self.sort, board))
        return found

    def following(self, path: str, total: int) -> str | None:
        """The path of the next page."""
        if self.limit is None or self.offset + self.limit >= total:
            return None
        return f"{path}?offset={self.offset + self.limit}&limit={self.limit}"

    def page(self, items: Sequence[Item]) -> Sequence[Item]:
        return items if self.limit is None else items[self.offset : self.offset + self.limit]

    def _tests(self) -> list[Test]:
        tests: list[Test] = []
        outputs = self._words("output_modalities") or {"text"}
        if "all" not in outputs:
            tests.append(lambda item: not outputs.isdisjoint(item.outputs))
        inputs, wanted = self._words("input_modalities"), self._words("supported_parameters")
        authors, providers = self._words("model_authors"), self._words("providers")
        text, context, region = (
            self._said.get("q", "").casefold(),
            self._number("context"),
            self._said.get("region"),
        )
        if inputs:
            tests.append(lambda item: inputs.issubset(item.inputs))
        if wanted:
            tests.append(lambda item: wanted.issubset(listing.parameters(item.facts)))
        if authors:
            tests.append(lambda item: item.route.name.partition("/")[0] in authors)
        if providers:
            words = set(map(folded, providers))
            tests.append(
                lambda item: any(not words.isdisjoint(_words_of(each)) for each in item.route.targets)
            )
        if text:
            tests.append(lambda item: text in item.route.name.casefold() or text in item.name.casefold())
        if context:
            tests.append(lambda item: item.context >= context)
        if self._said.get("zdr") == "true":
            tests.append(lambda item: any(_policy(each).retention_days == 0 for each in item.route.targets))
        if region:
            tests.append(lambda item: any(_in(_policy(each).region, region) for each in item.route.targets))
        return tests + self._bounds()

    def _bounds(self) -> list[Test]:
        tests: list[Test] = []
        for name, output in (("price", False), ("output_price", True)):
            least, most = self._number(f"min_{name}"), self._number(f"max_{name}")
            if least is not None or most is not None:
                tests.append(_priced(least or 0.0, most, output=output))
        youngest, oldest = self._number("min_age_days"), self._number("max_age_days")
        if youngest is not None:
            tests.append(lambda item: 0 < item.created <= self._now - youngest * DAY)
        if oldest is not None:
            tests.append(lambda item: item.created >= self._now - oldest * DAY)
        return tests

    def _key(self, sort: str, board: Board) -> Callable[[Item], float]:
        now = board.now()
        keys: Mapping[str, Callable[[Item], float]] = {
            "newest": lambda item: -item.created,
            "pricing-low-to-high": lambda item: _average(item, float("inf")),
            "pricing-high-to-low": lambda item: -_average(item, float("-inf")),
            "context-high-to-low": lambda item: -item.context,
            "throughput-high-to-low": lambda item: (
                -max(
                    (each.speed.percentile(0.5, now) or 0.0 for each in board.all_of(item.route.targets)),
                    default=0.0,
                )
            ),
            "latency-low-to-high": lambda item: min(
                found if (found := each.first_token.percentile(0.5, now)) is not None else float("inf")
                for each in board.all_of(item.route.targets)
            ),
        }
        return keys[sort]

    def _words(self, name: str) -> set[str]:
        return {word.strip() for word in self._said.get(name, "").split(",")} - {""}

    def _number(self, name: str) -> float | None:
        text = self._said.get(name)
        if text is None:
            return None
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not 0 <= value < 1e12:
            raise BadRequest(f"`{name}` must be a number, 0 or more", param=name)
        return value


def _words_of(target: Target) -> set[str]:
    provider = target.endpoint.provider
    return set(map(folded, (provider.name, provider.row, provider.label, provider.slug or provider.name)))


def _policy(target: Target) -> DataPolicy:
    return target.endpoint.provider.policy


def _in(place: str | None, region: str) -> bool:
    return place is not None and place.casefold().partition("-")[0] == region.casefold()


def _price(item: Item) -> Price | None:
    return item.route.targets[0].endpoint.price


def _average(item: Item, unknown: float) -> float:
    price = _price(item)
    return unknown if price is None else (price.base.input + price.base.output) / 2


def _priced(least: float, most: float | None, *, output: bool) -> Test:
    """By USD for a million tokens; without a price no model passes."""

    def passes(item: Item) -> bool:
        price = _price(item)
        if price is None:
            return False
        usd = (price.base.output if output else price.base.input) / NANO
        return least <= usd and (most is None or usd <= most)

    return passes
