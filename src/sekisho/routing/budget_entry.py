"""`providers.<name>.budget`: `100/day`, or `{amount: 100/day, time_zone: Asia/Tokyo}`."""

import re
from decimal import Decimal
from typing import cast

from sekisho.core.calendar import is_zone
from sekisho.core.limit import Period
from sekisho.core.money import nano_from_usd
from sekisho.core.provider import Budget
from sekisho.routing import node, values
from sekisho.routing.node import Node, Scalar
from sekisho.routing.problem import Path, Wrong
from sekisho.routing.reader import Fields, Reader, scalar

_AMOUNT = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)/(hour|day|week|month)")


def budget(reader: Reader, at: Node, path: Path) -> Budget | None:
    """None where a part is wrong, which is reported then."""
    if not isinstance(at, node.Mapping):
        return _amount(_single(at))
    members = reader.record(at, path, BUDGET)
    if "amount" not in members:
        if (*path, "amount") not in reader.places:
            raise Wrong("needs `amount`, like 100/day")
        return None
    amount: Budget = members["amount"]
    return Budget(amount.amount, amount.period, members.get("time_zone", "UTC"))


def _single(at: Node) -> Scalar:
    if not isinstance(at, Scalar):
        raise Wrong(f"must be like 100/day, but is {at.kind}")
    return at


def _amount(at: Scalar) -> Budget:
    match = _AMOUNT.fullmatch(at.text)
    if match is None:
        raise Wrong("must be USD and a period, hour, day, week or month: like 100/day or 2.50/hour")
    amount = nano_from_usd(Decimal(match[1]))
    if amount == 0:
        raise Wrong("must be more than 0; leave the provider out instead")
    return Budget(amount, cast(Period, match[2]))


def _time_zone(at: Scalar) -> str:
    name = values.text(at)
    if not is_zone(name):
        raise Wrong("is no time zone; write one like UTC or Asia/Tokyo")
    return name


BUDGET: Fields = {"amount": scalar(_amount), "time_zone": scalar(_time_zone)}
