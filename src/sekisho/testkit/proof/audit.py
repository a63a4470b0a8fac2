"""What a proof found, as figures: each is 0, or money is counted wrong."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sekisho.core.provider import Endpoint
from sekisho.core.record import OUTRUN, CallRecord
from sekisho.metering.prices import price_call
from sekisho.testkit.proof.course import SESSION, Asked, Played
from sekisho.testkit.proof.witness import Charge, Witness


@dataclass(slots=True)
class Figures:
    """Of a case, or of all. Money in nano-USD."""

    overspent: int = 0
    """What providers charged beyond the budget, or the books say was spent beyond it; the larger of both."""
    overspent_tokens: int = 0
    over_admitted: int = 0
    """Calls at providers beyond those that the limit allows, or more at once."""
    not_admitted: int = 0
    """Calls refused though there was room."""
    leaked: int = 0
    """Held when all calls had ended."""
    leaked_tokens: int = 0
    miscounted: int = 0
    """What the limit's counter has beyond the books, or short of them."""
    miscounted_tokens: int = 0
    books_minus_providers: int = 0
    differing: int = 0
    """Calls whose cost or tokens on the books are not what providers charged."""
    unbooked: int = 0
    """Calls whose client saw their end, or whose process lived on, that the books have not."""
    booked_twice: int = 0
    silent: int = 0
    """Limits that did not say what they hold."""
    calls: int = 0
    """From here on: what happened, and nothing that must be 0."""
    admitted: int = 0
    """Calls that reached a provider."""
    charged: int = 0
    estimated: int = 0
    """Calls of which an answer broke off, whose tokens are estimates therefore."""
    unheard: int = 0
    """Answers that broke off before anything of them was passed on, and are not booked."""
    cut_short: int = 0
    """Calls under way in a process that was killed, which are on no books."""
    cut_short_cost: int = 0
    """What providers charge for those."""


class Audit:
    """Compares what clients saw, what providers noted, and what the books say."""

    def __init__(
        self, witness: Witness, records: Iterable[CallRecord], endpoints: Mapping[tuple[str, str], Endpoint]
    ):
        """`endpoints`: by provider and its own id of the model."""
        self._endpoints = endpoints
        self._records: dict[int, list[CallRecord]] = defaultdict(list)
        for record in records:
            if record.session is not None and record.session.startswith(SESSION):
                self._records[int(record.session.removeprefix(SESSION))].append(record)
        self._charges: dict[int, list[Charge]] = defaultdict(list)
        for charge in witness.charges:
            self._charges[charge.number].append(charge)
        self._arrivals: Mapping[int, int] = Counter(arrival.number for arrival in witness.arrivals)

    def of(self, played: Played) -> Figures:
        case, found = played.case, Figures(calls=len(played.asked))
        spent = owed = tokens = 0
        for asked in played.asked:
            records = self._records[asked.number]
            found.admitted += self._arrivals[asked.number] > 0
            found.booked_twice += max(0, len(records) - 1)
            if not records:
                owed += self._without_record(found, asked, killed=case.kill)
                continue
            spent += records[0].cost or 0
            tokens += _tokens(records[0])
            owed += self._compared(found, asked.number, records[0])
        if case.budget is not None:
            found.overspent = max(0, max(spent, owed) - case.budget)
        if case.tokens is not None:
            found.overspent_tokens = max(0, tokens - case.tokens)
        _exactness(found, played)
        if played.usd is not None:
            found.leaked, found.miscounted = played.usd.held, abs(played.usd.used - spent)
        if played.tokens is not None:
            found.leaked_tokens = played.tokens.held
            found.miscounted_tokens = abs(played.tokens.used - tokens)
        found.silent = (played.usd is None and case.has("usd")) + (
            played.tokens is None and case.has("tokens")
        )
        return found

    def _without_record(self, found: Figures, asked: Asked, *, killed: bool) -> int:
        """What providers charge for a call that is on no books."""
        cost = sum(map(self._price, self._charges[asked.number]))
        found.charged += cost
        if killed and asked.heard.finish is None:
            found.cut_short += self._arrivals[asked.number] > 0
            found.cut_short_cost += cost
        elif self._arrivals[asked.number] or asked.heard.call_id:
            found.unbooked += 1
        return cost

    def _compared(self, found: Figures, number: int, record: CallRecord) -> int:
        """What a call comes to by its providers' account; by the books where an answer broke off whose price
        goes by its length, for nobody knows how much of it there was by then."""
        charges = self._heard(found, number, record)
        booked, cost = record.cost or 0, sum(map(self._price, charges))
        found.charged += cost
        # A stream that was left may be whole at its provider, or have been about to fail.
        left = record.outcome == "cancelled" and record.stream
        whole = not left and all(charge.completed for charge in charges)
        found.estimated += not whole
        if not whole and not (charges and all(map(self._is_flat, charges))):
            return booked
        found.books_minus_providers += booked - cost
        tokens = sum(charge.usage.total for charge in charges)
        found.differing += booked != cost or (whole and _tokens(record) != tokens)
        return cost

    def _heard(self, found: Figures, number: int, record: CallRecord) -> list[Charge]:
        """Without answers that broke off before anything of them was passed on: those are not booked."""
        failed = Counter(
            attempt.provider
            for attempt in record.attempts
            if attempt.code not in (None, OUTRUN) and attempt.usage is None and attempt.first_token_ms is None
        )
        heard = []
        for charge in self._charges[number]:
            if not charge.completed and failed[charge.provider]:
                failed[charge.provider] -= 1
                found.unheard += 1
            else:
                heard.append(charge)
        return heard

    def _price(self, charge: Charge) -> int:
        endpoint = self._endpoints[charge.provider, charge.model]
        return price_call(charge.usage, endpoint.price) or 0

    def _is_flat(self, charge: Charge) -> bool:
        """Whether the answer costs the same however far it came."""
        price = self._endpoints[charge.provider, charge.model].price
        return price is not None and price.base.input == price.base.output == 0


def _exactness(found: Figures, played: Played) -> None:
    case = played.case
    if case.at_most is not None:
        found.over_admitted += max(0, found.admitted - case.at_most)
    if case.at_least is not None:
        found.not_admitted += max(0, case.at_least - found.admitted)
    if case.at_once is not None:
        found.over_admitted += max(0, played.most_underway - case.at_once)


def _tokens(record: CallRecord) -> int:
    """Of all answers that were paid for."""
    parts = [part.usage.total for part in record.attempts if part.usage is not None]
    return sum(parts) if parts else record.usage.total if record.usage is not None else 0
