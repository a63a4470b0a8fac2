"""Advice: what is needed is kept to, every line has its reason, and what is proposed compiles."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from sekisho.control.services.advice import Advice, Candidate, advise, month_cost
from sekisho.control.services.advice_document import essential, lines, route_name, text
from sekisho.core.money import usd_text
from sekisho.core.route import Route, Snapshot
from sekisho.providers import catalog
from sekisho.providers.market import advice, quality
from sekisho.providers.market.advice import CHOICES, Needs
from sekisho.providers.market.listing import Market
from sekisho.routing import document
from sekisho.routing.ask import Ask
from sekisho.routing.compile import examine
from sekisho.routing.constraints import forbidden

TODAY = dt.date(2026, 11, 22)
RULES = advice.load()
MARKET = Market(catalog.load(), quality.shipped(), TODAY)
NEEDS = some.builds(
    Needs,
    **{name: some.sampled_from(values) for name, values in CHOICES.items()},
    audit=some.booleans(),
    self_hosting=some.booleans(),
    tokens=some.sampled_from([1, 1_000_000, 5_000_000, 10**9]),
    budget=some.sampled_from([None, 1, 300, 10_000]),
    denied=some.sampled_from([(), ("CN",), ("CN", "RU"), ("US",)]),
)


def advised(**members: Any) -> Advice:
    return essential(advise(Needs(**members), RULES, MARKET, TODAY), MARKET.catalog)


def compiled(found: Advice) -> Snapshot:
    """Of the document, without any variable of the environment. Nothing but a missing key is warned of."""
    written = text(lines(found, MARKET.catalog), ["理由"])
    made = examine(document.read(written.encode(), "advice.yaml"), MARKET.catalog, {})
    assert all("is not set" in warning.message for warning in made.warnings), made.warnings
    return made.snapshot


def ways(found: Advice) -> list[str]:
    return [each.way.name for _, each in found.targets]


def test_rules_name_only_what_there_is() -> None:
    named = {way.name for way in RULES.ways}
    for way in RULES.ways:
        assert way.like in MARKET.catalog.rows
        assert all(MARKET.find(model) for model in way.models), way.models
    for rule in RULES.rules:
        assert rule.source in RULES.sources
        assert rule.en
        assert any("\u3040" <= letter <= "\u9fff" for letter in rule.ja), "Japanese is first-class"
        for name in (*rule.main, *rule.standby, *rule.further, *rule.without):
            assert name in named or name in MARKET.catalog.rows, name
        for prefix in rule.models:
            assert any(each.facts.id.startswith(prefix) for each in MARKET.listings()), prefix
    dt.date.fromisoformat(RULES.date)


@settings(max_examples=120)
@given(NEEDS)
def test_what_is_proposed_compiles_and_keeps_to_what_is_needed(needs: Needs) -> None:
    found = essential(advise(needs, RULES, MARKET, TODAY), MARKET.catalog)
    if not found.targets:
        assert "nobody" in found.warnings
        assert lines(found, MARKET.catalog) == []
        return
    assert len(set(ways(found))) == len(found.targets), "a stand-in is somewhere else"
    written = lines(found, MARKET.catalog)
    used = {number for line in written for number in line.rules}
    assert used | {at for at, rule in enumerate(found.rules, 1) if rule.note} == set(
        range(1, len(found.rules) + 1)
    ), "every reason has a line, and every number a reason"
    snapshot = compiled(found)
    route = snapshot.routes[route_name(found)]
    assert [target.endpoint.provider.name for target in route.targets] == ways(found)
    assert forbidden(route.targets, Ask(prefer=route.prefer)) == []
    for target in route.targets:
        kept_to(needs, target.endpoint.provider.policy, target.endpoint.facts)


def kept_to(needs: Needs, policy: Any, facts: Any) -> None:
    regions = {"JP": ("JP", "ap-northeast"), "EU": ("eu",), "US": ("US", "us-"), "own": (None,)}
    if needs.residency != "any":
        allowed = regions[needs.residency]
        assert policy.region is None if allowed == (None,) else policy.region.startswith(allowed)
    if needs.denied:
        assert facts.origin not in needs.denied
        assert policy.origin is None or policy.origin not in needs.denied
    if needs.audit and policy.origin is not None:
        assert policy.trains is False


def route_of(found: Advice) -> Route:
    return compiled(found).routes[route_name(found)]


def test_what_must_not_stop_in_japan_goes_to_two_regions_there() -> None:
    found = advised(criticality="critical", audit=True, residency="JP", language="ja", workload="agents")
    assert ways(found) == ["bedrock-tokyo", "bedrock-osaka"]
    route = route_of(found)
    assert route.prefer.regions == ("ap-northeast-1", "ap-northeast-3")
    assert (route.prefer.may_train, route.prompt_cache) == (False, "auto")
    assert route.timeouts.total == 120
    assert any("Vertex AI" in rule.en for rule in found.rules), (
        "what would be first is told, though not served"
    )


def test_coding_is_claude_with_another_vendor_beside_it() -> None:
    found = advised(workload="coding")
    (_, main), (_, standby) = found.targets[:2]
    assert (main.way.name, standby.way.name) == ("anthropic", "openai")
    assert main.model == "anthropic/claude-sonnet-4.5"


def test_cheap_work_is_cheap_and_never_on_one_way_alone() -> None:
    found = advised(criticality="cost", workload="batch", tokens=50_000_000)
    main, standby = (each for _, each in found.targets)
    assert main.model.startswith("deepseek/deepseek-v3.2")
    assert main.way.name != standby.way.name
    assert main.total < 10**9
    assert route_of(found).retry.attempts == 3
    without = advised(criticality="cost", workload="batch", denied=("CN",))
    assert all(each.listing and each.listing.facts.origin == "US" for _, each in without.targets)


def test_low_latency_is_groq_and_overtakes_who_is_late() -> None:
    found = advised(latency="low")
    assert ways(found)[0] == "groq"
    assert route_of(found).hedge is not None


def test_who_looks_for_a_model_gets_a_router_unless_there_is_an_audit() -> None:
    assert ways(advised(workload="explore"))[0] == "openrouter"
    assert "openrouter" not in ways(advised(workload="explore", audit=True))


def test_data_that_may_not_leave_needs_servers_and_people() -> None:
    found = advised(residency="own", language="ja")
    assert ways(found) == ["own", "own-2"]
    assert found.targets[0][1].model == "qwen/qwen3-32b"
    assert "own_unready" in found.warnings
    assert "own_unready" not in advised(residency="own", self_hosting=True).warnings
    assert ways(advised(self_hosting=True, audit=True, tokens=2_000_000))[0] == "own"
    assert ways(advised(self_hosting=True, audit=True, tokens=1_999_999))[0] != "own"


def test_a_months_cost_is_exact_and_a_budget_is_kept_or_said_to_be_too_small() -> None:
    found = advised(tokens=1_000_000, workload="coding")
    main = found.targets[0][1]
    assert main.price is not None
    base = main.price.base
    exact = (Decimal(22_500_000) * base.input + Decimal(7_500_000) * base.output) / 10**15
    assert found.month is not None
    assert Decimal(usd_text(found.month)) == exact
    tight = advised(tokens=1_000_000, budget=100)
    spent = month_cost(tight.targets[0][1], tight.needs, RULES)
    assert spent is not None
    assert spent <= 100 * 10**9
    assert compiled(tight).providers[ways(tight)[0]].budget is not None
    assert "budget" in advised(tokens=10**9, budget=1).warnings


@pytest.mark.parametrize("residency", ["JP", "EU", "US"])
def test_claude_on_bedrock_has_the_price_that_is_published_for_it(residency: str) -> None:
    found = advised(residency=residency, criticality="critical")
    endpoint = route_of(found).targets[0].endpoint
    direct = MARKET.find(endpoint.model)
    assert direct is not None
    assert endpoint.price is not None
    (price,) = [offer.price for row, offer in direct.offers if row == "anthropic"]
    assert price is not None
    assert endpoint.price.base == price.base


def test_simple_calls_have_a_cheaper_route_where_there_is_a_cheaper_model() -> None:
    found = advised(residency="US", criticality="critical", workload="search")
    snapshot = compiled(found)
    assert snapshot.routes["search"].degrade == "search-light"
    light: Candidate = found.light[0]
    assert light.total < found.targets[0][1].total
