"""Ports: what the data plane needs of the world, as small protocols. `app` hands the implementations in."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from sekisho.core.admission import Admission
from sekisho.core.limit import Alike, Claim, Limit
from sekisho.core.message import Value
from sekisho.core.principal import Principal, Signatory
from sekisho.core.record import CallRecord


class Journal(Protocol):
    def append(self, record: CallRecord, release: Callable[[], None]) -> None:
        """Make `record` survive a `kill -9`, then call `release`, which lets the reply's last bytes go.

        Returns at once; records of one event-loop turn share one write. Never raises and never keeps
        `release` waiting for a broken disk: a failed write is shouted about, counted, and retried later.
        """
        ...


class Spending(Value, frozen=True, kw_only=True):
    """Nano-USD, by calendar (UTC)."""

    total: int = 0
    day: int = 0
    week: int = 0
    month: int = 0


class Uptime(Value, frozen=True, kw_only=True):
    """Percent of the calls that went to an endpoint first, and did not fail there. None: there were none."""

    half_hour: float | None = None
    """Of whole hours, as is the next: those that the last half hour reaches into."""
    day: float | None = None


class Books(Protocol):
    async def generation(self, call_id: str) -> CallRecord | None:
        """One call's record, also when it ended this very moment."""
        ...

    async def answered(self, key_id: str, upstream_id: str) -> CallRecord | None:
        """The key's own call whose answer the provider named so, in an API whose answers are kept; also
        when it ended this very moment."""
        ...

    async def spending(self, key_id: str) -> Spending:
        """What a key's calls cost so far."""
        ...

    async def charged(self, paid: Limit) -> int:
        """Nano-USD that was charged of credits so far."""
        ...

    async def uptimes(self) -> Mapping[tuple[str, str], Uptime]:
        """By provider and model, of all that were called within a day. Raises Unavailable."""
        ...

    async def spent_at(self, provider: str, since: float, apart_from: Callable[[], Collection[str]]) -> int:
        """Nano-USD that calls came to at one provider that began at `since` (seconds since the epoch) or
        later, but for those whose ids `apart_from` gives: it is asked at the last moment, from another
        thread. Raises Unavailable."""
        ...


class Keys(Protocol):
    def find(self, digest: bytes) -> Principal | None:
        """The principal of a key's SHA-256 digest, from memory."""
        ...

    def signatories(self, key_id: str) -> Sequence[Signatory]:
        """The principal of a key's public id, and what it signs AWS requests with; from memory. Two for a
        while after a key was rotated, the newer one first; none for an unknown id."""
        ...

    async def refresh(self) -> None:
        """Read the keys anew: a key that was made a moment ago must work at once."""
        ...


class Counters(Protocol):
    """What every limit has used and held. The law: used + held + claimed <= amount, at every admission.

    usd counts in the calendar's window in which a call was admitted, requests and tokens for one period from
    that moment on. A request counts for good once it is admitted, whatever comes of it.
    """

    async def admit(self, hold_id: str, claims: Sequence[Claim], lease_seconds: float, /) -> Admission:
        """Hold all claims of a call, or nothing. At most one claim for a counter.

        `hold_id` is the call's, by which the books know it too; new, unless what had it was refused. What is
        not settled within `lease_seconds` (its process died; a day at most) is held no longer. Returns within
        a quarter of a second, and within one turn of the loop where counters are this process's own. Where
        counters cannot be asked, and all limits admit calls then, the answer says nothing of what is left,
        and what the call comes to is counted later. Raises ValueError for a claim below 0.
        """
        ...

    def admit_now(self, hold_id: str, claims: Sequence[Claim], lease_seconds: float, /) -> Admission | None:
        """`admit` for who would rather not wait. None: others must be asked, and nothing has happened."""
        ...

    def settle(self, hold_id: str, actuals: Mapping[str, int], /) -> None:
        """Put what the call came to in the place of what it held: counter -> amount, 0 where it is left out.

        Books it in full, exactly once, also if it is more than was held or the lease has ended. Never waits
        and never raises; a hold that is not known, or settled already, changes nothing. Not before the call's
        record is given to the journal: counters that are lost are built from the books.
        """
        ...

    def settle_alike(self, hold_id: str, claims: Alike, cost: int, tokens: int, /) -> None:
        """`settle` in short, for what was admitted with these very claims, which are plain: nano-USD and
        tokens that the call came to."""
        ...

    def release(self, hold_id: str, /) -> None:
        """Settle with nothing."""
        ...


class Administration(Protocol):
    """What admins ask below one prefix, `/admin/v1/` or `/api/v1/`; paths are what follows it."""

    def methods(self, path: str) -> Collection[str]:
        """That the path takes; none: there is no such path."""
        ...

    async def answer(
        self, method: str, path: str, query: bytes, body: bytes, principal: Principal
    ) -> tuple[int, bytes]:
        """(status, JSON) for a method that the path takes. Raises SekishoError."""
        ...
