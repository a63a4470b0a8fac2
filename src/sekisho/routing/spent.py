"""What was spent at each provider that has a budget, in the budget's present period."""

import time
from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

from sekisho.core.calendar import window
from sekisho.core.provider import Budget, Provider
from sekisho.core.record import CallRecord, paid
from sekisho.core.route import Target


class Period(NamedTuple):
    """Of one provider's budget."""

    provider: str
    kind: str
    time_zone: str
    start: float
    """Seconds since the epoch."""

    @property
    def text(self) -> str:
        return f"{self.provider}:{self.kind}:{self.time_zone}:{int(self.start)}"


class Paid(NamedTuple):
    period: Period
    call_id: str
    cost: int
    """Nano-USD."""


class _Purse:
    __slots__ = ("before", "budget", "end", "seen", "spent", "start")

    def __init__(self, budget: Budget, now: float):
        self.budget = budget
        self.spent = 0
        self.start, self.end = window(budget.period, budget.time_zone, now)
        self.seen: set[str] | None = set()
        """Calls that were counted before the books were read; None: they were."""
        self.before = (self.end, 0)
        """When the period before this one began, and what was spent in it."""

    def turn(self, now: float) -> None:
        """On to the period that it is now. A clock that is put back makes no room: what was spent ahead of it
        counts as of now."""
        if self.start <= now < self.end:
            return
        start, end = window(self.budget.period, self.budget.time_zone, now)
        if now >= self.end:
            self.before, self.spent = (self.start, self.spent), 0
        elif start == self.before[0]:
            self.spent += self.before[1]
        self.start, self.end = start, end

    def period(self, provider: str) -> Period:
        return Period(provider, self.budget.period, self.budget.time_zone, self.start)


class Spent:
    """One for a process, on its board. A call counts in the period in which it began, once it has ended: what
    is under way is not known, and may pass the budget. Calls without a price count nothing.

    `now` gives seconds since the epoch.
    """

    def __init__(self, now: Callable[[], float] = time.time):
        self.now = now
        self.tell: Callable[[Paid], None] | None = None
        """Called with what a call came to, where others count along. Must not wait."""
        self._purses: dict[str, _Purse] = {}
        self.used_up: dict[str, float] = {}
        """Provider whose budget is used up -> when the next period begins, in seconds since the epoch. Mostly
        empty, and then there is nothing to ask."""

    def begin(self, providers: Iterable[Provider]) -> list[tuple[str, float]]:
        """Count for these providers' budgets: those that the books must be asked about, each with the time
        since when. `found` says what they know."""
        wanted = {provider.name: provider.budget for provider in providers if provider.budget is not None}
        for name, budget in wanted.items():
            purse, known = self._purses.get(name), None
            if purse is not None:
                known = (purse.budget.period, purse.budget.time_zone)
            if purse is None or known != (budget.period, budget.time_zone):
                self._purses[name] = _Purse(budget, self.now())
            else:
                purse.budget = budget
            self._judge(name)
        return [(name, self._purses[name].start) for name in wanted if self._purses[name].seen is not None]

    def seen(self, provider: str) -> Collection[str]:
        """Ids of the calls that are counted already, while the books are read."""
        return tuple(self._purses[provider].seen or ())

    def found(self, provider: str, spent: int) -> None:
        """The books know of so much, apart from what was seen."""
        purse = self._purses[provider]
        purse.spent += spent
        purse.seen = None
        self._judge(provider)

    def keep(self, providers: Iterable[Provider]) -> None:
        """Forgets all budgets but those of these providers."""
        names = {provider.name for provider in providers if provider.budget is not None}
        self._purses = {name: purse for name, purse in self._purses.items() if name in names}
        self.used_up = {name: end for name, end in self.used_up.items() if name in names}

    def observe(self, record: CallRecord) -> None:
        """A call has ended."""
        for name in self._purses:
            cost = paid(record, name)
            if cost:
                purse = self._present(name)
                if record.started >= purse.start:
                    purse.spent += cost
                    if purse.seen is not None:
                        purse.seen.add(record.id)
                    if self.tell is not None:
                        self.tell(Paid(purse.period(name), record.id, cost))
                    self._judge(name)

    def periods(self) -> list[Period]:
        """The present ones."""
        return [self._present(name).period(name) for name in self._purses]

    def told(self, period: Period, spent: int) -> None:
        """All processes together spent so much; nothing, if the period is over."""
        purse = self._purses.get(period.provider)
        if purse is not None and self._present(period.provider).period(period.provider) == period:
            purse.spent = spent
            self._judge(period.provider)

    def share_left(self, provider: str) -> float:
        """Of its budget: 1 is all, and what it is without a budget; 0 is nothing."""
        if provider not in self._purses:
            return 1.0
        purse = self._present(provider)
        return max(0.0, 1.0 - purse.spent / purse.budget.amount)

    def shares_left(self) -> dict[tuple[str, ...], float]:
        """(provider,) -> what is left of its budget, where the books were read."""
        return {(name,): self.share_left(name) for name, purse in self._purses.items() if purse.seen is None}

    def reopens(self, closed: Iterable[tuple[Target, str]]) -> float:
        """The soonest of these targets' next periods, in seconds since the epoch."""
        return min(self.used_up[target.endpoint.provider.name] for target, _ in closed)

    def closed_until(self, provider: str) -> float | None:
        """When its next period begins, in seconds since the epoch; None: it has money left, or no budget."""
        if provider in self.used_up:
            self._present(provider)
            self._judge(provider)
        return self.used_up.get(provider)

    def _present(self, provider: str) -> _Purse:
        """Its purse, of the period that it is now."""
        purse = self._purses[provider]
        purse.turn(self.now())
        return purse

    def _judge(self, provider: str) -> None:
        purse = self._purses[provider]
        if purse.spent >= purse.budget.amount:
            self.used_up[provider] = purse.end
        else:
            self.used_up.pop(provider, None)
