"""Keys as OpenRouter's management API knows them: one budget, and what was spent.

Admin keys are none of them, as management keys are none there.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace
from sqlalchemy import Connection, select

from sekisho.control.services.keys import KeyService
from sekisho.control.services.limits import LimitDraft, draft_of
from sekisho.control.services.refusal import Refused
from sekisho.control.services.terms import ApiKey, KeyDraft, read_row
from sekisho.control.store.counted import used
from sekisho.control.store.engine import Store
from sekisho.control.store.spent import spending
from sekisho.control.store.tables import api_keys
from sekisho.core.clock import Clock
from sekisho.core.limit import Limit, Period
from sekisho.core.port import Spending

Reset = Literal["daily", "weekly", "monthly"]
PERIODS: Mapping[Reset | None, Period] = MappingProxyType(
    {None: "total", "daily": "day", "weekly": "week", "monthly": "month"}
)
RESETS: Mapping[Period, Reset | None] = MappingProxyType({period: reset for reset, period in PERIODS.items()})
FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "organisation": "workspace_id",
        "owner": "creator_user_id",
        "person": "creator_user_id",
        "expires": "expires_at",
        "limits": "limit",
    }
)
"""Members of a key here -> of the contract."""
PAGE = 100
"""Keys of one answer, as the contract has it."""


class Asked(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is to be set."""

    name: str | UnsetType = UNSET
    limit: Decimal | UnsetType | None = UNSET
    """USD."""
    limit_reset: Reset | UnsetType | None = UNSET
    include_byok_in_limit: bool | UnsetType = UNSET
    """Changes nothing: nothing is booked apart as paid with a key of the caller's own."""


class Made(Asked, kw_only=True, forbid_unknown_fields=True):
    """What is said of a new key."""

    expires_at: datetime | UnsetType | None = UNSET
    creator_user_id: str | UnsetType | None = UNSET
    workspace_id: str | UnsetType = UNSET


class Change(Asked, kw_only=True, forbid_unknown_fields=True):
    disabled: bool | UnsetType = UNSET


@dataclass(frozen=True, slots=True)
class Seen:
    """A key, and what the books have of it."""

    key: ApiKey
    spending: Spending
    budget: Limit | None = None
    """Of several, the one with the least left."""
    left: int | None = None
    """Nano-USD of the budget."""


class MarketKeys:
    """Waits for the database. Every method may raise StoreError, and Refused."""

    def __init__(self, store: Store, clock: Clock):
        self._store = store
        self._clock = clock
        self._keys = KeyService(store, clock)

    def list(self, organisation: str, *, skip: int, disabled: bool) -> Sequence[Seen]:
        """A page, oldest first. `disabled`: with those that are."""
        wanted = select(api_keys).where(
            api_keys.c.organisation == organisation,
            api_keys.c.admin.is_(False),
            api_keys.c.revoked.is_(None),
            *(() if disabled else (api_keys.c.disabled.is_(None),)),
        )
        page = wanted.order_by(api_keys.c.created, api_keys.c.id).offset(skip).limit(PAGE)
        with self._store.read() as connection:
            keys = [read_row(row, ApiKey) for row in connection.execute(page).mappings()]
            return self._seen(connection, keys)

    def get(self, key_id: str, within: str | None) -> Seen:
        """`within`: the organisation that it must be of. Raises Missing."""
        key = self._own(key_id, within)
        with self._store.read() as connection:
            return self._seen(connection, [key])[0]

    def create(self, asked: Made, organisation: str) -> tuple[Seen, str]:
        """A new key, and its text."""
        if asked.name is UNSET:
            raise Refused("`name` is missing", "name")
        draft = KeyDraft(
            organisation=organisation,
            owner=asked.creator_user_id,
            expires=_in_utc(asked.expires_at),
            limits=_limits(asked, ()),
        )
        with _in_the_contracts_words():
            key, text = self._keys.create(asked.name, draft)
        return self.get(key.id, None), text

    def update(self, key_id: str, within: str | None, asked: Change) -> Seen:
        held = self._own(key_id, within)
        draft = KeyDraft(name=asked.name, disabled=asked.disabled, limits=_limits(asked, held.limits))
        with _in_the_contracts_words():
            self._keys.update(held.id, draft)
        return self.get(key_id, within)

    def revoke(self, key_id: str, within: str | None) -> None:
        self._keys.revoke(self._own(key_id, within).id)

    def _own(self, key_id: str, within: str | None) -> ApiKey:
        key = self._keys.get(key_id)
        if key.admin or key.revoked is not None or within not in (None, key.organisation):
            raise self._keys.missing(key_id)
        return key

    def _seen(self, connection: Connection, keys: Sequence[ApiKey]) -> Sequence[Seen]:
        now = self._clock.now()
        spent = spending(connection, [key.id for key in keys], now)
        budgets = {key.id: _budgets(key.limits) for key in keys}
        came_to: dict[str, int] = {}
        for limit, _, _, amount in used(
            connection, [each for held in budgets.values() for each in held], now
        ):
            came_to[limit.id] = came_to.get(limit.id, 0) + amount
        found = []
        for key in keys:
            left = [(max(0, each.amount - came_to.get(each.id, 0)), each) for each in budgets[key.id]]
            least, budget = min(left, key=lambda pair: pair[0], default=(None, None))
            found.append(Seen(key, spent.get(key.id, Spending()), budget, least))
        return found


def _budgets(limits: Sequence[Limit]) -> list[Limit]:
    """Those that the contract can say: of all calls together, by a period that it has a word for."""
    return [
        limit
        for limit in limits
        if limit.measure == "usd"
        and limit.period in RESETS
        and (limit.each, limit.model, limit.provider, limit.tag) == (None, None, None, None)
    ]


def _limits(asked: Asked, held: Sequence[Limit]) -> tuple[LimitDraft | str, ...] | UnsetType:
    """All limits that the key is to have. Raises Refused."""
    if asked.limit is UNSET and asked.limit_reset is UNSET:
        return UNSET
    budgets = _budgets(held)
    if len(budgets) > 1:
        raise Refused(
            "the key has several budgets, and this API knows one: change them with PATCH /admin/v1/keys/{id}",
            "limit",
        )
    budget = draft_of(budgets[0]) if budgets else None
    others = [draft_of(limit) for limit in held if limit not in budgets]
    amount = asked.limit
    if amount is UNSET:
        amount = None if budget is None else budget.amount
    if amount is None:
        if asked.limit_reset not in (UNSET, None):
            raise Refused("there is no `limit` that could be reset", "limit_reset")
        return tuple(others)
    made = budget or LimitDraft(measure="usd", amount=amount, period="total")
    period = made.period if asked.limit_reset is UNSET else PERIODS[asked.limit_reset]
    return (*others, replace(made, amount=amount, period=period, id=None))


def _in_utc(moment: datetime | UnsetType | None) -> datetime | UnsetType | None:
    """The contract takes no other times: so does this, where one in another zone may be a mistake."""
    if isinstance(moment, datetime) and moment.utcoffset() != timedelta(0):
        raise Refused("must be a time in UTC, like 2027-01-31T00:00:00Z", "expires_at")
    return moment


@contextmanager
def _in_the_contracts_words() -> Iterator[None]:
    try:
        yield
    except Refused as error:
        named = (error.field or "").partition(".")[0]
        error.field = FIELDS.get(named, error.field)
        raise
