"""Which targets a call may not use, and why. Constraints come before every preference.

What is not known is not allowed where a constraint asks for it: a policy that lets unknown cases pass is
none. Context, modality and parameters are the other way round, since most models' facts are not complete
there: what is not known is tried.
"""

from collections.abc import Callable

from sekisho.core.preference import NONE, Preferences
from sekisho.core.provider import Endpoint
from sekisho.routing.ask import Ask


def rejection(endpoint: Endpoint, ask: Ask) -> str | None:
    """Why the endpoint may not serve the call, for people; None: it may."""
    if ask.prefer is not NONE:
        for check in _CHECKS:
            reason = check(endpoint, ask.prefer)
            if reason is not None:
                return reason
    return _unable(endpoint, ask)


def _unable(endpoint: Endpoint, ask: Ask) -> str | None:
    context = endpoint.context_length
    if context is not None and ask.prompt_tokens + (ask.max_tokens or 0) > context:
        return f"its context of {context} tokens is too short"
    facts = endpoint.facts
    if facts is None:
        return None
    missing = ask.modalities.difference(facts.input_modalities)
    if missing:
        return f"takes no {' or '.join(sorted(missing))}"
    if ask.prefer.require_parameters and facts.parameters:
        unknown = ask.parameters.difference(facts.parameters)
        if unknown:
            return f"does not take {', '.join(sorted(unknown))}"
    return None


def _not_among(endpoint: Endpoint, prefer: Preferences) -> str | None:
    if prefer.only is not None and endpoint.provider.name not in prefer.only:
        return "is not among the providers asked for"
    return "is to be ignored" if endpoint.provider.name in prefer.ignore else None


def _trains(endpoint: Endpoint, prefer: Preferences) -> str | None:
    trains = endpoint.provider.policy.trains
    if prefer.may_train or trains is False:
        return None
    return "may train on what it is sent" if trains else "does not say that it never trains"


def _keeps(endpoint: Endpoint, prefer: Preferences) -> str | None:
    days = endpoint.provider.policy.retention_days
    if not prefer.zero_retention or days == 0:
        return None
    return "does not say how long it keeps prompts" if days is None else f"keeps prompts for {days} days"


def _elsewhere(endpoint: Endpoint, prefer: Preferences) -> str | None:
    region = endpoint.provider.policy.region
    if prefer.regions is None or region in prefer.regions:
        return None
    return "does not say where it processes" if region is None else f"processes in {region}"


def _foreign(endpoint: Endpoint, prefer: Preferences) -> str | None:
    if not prefer.denied_origins:
        return None
    model = endpoint.facts.origin if endpoint.facts else None
    for whose, origin in (("provider", endpoint.provider.policy.origin), ("model", model)):
        if origin is None:
            return f"the country of its {whose} is not known"
        if origin in prefer.denied_origins:
            return f"its {whose} comes from {origin}"
    return None


def _dear(endpoint: Endpoint, prefer: Preferences) -> str | None:
    cap = prefer.price_cap
    if cap is None:
        return None
    if endpoint.price is None:
        return "has no known price"
    rates = endpoint.price.base
    for kind, most, asked in (("input", cap.input, rates.input), ("output", cap.output, rates.output)):
        if most is not None and asked > most:
            return f"its {kind} costs more than the cap"
    return None


_Check = Callable[[Endpoint, Preferences], str | None]
_CHECKS: tuple[_Check, ...] = (_not_among, _trains, _keeps, _elsewhere, _foreign, _dear)
