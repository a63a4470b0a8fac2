"""A limit of requests a minute under steady demand, minute by minute."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sekisho.testkit.proof.course import Played
from sekisho.testkit.proof.witness import Arrival

MINUTE = 60.0
"""Seconds."""
ENOUGH = 98
"""Percent of the limit that every minute has to use."""


@dataclass(frozen=True, slots=True)
class Minutes:
    amount: int
    """The limit."""
    most_seen: int
    """Requests that came to providers within one minute, whichever. Two that were admitted a minute apart may
    come less apart than that, where the first took longer on its way."""
    most: int
    """The same of those that were admitted within one minute for certain: a call is admitted after its client
    began to send it, and before its provider has it."""
    least: int
    """In one of the minutes since the first request, counted one after the other."""
    whole: int
    """Such minutes."""

    @property
    def wrong(self) -> list[str]:
        """What is not as it must be, in words."""
        found = []
        if self.most > self.amount:
            found.append(f"{self.most} requests in a minute, where {self.amount} are allowed")
        if self.whole and self.least * 100 < ENOUGH * self.amount:
            found.append(
                f"{self.least} requests in a minute of steady demand, where {self.amount} are allowed"
            )
        return found


def minutes(played: Played, arrivals: Sequence[Arrival], seconds: float, amount: int) -> Minutes:
    """What came of steady demand for so many seconds against a limit of that amount."""
    sent = {asked.number: asked.began for asked in played.asked}
    came = sorted((arrival.at, sent[arrival.number]) for arrival in arrivals if arrival.number in sent)
    if not came:
        return Minutes(amount, 0, 0, 0, 0)
    first = came[0][0]
    counted = Counter(int((at - first) // MINUTE) for at, _ in came)
    whole = int((seconds - (first - min(sent.values()))) // MINUTE)
    return Minutes(
        amount,
        most_seen=max(sum(at - MINUTE < earlier <= at for earlier, _ in came) for at, _ in came),
        most=max(sum(earlier <= at < began + MINUTE for earlier, began in came) for at, _ in came),
        least=min((counted[minute] for minute in range(whole)), default=0),
        whole=whole,
    )
