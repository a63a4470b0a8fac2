"""Why a call goes where it goes: for its record, and for a client that asks in the request's header."""

import json
import math
from typing import Any

import msgspec

from sekisho.core.admission import UNCOUNTED
from sekisho.core.contract import Named
from sekisho.core.exchange import Exchange
from sekisho.core.explanation import MOST, Candidate, Explanation, PlanRecord, Rejection, Standing
from sekisho.core.money import Rates
from sekisho.core.record import NO_FAILURES
from sekisho.core.usage import Usage
from sekisho.metering.prices import price_call
from sekisho.pipeline.ask import BYTES_A_TOKEN
from sekisho.routing.plan import Plan

HEADER_NAME = "x-sekisho-explain"
HEADER = HEADER_NAME.encode()
LIMIT = 4096
"""Bytes of the answer's header."""
FIT: Standing = "fit"
NAMES = 32
NAME_LENGTH = 100
"""Characters of what was dropped: it may be a client's own word."""


def plan_record(plan: Plan) -> PlanRecord | None:
    """None: there was one target, and nothing to choose."""
    if not plan.scores and not plan.rejected:
        return None
    scores = plan.scores or (math.inf,) * len(plan.targets)
    standings = plan.fitness or [FIT] * len(plan.targets)
    candidates = zip(plan.targets[:MOST], scores, standings, strict=False)
    more = max(0, len(plan.targets) - MOST) + max(0, len(plan.rejected) - MOST)
    return PlanRecord(
        select=plan.select,
        candidates=tuple(
            [
                Candidate(target.endpoint.id, score if math.isfinite(score) else None, standing)
                for target, score, standing in candidates
            ]
        ),
        rejected=tuple([Rejection(target.endpoint.id, reason) for target, reason in plan.rejected[:MOST]]),
        more=more,
    )


def explanation(exchange: Exchange, usage: Usage | None, rates: Rates | None) -> Explanation | None:
    """Of a call that has ended; `usage` is what it is billed for, at `rates`."""
    if (
        usage is not None
        and exchange.plan is None
        and exchange.auto is None
        and not exchange.dropped
        and exchange.prompt_cache == "pass"
        and exchange.coalesced is None
        and exchange.degraded is None
        and exchange.admitted is not UNCOUNTED
        and exchange.healing is None
        and exchange.compression is None
        and exchange.preset is None
    ):
        return None if rates is None else Explanation(rates=rates)
    endpoint, asked = exchange.endpoint, None
    price = None if endpoint is None else endpoint.price
    if usage is None and any(
        attempt.code not in NO_FAILURES for attempt in exchange.attempts if attempt.code
    ):
        asked = Usage(input=len(exchange.body) // BYTES_A_TOKEN)
    prompt_cache = None if exchange.prompt_cache == "pass" else exchange.prompt_cache
    hedged = None if exchange.hedged is None else round(exchange.hedged * 1000)
    said = (rates, asked, prompt_cache, exchange.plan, exchange.auto, exchange.dropped, exchange.coalesced)
    uncounted = exchange.admitted is UNCOUNTED
    done = (exchange.degraded, uncounted, exchange.healing, exchange.compression, exchange.preset)
    if not (any(said) or any(done)):
        return None
    return Explanation(
        plan=exchange.plan,
        auto=exchange.auto,
        dropped=tuple([name[:NAME_LENGTH] for name in exchange.dropped[:NAMES]]),
        prompt_cache=prompt_cache,
        rates=rates,
        coalesced=exchange.coalesced,
        degraded=exchange.degraded,
        uncounted=uncounted,
        compression=exchange.compression,
        healing=exchange.healing,
        preset=exchange.preset,
        hedged_ms=hedged,
        asked_tokens=None if asked is None else asked.input,
        asked_cost=None if asked is None else price_call(asked, price),
    )


def wanted(named: Named) -> bool:
    """Whether the client asked for an explanation in the answer's header."""
    return named.get(HEADER) == b"1"


def header_line(exchange: Exchange) -> bytes:
    """What is known when the answer begins, as one line of ASCII with at most `LIMIT` bytes of value: plan,
    attempts so far, what was dropped. What is too long is cut from its end, and counted."""
    plan = exchange.plan or PlanRecord(select="ordered")
    lists: dict[str, list[Any]] = {
        "candidates": list(plan.candidates),
        "rejected": list(plan.rejected),
        "attempts": list(exchange.attempts),
        "dropped": [name[:NAME_LENGTH] for name in exchange.dropped[:NAMES]],
    }
    told: dict[str, Any] = {} if exchange.plan is None else {"select": plan.select}
    if exchange.auto is not None:
        told["auto"] = exchange.auto
    if exchange.degraded is not None:
        told["degraded"] = exchange.degraded
    if exchange.compression is not None:
        told["compression"] = exchange.compression
    if exchange.preset is not None:
        told["preset"] = exchange.preset
    if exchange.prompt_cache != "pass":
        told["prompt_cache"] = exchange.prompt_cache
    more = plan.more
    while True:
        kept = {name: found for name, found in lists.items() if found}
        text = json.dumps(
            msgspec.to_builtins({**told, **kept, **({"more": more} if more else {})}), separators=(",", ":")
        )
        if len(text) <= LIMIT or not kept:
            return f"{HEADER_NAME}: {text}\r\n".encode()
        max(kept.values(), key=len).pop()
        more += 1
