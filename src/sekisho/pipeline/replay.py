"""Plans recorded calls against another document, and counts what would be otherwise. Nobody is called.

Calls that planning cannot tell apart are planned together: to the same name, by keys of which the same is
asked, with prompts of about the same size (within a fifth, and on the same side of every context and price
tier). Where a selector goes by chance, such calls take turns over some of its draws, so that the same books
give the same answer.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from sekisho.core.error import Forbidden, ModelNotFound
from sekisho.core.operation import Operation
from sekisho.core.preference import Preferences, Selector, narrowed
from sekisho.core.principal import Principal
from sekisho.core.provider import Endpoint, endpoint_id
from sekisho.core.route import Auto, Route, Snapshot, Target
from sekisho.core.tier import Judgement
from sekisho.core.usage import Usage
from sekisho.metering.histogram import Histogram, bucket, quantile
from sekisho.metering.prices import price_call
from sekisho.pipeline.ask import session_of
from sekisho.pipeline.auto import allowed, choice
from sekisho.pipeline.steps.access import check_access, find_route
from sekisho.routing import variants
from sekisho.routing.ask import Ask
from sekisho.routing.board import LEAST_TOKENS, Board
from sekisho.routing.plan import plan

DRAWS = 16
"""Of a selector that goes by chance, over which like calls take turns."""
BY_CHANCE: frozenset[Selector] = frozenset({"weighted", "balanced", "least_busy", "budget"})
BY_MEASURE: frozenset[Selector] = frozenset({"fastest", "throughput"})


class Recorded(NamedTuple):
    """What replaying needs of one call."""

    requested_model: str
    key_id: str
    provider: str | None
    model: str | None
    upstream_model: str | None
    service_tier: str | None
    named: str | None
    """The session or user that the client named."""
    cost: int | None
    total_ms: int
    first_token_ms: int | None
    error_code: str | None
    usage: Usage | None
    judged: Judgement | None = None
    """What a scorer made of it, where that is looked for."""


class Measured(NamedTuple):
    """How long one answer took."""

    provider: str
    model: str
    upstream_model: str
    total_ms: int
    first_token_ms: int | None
    output: int


@dataclass(slots=True)
class Pace:
    """Of one endpoint, or of many calls."""

    total: Histogram = field(default_factory=dict)
    first_token: Histogram = field(default_factory=dict)

    def add(self, total_ms: int, first_token_ms: int | None) -> None:
        _count(self.total, total_ms)
        if first_token_ms is not None:
            _count(self.first_token, first_token_ms)


@dataclass(slots=True)
class Line:
    """Calls to one name that went to one endpoint, and would go to one."""

    requested_model: str
    before: str
    """`provider/author/slug`, or why nobody was asked."""
    after: str
    refused: bool
    """`after` says why nobody would be asked."""
    moved: bool
    """Another endpoint would be tried first than the one that answered."""
    calls: int = 0
    cost_before: int = 0
    """Nano-USD, as booked; calls whose cost is not known count nothing, here and in `cost_after`."""
    cost_after: int = 0
    """Of the same tokens at the other endpoint's price."""
    unpriced: int = 0
    """Of the calls with tokens, those whose cost before or after is not known."""
    uncounted: int = 0
    """Calls without tokens: they failed."""
    pace: Pace = field(default_factory=Pace)
    """As the calls were."""
    expected: Pace | None = None
    """Of all calls that the endpoint answered in that time; None: it answered none."""

    @property
    def changes(self) -> bool:
        return self.moved or self.refused or self.cost_before != self.cost_after


