"""What an ended call counts under a limit: the same while calls end, and when counters are rebuilt from the
books."""

from collections.abc import Iterable, Mapping, Sequence

from sekisho.core.limit import SETTLED, Claim, Level, Limit, counter_of
from sekisho.core.money import MILLION
from sekisho.core.record import AttemptRecord, CallRecord
from sekisho.core.tariff import Tariff, tariff_at
from sekisho.core.usage import Usage

NOTHING = Usage()

OWNER: Mapping[Level, str] = {
    "organisation": "organisation",
    "team": "team",
    "project": "project",
    "person": "owner",
    "key": "key_id",
}
"""The member of a record that says whose call it was."""


def counter_for(limit: Limit, user: str | None, session: str | None) -> str:
    """Where a call of this end user and session is counted. One that names none counts as nobody's, whose
    calls share an amount."""
    if limit.each is None:
        return limit.id
    return counter_of(limit, user if limit.each == "user" else session)


def all_came_to(claims: Iterable[Claim], record: CallRecord) -> dict[str, int]:
    """What the call counts by counter, but for what counted when it was admitted, or is over with it."""
    return {claim.counter: came_to(claim.limit, record) for claim in claims if claim.limit.measure in SETTLED}


def falls_under(limit: Limit, record: CallRecord) -> bool:
    """Whether the call counts for the limit, with what it came to, be that 0."""
    if limit.holder != getattr(record, OWNER[limit.level]) or record.started < limit.since:
        return False
    if limit.tag is not None and limit.tag not in record.tags:
        return False
    if limit.measure != "requests":
        return True
    return limit.model in (None, record.model) and limit.provider in (None, record.provider)


def came_to(limit: Limit, record: CallRecord) -> int:
    """Nano-USD, tokens or requests. Of an answer that several targets made, or ran for, those count that the
    limit is about. A call under way is none any more: 0."""
    if limit.measure == "usd":
        if limit.tariffs is not None:
            return charged(record, limit.tariffs)
        if limit.provider is None and limit.model is None:
            return record.cost or 0
    elif limit.measure != "tokens":
        return 1 if limit.measure == "requests" else 0
    elif limit.provider is None and limit.model is None:
        return tokens_of(record)
    if record.waived is not None:
        return 0
    parts = [part for part in record.attempts if part.usage is not None]
    if parts:
        return sum(_amount(limit, part.usage, part.cost) for part in _about(limit, record, parts))
    if limit.provider not in (None, record.provider) or limit.model not in (None, record.model):
        return 0
    return _amount(limit, record.usage, record.cost)


def tokens_of(record: CallRecord) -> int:
    """All that the call counts, whoever answered."""
    if record.waived is not None:
        return 0
    for part in record.attempts:
        if part.usage is not None:
            return sum(each.usage.total for each in record.attempts if each.usage is not None)
    return 0 if record.usage is None else record.usage.total


def charged(record: CallRecord, tariffs: Sequence[Tariff]) -> int:
    """Nano-USD, rounded half up, that an organisation with these tariffs is charged for one call. What other
    targets had a part in is charged by their models, and the tokens by the model that the record names."""
    tariff = tariff_at(tariffs, record.started)
    cost, charge = record.cost or 0, 0
    for attempt in record.attempts if cost and len(record.attempts) > 1 else ():
        model = attempt.model or record.model
        if attempt.cost and (attempt.provider, model) != (record.provider, record.model):
            cost -= attempt.cost
            charge += tariff.charge(model, attempt.cost, NOTHING)
    # Whose answer was another call's asked nobody: it is charged nothing, whatever its model's price.
    charge += tariff.charge(record.model if record.attempts else None, cost, record.usage or NOTHING)
    return (charge + MILLION // 2) // MILLION


def _about(limit: Limit, record: CallRecord, parts: Sequence[AttemptRecord]) -> list[AttemptRecord]:
    return [
        part
        for part in parts
        if limit.provider in (None, part.provider) and limit.model in (None, part.model or record.model)
    ]


def _amount(limit: Limit, usage: Usage | None, cost: int | None) -> int:
    if limit.measure == "usd":
        return cost or 0
    return 0 if usage is None else usage.total
