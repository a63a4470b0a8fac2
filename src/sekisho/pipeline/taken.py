"""What is taken of a key's limits, for whoever asks: nothing is claimed for it."""

import asyncio
import secrets
from typing import NamedTuple

from sekisho.core.admission import Refusal
from sekisho.core.limit import Claim, Limit
from sekisho.core.port import Counters
from sekisho.core.principal import Principal


class Taken(NamedTuple):
    limit: Limit
    left: int | None
    """Neither used nor held. None: each user or session has an amount of its own, or the counters cannot be
    asked."""


async def taken(counters: Counters, principal: Principal) -> list[Taken]:
    """Of all limits that the key's calls may fall under, as it is now."""
    left = await asyncio.gather(*(_left(counters, limit) for limit in principal.limits))
    return [Taken(limit, each) for limit, each in zip(principal.limits, left, strict=True)]


async def _left(counters: Counters, limit: Limit) -> int | None:
    if limit.each is not None:
        return None
    # What is more than the whole amount is refused, and the refusal says what is used and held.
    hold_id = f"look-{secrets.token_hex(12)}"
    answer = await counters.admit(hold_id, (Claim(limit, limit.id, limit.amount + 1),), 1.0)
    if not isinstance(answer, Refusal):  # it passed, because the counters could not be asked
        counters.release(hold_id)
        return None
    return None if answer.reason == "lost" else max(0, limit.amount - answer.used - answer.held)
