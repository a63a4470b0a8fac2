"""Turns an ended call into its record: usage, cost, timings. Pure but for the clock's reading."""

from msgspec import structs

from sekisho.core.exchange import Exchange
from sekisho.core.operation import Operation
from sekisho.core.record import CallRecord, Outcome
from sekisho.core.usage import Usage
from sekisho.metering.tokens import Tokens
from sekisho.pipeline import bill, notes
from sekisho.pipeline.explain import explanation

APP_LIMIT = 200
"""Bytes."""
APP_HEADERS = (b"x-openrouter-title", b"x-title", b"http-referer", b"referer")
"""What names the client's application, in OpenRouter's words; the first of them counts."""
_NAMING = frozenset(APP_HEADERS)


def record_call(
    exchange: Exchange,
    tokens: Tokens,
    *,
    status: int,
    outcome: Outcome,
    error_code: str | None,
    now: float,
) -> CallRecord:
    """The record of a call that has just ended; `now` is monotonic seconds."""
    endpoint, principal = exchange.endpoint, exchange.principal
    if exchange.stream:
        notes.broke_off(exchange, now, error_code if outcome == "interrupted" else None)
    facts, first_token = exchange.facts, exchange.first_token
    usage = used(exchange, outcome, tokens)
    total = bill.whole(exchange, usage)
    if not facts.finish and brought_nothing(exchange, outcome, usage):
        total = bill.waive(exchange, total)
    model = provider = provider_dialect = upstream_model = None
    if endpoint is not None:
        model, provider, upstream_model = endpoint.model, endpoint.provider.name, endpoint.upstream_model
        provider_dialect = endpoint.dialect_for(exchange.dialect.name)
    return CallRecord(
        id=exchange.id,
        started=exchange.started,
        key_id=principal.key_id,
        operation=exchange.entry.operation,
        dialect=exchange.dialect.name,
        requested_model=exchange.model,
        model=model,
        provider=provider,
        provider_dialect=provider_dialect,
        upstream_model=upstream_model,
        upstream_id=facts.upstream_id or None,
        stream=exchange.stream,
        status=status,
        outcome=outcome,
        error_code=error_code,
        finish=facts.finish,
        service_tier=facts.service_tier,
        usage=total.usage,
        cost=total.cost,
        unpriced=total.unpriced,
        waived=total.waived,
        attempts=total.attempts,
        first_token_ms=None if first_token is None else round((first_token - exchange.began) * 1000),
        total_ms=round((now - exchange.began) * 1000),
        explanation=explanation(exchange, usage, total.rates),
        app=_app(exchange),
        organisation=principal.organisation,
        team=principal.team,
        project=principal.project,
        owner=principal.owner,
        user=exchange.user,
        session=exchange.session,
        tags=exchange.tags,
    )


def used(exchange: Exchange, outcome: Outcome, tokens: Tokens) -> Usage | None:
    """The provider's count of what `exchange.facts` are about; where an answer broke off or had none, our
    estimate of what was produced."""
    facts = exchange.facts
    counted = facts.usage
    if outcome == "ok" and (exchange.entry.operation is Operation.COUNT_TOKENS or facts.pending):
        return None
    if counted is not None and (outcome == "ok" or facts.finish is not None or exchange.left):
        # What was counted at or after the finish, or with a whole answer, is final, whatever happened then.
        return counted
    produced = tokens.produced(facts, exchange.endpoint)
    if counted is not None:
        return structs.replace(counted, output=max(counted.output, produced), estimated=True)
    billed = exchange.asked and exchange.entry.operation is not Operation.COUNT_TOKENS
    if outcome == "ok" or produced or (outcome == "cancelled" and billed):
        # Who leaves once a provider has the request pays for the prompt, even before the first word.
        return _estimate(exchange, produced, tokens)
    return None  # nothing came, so there is nothing to bill


def brought_nothing(exchange: Exchange, outcome: Outcome, usage: Usage | None) -> bool:
    """Whether a chat that is to be paid for gave its client no token, and broke off or did not say why it
    ended. Who leaves gets what there was."""
    facts = exchange.facts
    if usage is None or outcome == "cancelled" or exchange.entry.operation is not Operation.CHAT:
        return False
    if facts.finish or facts.output_ascii or facts.output_wide or exchange.pieces:
        return False
    return exchange.coalesced is None and (outcome != "ok" or not usage.output)


def given_up(exchange: Exchange, tokens: Tokens) -> Usage:
    """What an attempt is taken to have come to that is given up now, its request being at the provider: the
    prompt at least."""
    return used(exchange, "cancelled", tokens) or _estimate(exchange, 0, tokens)


def _estimate(exchange: Exchange, produced: int, tokens: Tokens) -> Usage:
    prompt = exchange.prompt_tokens
    if prompt is None:
        prompt = tokens.estimate(exchange.members, exchange.endpoint)
    return Usage(input=prompt, output=produced, estimated=True)


def _app(exchange: Exchange) -> str | None:
    named = exchange.named
    if _NAMING.isdisjoint(named):
        return None
    for name in APP_HEADERS:
        if name in named:
            return named[name][:APP_LIMIT].decode("utf-8", "ignore")
    return None
