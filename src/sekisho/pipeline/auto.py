"""Automatic routing: the task that a call brings decides which model answers it."""

from sekisho.core.error import BadRequest
from sekisho.core.exchange import Exchange
from sekisho.core.explanation import AutoRecord
from sekisho.core.operation import RETRIEVAL, Operation
from sekisho.core.principal import Principal
from sekisho.core.route import Auto, Route
from sekisho.core.tier import Judgement, Scorer
from sekisho.pipeline.excerpt import sample
from sekisho.pipeline.steps.access import may_use


def led(exchange: Exchange, auto: Auto) -> Route:
    """The route that the call's task wants, noted in the exchange. Only for a key that may use one of them.

    Where it may not use that one: the default, then the strong one, then the first of the others in the order
    of the tiers. Raises BadRequest for what is no conversation.
    """
    if exchange.entry.operation in RETRIEVAL:
        raise BadRequest(
            f"`{exchange.model}` leads conversations, by their task; name the model that is to do this",
            param="model",
        )
    judged = auto.scorer(sample(exchange.body, exchange.members))
    wanted = choice(auto, judged)
    taken = allowed(exchange.principal, auto, wanted)
    exchange.auto = record_of(judged, taken, wanted)
    return taken


def record_of(judged: Judgement, taken: Route, wanted: Route) -> AutoRecord:
    """`taken`: where the call is led, which is not where it was to be where its key may not use that."""
    return AutoRecord(
        tier=judged.tier,
        score=judged.score,
        signs=judged.signs,
        model=taken.name,
        instead_of=None if taken is wanted else wanted.name,
    )


def choice(auto: Auto, judged: Judgement) -> Route:
    """Where such a call is led, whoever makes it."""
    mapped = auto.tiers.get(judged.tier)
    if mapped is not None:
        return mapped
    if auto.strong is not None and judged.score >= auto.threshold:
        return auto.strong
    return auto.default


def note_score(exchange: Exchange, scorer: Scorer) -> None:
    """Of a call that named its model, so that a threshold can be calibrated before calls are led by it."""
    if exchange.auto is None and exchange.entry.operation is Operation.CHAT:
        judged = scorer(sample(exchange.body, exchange.members))
        exchange.auto = AutoRecord(tier=judged.tier, score=judged.score, signs=judged.signs)


def allowed(principal: Principal, auto: Auto, wanted: Route) -> Route:
    """The route that was wanted, or the one that the key may use instead. Only for a key that may use one."""
    others = auto.routes().values()
    return next((route for route in (wanted, *others) if may_use(principal, route)), wanted)
