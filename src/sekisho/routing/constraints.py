"""Which targets a call may not use, and which cannot serve it, and why. Both come before every preference.

What is not known is not allowed where a constraint asks for it: a policy that lets unknown cases pass is
none. Context, modality and parameters are the other way round, since most models' facts are not complete
there: what is not known is tried.
"""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from sekisho.core.preference import NONE, UNKNOWN_QUANTIZATION, Preferences, PriceCap
from sekisho.core.route import Target
from sekisho.routing.ask import Ask
from sekisho.routing.spent import Spent

Rejected = list[tuple[Target, str]]
"""Each with the reason, for people."""
_UNPRICED = "has no known price"
_INPUT = "its input costs more than the cap"
_OUTPUT = "its output costs more than the cap"
_REQUEST = "its price for each call is more than the cap"
OVER_CAP = frozenset((_UNPRICED, _INPUT, _OUTPUT, _REQUEST))
"""Reasons of `price_cap`."""
Check = Callable[[Sequence[Target], Ask], Rejected]


def forbidden(targets: Sequence[Target], ask: Ask) -> Rejected:
    """The targets that may not serve the call, each with its first reason."""
    prefer = ask.prefer
    if prefer is NONE:
        return []
    found: dict[str, tuple[Target, str]] = {}
    for check in _checks(prefer):
        for target, reason in check(targets, ask):
            found.setdefault(target.endpoint.id, (target, reason))
    return [found[target.endpoint.id] for target in targets if target.endpoint.id in found] if found else []


def over_budget(targets: Sequence[Target], spent: Spent) -> Rejected:
    """The targets whose provider's budget is used up, each with when the next one begins."""
    found: Rejected = []
    for target in targets:
        until = spent.closed_until(target.endpoint.provider.name)
        if until is not None:
            found.append((target, f"has used up its budget until {moment(until)}"))
    return found


def unable(targets: Sequence[Target], ask: Ask) -> Rejected:
    """The targets that cannot serve the call, as far as their facts are known, each with the reason."""
    needed = ask.prompt_tokens + (ask.max_tokens or 0)
    plain = len(ask.modalities) == 1  # all take text
    found: Rejected = []
    for target in targets:
        endpoint = target.endpoint
        context, facts = endpoint.context_length, endpoint.facts
        if context is not None and needed > context:
            found.append((target, f"its context of {context} tokens is too short"))
        elif not plain and facts is not None:
            missing = ask.modalities.difference(facts.input_modalities)
            if missing:
                found.append((target, f"takes no {' or '.join(sorted(missing))}"))
    return found


