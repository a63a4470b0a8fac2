"""What rules a target out, in words for people."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.routing.endpoints import USD, facts, names, planned, route, target

from sekisho.core.preference import NONE, Preferences, PriceCap, contradiction, narrowed
from sekisho.core.provider import DataPolicy
from sekisho.core.route import Target
from sekisho.routing.ask import Ask
from sekisho.routing.constraints import forbidden, unable

STRICT = DataPolicy(region="JP", origin="JP", retention_days=0, trains=False)
KNOWN = facts(origin="JP", parameters=("temperature",), open_weights=True, licence="MIT")
OPEN = target("open", 1.0, facts=KNOWN, policy=STRICT)
UNKNOWN = target("unknown", facts=facts())


@pytest.mark.parametrize(
    ("prefer", "of_open", "of_unknown"),
    [
        ({"only": ("open",)}, None, "is not among the providers asked for"),
        ({"ignore": ("open",)}, "is to be ignored", None),
        ({"may_train": False}, None, "does not say that it never trains"),
        ({"zero_retention": True}, None, "does not say how long it keeps prompts"),
        ({"regions": ("eu", "JP")}, None, "does not say where it processes"),
        ({"regions": ("eu",)}, "processes in JP", "does not say where it processes"),
        ({"denied_origins": ("CN",)}, None, "the country of its provider is not known"),
        (
            {"denied_origins": ("JP",)},
            "its provider comes from JP",
            "the country of its provider is not known",
        ),
        ({"open_weights": True}, None, "it is not known whether its model's weights are open"),
        ({"licences": ("MIT",)}, None, "its model's licence is not known"),
        ({"licences": ("Apache-2.0",)}, "its model is under MIT", "its model's licence is not known"),
        ({"price_cap": PriceCap(input=USD)}, None, "has no known price"),
        ({"price_cap": PriceCap(output=USD - 1)}, "its output costs more than the cap", "has no known price"),
        (
            {"price_cap": PriceCap(request=0)},
            None,
            "has no known price",
        ),
        (
            {"quantizations": ("fp8",)},
            "is served in an unknown quantization",
            "is served in an unknown quantization",
        ),
        ({"quantizations": ("fp8", "unknown")}, None, None),
        ({"require_parameters": True}, "does not take seed", None),
        ({}, None, None),
    ],
)
def test_a_constraint_gives_its_reason(
    prefer: dict[str, Any], of_open: str | None, of_unknown: str | None
) -> None:
    ask = Ask(prefer=Preferences(**prefer), parameters=frozenset({"temperature", "seed"}))
    found = {each.endpoint.provider.name: reason for each, reason in forbidden([OPEN, UNKNOWN], ask)}
    assert (found.get("open"), found.get("unknown")) == (of_open, of_unknown)


def test_the_model_may_come_from_a_denied_country_too() -> None:
    served = target("p", facts=facts(origin="CN"), policy=STRICT)
    ((_, reason),) = forbidden([served], Ask(prefer=Preferences(denied_origins=("CN",))))
    assert reason == "its model comes from CN"
    closed = target("p", facts=facts(open_weights=False))
    ((_, reason),) = forbidden([closed], Ask(prefer=Preferences(open_weights=True)))
    assert reason == "its model's weights are not open"


def test_facts_say_who_cannot_serve_a_call() -> None:
    small = target("small", context_length=1000, facts=facts(input_modalities=("text", "image")))
    blind = target("blind", context_length=9000, facts=facts())
    unknown = target("unknown")
    ask = Ask(prompt_tokens=800, max_tokens=300, modalities=frozenset({"text", "image"}))
    assert [
        (each.endpoint.provider.name, reason) for each, reason in unable([small, blind, unknown], ask)
    ] == [
        ("small", "its context of 1000 tokens is too short"),
        ("blind", "takes no image"),
    ]


def test_where_no_facts_allow_a_call_the_providers_are_asked_all_the_same() -> None:
    small, smaller = target("a", context_length=100), target("b", context_length=10)
    ask = Ask(prompt_tokens=200)
    assert names(planned(route(small, smaller), ask=ask)) == ["a", "b"]
    assert names(planned(route(smaller), ask=ask)) == ["b"]
    assert names(planned(route(small, smaller, target("c")), ask=ask)) == ["c"]


# --- what several ask for together ------------------------------------------------------------------

PROVIDERS = st.sampled_from("abcd")
NAMES = st.lists(PROVIDERS, unique=True).map(tuple)
PREFERENCES = st.builds(
    Preferences,
    only=st.none() | NAMES,
    ignore=NAMES,
    fallbacks=st.booleans(),
    may_train=st.booleans(),
    zero_retention=st.booleans(),
    regions=st.none() | st.lists(st.sampled_from(["JP", "US"]), unique=True).map(tuple),
    denied_origins=st.lists(st.sampled_from(["JP", "CN"]), unique=True).map(tuple),
    open_weights=st.booleans(),
    licences=st.none() | st.lists(st.sampled_from(["MIT", "Apache-2.0"]), unique=True).map(tuple),
    price_cap=st.none() | st.builds(PriceCap, input=st.none() | st.integers(0, 3 * USD)),
)
POLICIES = st.builds(
    DataPolicy,
    region=st.sampled_from([None, "JP", "US"]),
    origin=st.sampled_from([None, "JP", "CN"]),
    retention_days=st.sampled_from([None, 0, 30]),
    trains=st.sampled_from([None, True, False]),
)
FACTS = st.none() | st.builds(
    lambda weights, licence: facts(open_weights=weights, licence=licence),
    st.sampled_from([None, True, False]),
    st.sampled_from([None, "MIT"]),
)
TARGETS = st.builds(
    lambda name, price, policy, known: target(name, price, policy=policy, facts=known),
    PROVIDERS,
    st.sampled_from([None, 1.0, 2.0]),
    POLICIES,
    FACTS,
)


def allows(prefer: Preferences, each: Target) -> bool:
    return not forbidden([each], Ask(prefer=prefer))


@given(PREFERENCES, PREFERENCES, TARGETS)
def test_constraints_of_both_hold_together(outer: Preferences, inner: Preferences, each: Target) -> None:
    assert allows(narrowed(outer, inner), each) == (allows(outer, each) and allows(inner, each))


def test_of_preferences_the_nearer_wins() -> None:
    outer = Preferences(order=("a",), select="cheapest", min_throughput=5.0)
    found = narrowed(outer, Preferences(order=("b",), max_first_token=2.0))
    assert (found.order, found.select) == (("b",), "cheapest")
    assert (found.min_throughput, found.max_first_token) == (5.0, 2.0)
    assert narrowed(NONE, outer) is outer
    assert narrowed(outer, NONE) is outer


@given(PREFERENCES, st.lists(TARGETS, min_size=1))
def test_what_contradicts_itself_would_allow_nothing(prefer: Preferences, targets: list[Target]) -> None:
    if contradiction(prefer) is not None and not prefer.order:
        assert len(forbidden(targets, Ask(prefer=prefer))) == len(targets)
