"""What is noted of a call's attempts: who was tried, what came of it, and how long each part took."""

from msgspec import structs

from sekisho.core.error import UpstreamError
from sekisho.core.exchange import Exchange
from sekisho.core.provider import Endpoint
from sekisho.core.record import OUTRUN, AttemptRecord
from sekisho.core.usage import Usage

TOLD = 6
"""Attempts that an error names, those in a row that ended alike counted as one."""


def ended(
    exchange: Exchange, endpoint: Endpoint, began: float, now: float, error: UpstreamError | None
) -> None:
    """An attempt is over, or a stream's first event is there. `began` and `now` are monotonic seconds."""
    milliseconds, attempts, pace = round((now - began) * 1000), exchange.attempts, exchange.pace
    code = status = model = first_token = None
    if error is not None:
        code, status, model = error.code, error.provider_status, endpoint.model
    else:
        exchange.answering = len(attempts)
        if exchange.stream:
            first_token = milliseconds
    attempts.append(
        AttemptRecord(
            provider=endpoint.provider.name,
            upstream_model=endpoint.upstream_model,
            milliseconds=milliseconds,
            code=code,
            status=status,
            model=model,
            began_ms=round((began - exchange.began) * 1000),
            connect_ms=round(pace.connect * 1000) if pace is not None and pace.connect else 0,
            first_token_ms=first_token,
        )
    )


def given_up(exchange: Exchange, endpoint: Endpoint, began: float, now: float) -> None:
    """The same of an attempt whose client left before anything of an answer was there: it is what the call is
    about nevertheless."""
    ended(exchange, endpoint, began, now, None)
    exchange.attempts[-1] = structs.replace(exchange.attempts[-1], first_token_ms=None)


def outrun(exchange: Exchange, model: str, usage: Usage | None, cost: int | None) -> None:
    """The last attempt is given up, for another one beside it was faster. `usage` and `cost`: what it came
    to; None: its request never went out."""
    last = exchange.attempts[-1]
    exchange.attempts[-1] = structs.replace(
        last,
        code=OUTRUN,
        model=model,
        first_token_ms=None,
        usage=usage,
        cost=cost,
    )


def broke_off(exchange: Exchange, now: float, code: str | None) -> None:
    """The stream that the facts are of is over, after it had begun: at its end, or with this error's code."""
    if exchange.answering is None:
        return
    last = exchange.attempts[exchange.answering]
    if last.code is None and last.first_token_ms is not None and last.gap_ms is None:
        gap = 0.0 if exchange.pace is None else exchange.pace.longest_gap
        exchange.attempts[exchange.answering] = structs.replace(
            last,
            milliseconds=max(last.milliseconds, round((now - exchange.began) * 1000) - last.began_ms),
            code=code,
            gap_ms=round(gap * 1000),
        )


def history(exchange: Exchange) -> str:
    """The attempts of a call that failed, for people: `a upstream_overloaded 503 (2 times), b ...`; empty
    where there is no more to say than of the last one. With who was not even tried, and why."""
    groups: list[tuple[str, int]] = []
    for attempt in exchange.attempts:
        status = f" {attempt.status}" if attempt.status else ""
        said = f"{attempt.provider} {attempt.code or 'answered'}{status}"
        if groups and groups[-1][0] == said:
            groups[-1] = (said, groups[-1][1] + 1)
        else:
            groups.append((said, 1))
    told = [said if count == 1 else f"{said} ({count} times)" for said, count in groups]
    left_out = exchange.plan.rejected if exchange.plan is not None else ()
    if len(told) < 2 and not left_out:
        return ""
    told = [*told[:TOLD], *(["..."] if len(told) > TOLD else [])]
    told += [f"{rejection.endpoint.partition('/')[0]} {rejection.reason}" for rejection in left_out[:TOLD]]
    return ", ".join(told)