def moment(seconds: float) -> str:
    """Seconds since the epoch, for people: `2026-11-23T00:00:00Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _checks(prefer: Preferences) -> Sequence[Check]:
    """Those of the constraints that are asked for. They look at all targets at once, since most look at one
    value of each."""
    found: list[Check] = []
    if prefer.only is not None:
        found.append(_not_among)
    if prefer.ignore:
        found.append(_ignored)
    if not prefer.may_train:
        found.append(_trains)
    if prefer.zero_retention:
        found.append(_keeps)
    if prefer.regions is not None:
        found.append(_elsewhere)
    if prefer.denied_origins:
        found.append(_foreign)
    return _checks_of_models(prefer, found)


def _checks_of_models(prefer: Preferences, found: list[Check]) -> list[Check]:
    if prefer.open_weights:
        found.append(_closed)
    if prefer.licences is not None:
        found.append(_licensed_otherwise)
    if prefer.price_cap is not None:
        found.append(_dear)
    if prefer.quantizations is not None:
        found.append(_quantized)
    if prefer.require_parameters:
        found.append(_lacks)
    return found


def _not_among(targets: Sequence[Target], ask: Ask) -> Rejected:
    only, reason = frozenset(ask.prefer.only or ()), "is not among the providers asked for"
    return [(target, reason) for target in targets if target.endpoint.provider.name not in only]


def _ignored(targets: Sequence[Target], ask: Ask) -> Rejected:
    ignored = frozenset(ask.prefer.ignore)
    return [(target, "is to be ignored") for target in targets if target.endpoint.provider.name in ignored]


def _trains(targets: Sequence[Target], _ask: Ask) -> Rejected:
    found = [target for target in targets if target.endpoint.provider.policy.trains is not False]
    says = ("does not say that it never trains", "may train on what it is sent")
    return [(target, says[target.endpoint.provider.policy.trains is True]) for target in found]


def _keeps(targets: Sequence[Target], _ask: Ask) -> Rejected:
    days = [(target, target.endpoint.provider.policy.retention_days) for target in targets]
    return [
        (
            target,
            "does not say how long it keeps prompts" if kept is None else f"keeps prompts for {kept} days",
        )
        for target, kept in days
        if kept != 0
    ]


def _elsewhere(targets: Sequence[Target], ask: Ask) -> Rejected:
    regions = [(target, target.endpoint.provider.policy.region) for target in targets]
    allowed = ask.prefer.regions or ()
    return [
        (target, "does not say where it processes" if region is None else f"processes in {region}")
        for target, region in regions
        if region not in allowed
    ]


def _foreign(targets: Sequence[Target], ask: Ask) -> Rejected:
    found: Rejected = []
    for target in targets:
        endpoint = target.endpoint
        origins = (
            ("provider", endpoint.provider.policy.origin),
            ("model", endpoint.facts.origin if endpoint.facts else None),
        )
        for whose, origin in origins:
            if origin is None:
                found.append((target, f"the country of its {whose} is not known"))
            elif origin in ask.prefer.denied_origins:
                found.append((target, f"its {whose} comes from {origin}"))
    return found


def _closed(targets: Sequence[Target], _ask: Ask) -> Rejected:
    found: Rejected = []
    for target in targets:
        facts = target.endpoint.facts
        if facts is None or facts.open_weights is None:
            found.append((target, "it is not known whether its model's weights are open"))
        elif not facts.open_weights:
            found.append((target, "its model's weights are not open"))
    return found


def _licensed_otherwise(targets: Sequence[Target], ask: Ask) -> Rejected:
    allowed = ask.prefer.licences or ()
    licences = [(each, each.endpoint.facts.licence if each.endpoint.facts else None) for each in targets]
    return [
        (target, "its model's licence is not known" if licence is None else f"its model is under {licence}")
        for target, licence in licences
        if licence not in allowed
    ]


def _dear(targets: Sequence[Target], ask: Ask) -> Rejected:
    cap = ask.prefer.price_cap or PriceCap()
    most_input = math.inf if cap.input is None else cap.input
    most_output = math.inf if cap.output is None else cap.output
    most_request = math.inf if cap.request is None else cap.request
    found: Rejected = []
    for target in targets:
        price = target.endpoint.price
        if price is None:
            found.append((target, _UNPRICED))
            continue
        rates = price.rates_for(ask.prompt_tokens) if price.tiers else price.base
        if rates.input > most_input:
            found.append((target, _INPUT))
        elif rates.output > most_output:
            found.append((target, _OUTPUT))
        elif rates.request > most_request:
            found.append((target, _REQUEST))
    return found


def _quantized(targets: Sequence[Target], ask: Ask) -> Rejected:
    allowed, found = ask.prefer.quantizations or (), []
    for target in targets:
        quantization = target.endpoint.quantization or UNKNOWN_QUANTIZATION
        if quantization not in allowed:
            unknown = quantization == UNKNOWN_QUANTIZATION
            found.append((target, f"is served in {'an unknown quantization' if unknown else quantization}"))
    return found


def _lacks(targets: Sequence[Target], ask: Ask) -> Rejected:
    found: Rejected = []
    for target in targets:
        known = target.endpoint.facts.parameters if target.endpoint.facts else ()
        missing = ask.parameters.difference(known) if known else ()
        if missing:
            found.append((target, f"does not take {', '.join(sorted(missing))}"))
    return found
