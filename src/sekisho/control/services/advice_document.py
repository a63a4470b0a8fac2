"""Advice as a document: every line with the numbers of the rules that it follows from."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from sekisho.control.services.advice import Advice, Candidate, Role
from sekisho.core.money import Rates, usd_text
from sekisho.providers.catalog import Catalog
from sekisho.providers.market.advice import Rule, Way

NAMES = {"chat": "assistant", "agents": "agent", "explore": "trial"}
"""What a workload's route is called, where it is not its own name."""
WIDTH = 74
"""Column of the numbers."""
Numbers = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    rules: Numbers = ()
    """Places in `Advice.rules`, from 1. A line without any belongs to the one above it."""


def lines(advice: Advice, catalog: Catalog) -> list[Line]:
    """The document; empty where there is nothing to propose."""
    return list(_Writer(advice, catalog).document()) if advice.targets else []


def essential(advice: Advice, catalog: Catalog) -> Advice:
    """The same with only those rules that something follows from, if there is a document."""
    if not advice.targets:
        return advice
    used = {number for line in lines(advice, catalog) for number in line.rules}
    kept = (rule for number, rule in enumerate(advice.rules, 1) if rule.note or number in used)
    return replace(advice, rules=tuple(kept))


def text(written: Sequence[Line], reasons: Sequence[str]) -> str:
    """As a file, the reasons below it."""
    body = [
        f"{each.text:<{WIDTH}} # {', '.join(map(str, each.rules))}" if each.rules else each.text
        for each in written
    ]
    return "\n".join([*body, "", *(f"# {reason}" for reason in reasons), ""])


def route_name(advice: Advice) -> str:
    return NAMES.get(advice.needs.workload, advice.needs.workload)


class _Writer:
    def __init__(self, advice: Advice, catalog: Catalog):
        self._advice = advice
        self._catalog = catalog
        self._all = (*(each for _, each in advice.targets), *advice.light)
        self._own = any(each.way.place == "own" for each in self._all)

    def document(self) -> Iterator[Line]:
        advice, name = self._advice, route_name(self._advice)
        yield Line("providers:")
        for way in {each.way.name: each.way for each in self._all}.values():
            yield from self._provider(way)
        yield Line("models:")
        yield from self._route(name, [(each, self._chose(role, each)) for role, each in advice.targets])
        for member, value, number in self._effects("route"):
            if member != "hedge" or len(advice.targets) > 1:
                yield Line(f"    {member}: {value}", (number,))
        if advice.light:
            why = self._where(lambda rule: rule.light)
            yield Line(f"    degrade: {name}-light", why)
            yield from self._route(f"{name}-light", [(each, why) for each in advice.light])
        for member, value, number in self._effects("document"):
            yield Line(f"{member}: {value}", (number,))

    def _provider(self, way: Way) -> Iterator[Line]:
        why = self._where(lambda rule: way.name in (*rule.main, *rule.standby, *rule.further))
        yield Line(f"  {way.name}:", why)
        if way.like != way.name:
            yield Line(f"    like: {way.like}")
        env = self._catalog.rows[way.like].env
        if env and way.region is None:
            yield Line(f'    api_key: "${{{env[0]}}}"')
        if way.region is not None:
            yield Line(f"    region: {way.region}")
        if way.base_url is not None:
            yield Line(f"    base_url: {way.base_url}")
        for member, value, number in self._effects("provider"):
            if way.place != "own" or member != "budget":
                yield Line(f"    {member}: {value}", (number,))
        if way.models:
            yield Line("    models:", self._where(lambda rule: way.like in rule.priced))
            served = {each.model: each for each in self._all if each.way.name == way.name}
            yield from (Line(f"      {model}: {_served(each)}") for model, each in served.items())

    def _route(self, name: str, targets: Sequence[tuple[Candidate, Numbers]]) -> Iterator[Line]:
        yield Line(f"  {name}:")
        yield Line("    targets:")
        for each, why in targets:
            yield Line(f"      - {{model: {each.model}, provider: {each.way.name}}}", why)
        # Of own servers the catalogue knows neither region nor policy: a constraint would rule them out.
        prefer = [] if self._own else list(self._effects("prefer"))
        if prefer:
            yield Line("    prefer:")
            yield from (Line(f"      {member}: {value}", (number,)) for member, value, number in prefer)

    def _chose(self, role: Role, each: Candidate) -> Numbers:
        return self._where(
            lambda rule: (
                each.way.name in getattr(rule, role)
                or any(each.model.startswith(prefix) for prefix in rule.models)
            )
        )

    def _effects(self, section: str) -> Iterator[tuple[str, str, int]]:
        """(member, value, number of the rule), each member as the first rule has it."""
        told: set[str] = set()
        for number, rule in enumerate(self._advice.rules, 1):
            for member, value in getattr(rule, section).items():
                if member not in told:
                    told.add(member)
                    yield member, self._filled(value), number

    def _filled(self, value: str) -> str:
        """A value with what only this advice knows."""
        needs = self._advice.needs
        known = {
            "{regions}": json.dumps(sorted({region for each in self._all if (region := self._region(each))})),
            "{denied}": json.dumps(list(needs.denied)),
            "{budget}": f"{needs.budget}/month",
        }
        return known.get(value, value)

    def _region(self, each: Candidate) -> str | None:
        return each.way.region or self._catalog.rows[each.way.like].region

    def _where(self, holds: Callable[[Rule], bool]) -> Numbers:
        return tuple(number for number, rule in enumerate(self._advice.rules, 1) if holds(rule))


def _served(each: Candidate) -> str:
    """What a provider's `models` say of one."""
    members = [f'upstream: "{each.upstream}"']
    if each.price is not None:
        members.append(f"price: {{{_rates(each.price.base)}}}")
    return f"{{{', '.join(members)}}}"


def _rates(rates: Rates) -> str:
    told = {
        name: rate
        for name in ("input", "output", "cache_read", "cache_write", "cache_write_1h")
        if (rate := getattr(rates, name)) is not None
    }
    return ", ".join(f"{name}: {usd_text(rate)}" for name, rate in told.items())
