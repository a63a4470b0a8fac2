"""Counters that cannot be asked: what several processes have that share none."""

from collections.abc import Mapping, Sequence

from sekisho.core.admission import UNCOUNTED, Admission, Refusal
from sekisho.core.limit import Alike, Claim


class LostCounters:
    """Implements `core.port.Counters`. Nothing is counted: a limit refuses, or admits, as its `when_lost`
    says."""

    async def admit(self, hold_id: str, claims: Sequence[Claim], lease_seconds: float) -> Admission:
        """See `core.port.Counters`."""
        return self.admit_now(hold_id, claims, lease_seconds)

    def admit_now(self, _hold_id: str, claims: Sequence[Claim], _lease_seconds: float) -> Admission:
        """See `core.port.Counters`."""
        for claim in claims:
            if claim.limit.when_lost == "refuse":
                return Refusal(limit=claim.limit, counter=claim.counter, reason="lost", claimed=claim.amount)
        return UNCOUNTED

    def settle(self, _hold_id: str, _actuals: Mapping[str, int]) -> None:
        """See `core.port.Counters`."""

    def settle_alike(self, _hold_id: str, _claims: Alike, _cost: int, _tokens: int) -> None:
        """See `core.port.Counters`."""

    def release(self, _hold_id: str) -> None:
        """See `core.port.Counters`."""