class Paces:
    """How long endpoints took in that time."""

    def __init__(self) -> None:
        self.of: dict[str, Pace] = {}
        self._speeds: dict[str, Histogram] = {}
        """Thousandths of a token a second."""

    def add(self, call: Measured) -> None:
        name = endpoint_id(call.provider, call.model, call.upstream_model)
        pace = self.of.get(name)
        if pace is None:
            pace = self.of[name] = Pace()
        pace.add(call.total_ms, call.first_token_ms)
        taken = call.total_ms - (call.first_token_ms or 0)
        if taken > 0 and call.output >= LEAST_TOKENS:
            _count(self._speeds.setdefault(name, {}), call.output * 1_000_000 // taken)

    def board(self) -> Board:
        """A fresh one that knows these paces; its clock stands still."""
        board = Board(_beginning)
        for name, pace in self.of.items():
            standing = board.of(name)
            for window, measured in (
                (standing.first_token, pace.first_token),
                (standing.speed, self._speeds.get(name, {})),
            ):
                for share in _SHARES:
                    value = quantile(measured, share)
                    if value is not None:
                        window.add(value / 1000, 0.0)
        return board


class Replay:
    """`add` every call, then look at `lines`."""

    def __init__(self, snapshot: Snapshot, principals: Mapping[str, Principal], paces: Paces):
        """`principals`: by key id; calls of other keys are planned as if nothing were asked of them."""
        self._snapshot = snapshot
        self._principals = principals
        self._paces = paces
        self._board = paces.board()
        self._random = Random(1)
        self._asked: dict[tuple[str, str, Judgement | None], _Asked | str] = {}
        """By requested model and key, and where the name leads by the task by that."""
        self._alike: dict[tuple[str, Preferences], _Asked] = {}
        """By route and what is asked of its targets: keys that ask for the same share plans."""
        self._lines: dict[tuple[str | None, ...], Line] = {}
        self.unknown_keys = 0
        """Calls of keys that are gone: what those were allowed is not known."""

    @property
    def lines(self) -> list[Line]:
        """Those with most calls first."""
        return sorted(self._lines.values(), key=lambda each: (-each.calls, each.requested_model, each.after))

    def add(self, call: Recorded) -> None:
        if call.key_id not in self._principals:
            self.unknown_keys += 1
        found = self._where(call)
        line = self._line(call, found)
        line.calls += 1
        line.pace.add(call.total_ms, call.first_token_ms)
        if isinstance(found, str):
            line.cost_before += call.cost or 0
            return
        if call.usage is None:
            line.uncounted += 1
            return
        cost = price_call(call.usage, found.price, call.service_tier)
        if cost is None or call.cost is None:
            line.unpriced += 1
        else:
            line.cost_before += call.cost
            line.cost_after += cost

    def _where(self, call: Recorded) -> Endpoint | str:
        key = (call.requested_model, call.key_id, call.judged)
        asked = self._asked.get(key)
        if asked is None:
            principal = self._principals.get(call.key_id)
            asked = self._asked[key] = self._ask(call.requested_model, principal, call.judged)
        if isinstance(asked, str):
            return asked
        return asked.endpoint(call, self._board, self._random)

    def _ask(self, model: str, principal: Principal | None, judged: Judgement | None) -> "_Asked | str":
        """What all calls of one key to one name have in common, or why they would be refused."""
        name, variant = variants.split(model, self._snapshot)
        try:
            route = find_route(self._snapshot, name)
            if principal is not None:
                check_access(principal, route, Operation.CHAT)
        except (ModelNotFound, Forbidden) as error:
            return error.code
        if route.auto is not None:
            route = _led(route.auto, principal, judged)
        wanted = route.prefer if principal is None else narrowed(principal.prefer, route.prefer)
        if variant is not None and variant in variants.PREFERENCES:
            wanted = narrowed(wanted, variants.PREFERENCES[variant])
        asked = self._alike.get((route.name, wanted))
        if asked is None:
            asked = self._alike[route.name, wanted] = _Asked(route, wanted)
            if asked.select in BY_MEASURE:
                self._wait_for_others(route)
        return asked

    def _wait_for_others(self, route: Route) -> None:
        """Who was never measured is tried first, with one call at a time: as if that one were under way."""
        for target in route.targets:
            if target.endpoint.id not in self._paces.of:
                self._board.of(target.endpoint.id).inflight = 1

    def _line(self, call: Recorded, found: Endpoint | str) -> Line:
        after = found if isinstance(found, str) else found.id
        key = (call.requested_model, call.provider, call.model, call.upstream_model, after)
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = self._new_line(call, found)
        return line

    def _new_line(self, call: Recorded, found: Endpoint | str) -> Line:
        before = call.error_code or "" if call.provider is None else f"{call.provider}/{call.model}"
        if isinstance(found, str):
            return Line(call.requested_model, before, found, refused=True, moved=False)
        was = endpoint_id(call.provider or "", call.model or "", call.upstream_model or "")
        return Line(
            call.requested_model,
            before,
            f"{found.provider.name}/{found.model}",
            refused=False,
            moved=found.id != was,
            expected=self._paces.of.get(found.id),
        )


class _Asked:
    """Of one key's calls to one name: the plans for each size of prompt and session."""

    def __init__(self, route: Route, prefer: Preferences):
        self.select: Selector = prefer.select or route.select
        self._route = route
        self._prefer = prefer
        self._bounds = _bounds(route.targets)
        self._plans: dict[tuple[int, int, str | None], _Draws] = {}

    def endpoint(self, call: Recorded, board: Board, random: Random) -> Endpoint | str:
        """That is tried first, or why nobody is."""
        prompt = 0 if call.usage is None else call.usage.prompt
        session = call.named if self.select == "sticky" else None
        key = (bisect_left(self._bounds, prompt), bucket(prompt), session)
        draws = self._plans.get(key)
        if draws is None:
            by_chance = self.select in BY_CHANCE or (self.select == "sticky" and session is None)
            draws = self._plans[key] = _Draws(DRAWS if by_chance else 1)
        if len(draws.found) < draws.most:
            named = None if session is None else session_of(session.encode())
            ask = Ask(prompt_tokens=prompt, session=named, prefer=self._prefer)
            planned = plan(self._route, ask, board, random)
            draws.found.append(planned.targets[0].endpoint if planned.targets else _reason(planned.rejected))
        return draws.next()


@dataclass(slots=True)
class _Draws:
    most: int
    found: list[Endpoint | str] = field(default_factory=list)
    taken: int = 0

    def next(self) -> Endpoint | str:
        """Each in turn."""
        self.taken += 1
        return self.found[(self.taken - 1) % len(self.found)]


_SHARES = tuple((each + 0.5) / 20 for each in range(20))


def _led(auto: Auto, principal: Principal | None, judged: Judgement | None) -> Route:
    """A call that was not scored counts as one for the default."""
    wanted = auto.default if judged is None else choice(auto, judged)
    return wanted if principal is None else allowed(principal, auto, wanted)


def _bounds(targets: Sequence[Target]) -> list[int]:
    """Sizes of prompts at which another context is too short, or another price holds."""
    found: set[int] = set()
    for target in targets:
        if target.endpoint.context_length is not None:
            found.add(target.endpoint.context_length)
        if target.endpoint.price is not None:
            found.update(tier.above for tier in target.endpoint.price.tiers)
    return sorted(found)


def _reason(rejected: Sequence[tuple[Target, str]]) -> str:
    return "; ".join(dict.fromkeys(f"{target.endpoint.provider.name} {why}" for target, why in rejected[:3]))


def _count(into: Histogram, value: int) -> None:
    at = bucket(value)
    into[at] = into.get(at, 0) + 1


def _beginning() -> float:
    return 0.0
