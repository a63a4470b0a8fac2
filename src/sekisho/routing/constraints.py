"""Which targets a call may not use, and which cannot serve it, and why. Both come before every preference.

What is not known is not allowed where a constraint asks for it: a policy that lets unknown cases pass is
none. Context, modality and parameters are the other way round, since most models' facts are not complete
there: what is not known is tried.
"""

from collections.abc import Callable, Sequence

from sekisho.core.preference import NONE, Preferences
from sekisho.core.provider import Endpoint
from sekisho.core.route import Target
from sekisho.routing.ask import Ask

Check = Callable[[Endpoint, Ask], str | None]


def checks(prefer: Preferences) -> Sequence[Check]:
    """Those of the constraints that are asked for. Each gives the reason, for people, why an endpoint may not
    serve a call; None: it may."""
    if prefer is NONE:
        return ()
    asked = (
        (prefer.only is not None or prefer.ignore, _not_among),
        (not prefer.may_train, _trains),
        (prefer.zero_retention, _keeps),
        (prefer.regions is not None, _elsewhere),
        (prefer.denied_origins, _foreign),
        (prefer.price_cap is not None, _dear),
        (prefer.require_parameters, _lacks),
    )
    return [check for wanted, check in asked if wanted]


def forbidden(targets: Sequence[Target], ask: Ask) -> list[tuple[Target, str]]:
    """The targets that may not serve the call, each with the first reason."""
    wanted = checks(ask.prefer)
    found = []
    for target in targets if wanted else ():
        for check in wanted:
            reason = check(target.endpoint, ask)
            if reason is not None:
                found.append((target, reason))
                break
    return found


def unable(targets: Sequence[Target], ask: Ask) -> list[tuple[Target, str]]:
    """The targets that cannot serve the call, as far as their facts are known, each with the reason."""
    needed = ask.prompt_tokens + (ask.max_tokens or 0)
    plain = len(ask.modalities) == 1  # all take text
    found = []
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


def _not_among(endpoint: Endpoint, ask: Ask) -> str | None:
    prefer = ask.prefer
    if prefer.only is not None and endpoint.provider.name not in prefer.only:
        return "is not among the providers asked for"
    return "is to be ignored" if endpoint.provider.name in prefer.ignore else None


def _trains(endpoint: Endpoint, _ask: Ask) -> str | None:
    trains = endpoint.provider.policy.trains
    if trains is False:
        return None
    return "may train on what it is sent" if trains else "does not say that it never trains"


def _keeps(endpoint: Endpoint, _ask: Ask) -> str | None:
    days = endpoint.provider.policy.retention_days
    if days == 0:
        return None
    return "does not say how long it keeps prompts" if days is None else f"keeps prompts for {days} days"


def _elsewhere(endpoint: Endpoint, ask: Ask) -> str | None:
    region = endpoint.provider.policy.region
    if region in (ask.prefer.regions or ()):
        return None
    return "does not say where it processes" if region is None else f"processes in {region}"


def _foreign(endpoint: Endpoint, ask: Ask) -> str | None:
    model = endpoint.facts.origin if endpoint.facts else None
    for whose, origin in (("provider", endpoint.provider.policy.origin), ("model", model)):
        if origin is None:
            return f"the country of its {whose} is not known"
        if origin in ask.prefer.denied_origins:
            return f"its {whose} comes from {origin}"
    return None


def _dear(endpoint: Endpoint, ask: Ask) -> str | None:
    cap = ask.prefer.price_cap
    if cap is None:
        return None
    if endpoint.price is None:
        return "has no known price"
    rates = endpoint.price.rates_for(ask.prompt_tokens)
    for kind, most, asked in (("input", cap.input, rates.input), ("output", cap.output, rates.output)):
        if most is not None and asked > most:
            return f"its {kind} costs more than the cap"
    return None


def _lacks(endpoint: Endpoint, ask: Ask) -> str | None:
    known = endpoint.facts.parameters if endpoint.facts else ()
    missing = ask.parameters.difference(known) if known else ()
    return f"does not take {', '.join(sorted(missing))}" if missing else None
