"""What was paid ahead, and what is left of it. Entries are added, and never changed: a correction is an entry
of its own, below 0."""

import secrets
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec
from sqlalchemy import Connection, RowMapping, select
from sqlalchemy import insert as insert_into

from sekisho.control.services.limits import LARGEST
from sekisho.control.services.refusal import Missing, Refused
from sekisho.control.services.spend import By, Line, Question, sum_up
from sekisho.control.services.words import LONGEST_VALUE, checked_name
from sekisho.control.store.announce import announce
from sekisho.control.store.credits import read_credits
from sekisho.control.store.engine import Store
from sekisho.control.store.lookup import Among
from sekisho.control.store.tables import api_keys, holders, prepaid
from sekisho.core.clock import Clock
from sekisho.core.limit import Level, Limit
from sekisho.core.message import Value
from sekisho.core.money import usd_text
from sekisho.metering.currency import USD

LEVELS: Mapping[Level, tuple[By, str]] = MappingProxyType(
    {"organisation": ("organisation", "org"), "team": ("team", "team"), "key": ("key", "key")}
)
"""Who may pay ahead: what reports call it, and what stands before a name on the command line."""
DAY = 86_400


class Credit(Value, frozen=True, kw_only=True):
    id: str
    level: Level
    holder: str
    """The id of an organisation, team or key."""
    amount: int
    """Nano-USD; below 0: taken back."""
    note: str = ""
    made: float
    """Seconds since the epoch."""
    made_by: str


class Balance(Value, frozen=True, kw_only=True):
    """Nano-USD, of one holder. Charges count from the first credit on."""

    level: Level
    holder: str
    since: float
    credits: int
    charges: int
    cost: int
    """What providers were paid for the same calls."""
    uncharged: int
    """Calls that are not in `charges`, because nobody knows their price."""

    @property
    def left(self) -> int:
        return self.credits - self.charges


class CreditService:
    """Waits for the database: not for the event loop. May raise StoreError."""

    def __init__(self, store: Store, clock: Clock):
        self._store = store
        self._clock = clock

    def find(self, level: Level, wanted: str) -> str:
        """The id of the holder with this id or name. Raises Missing."""
        with self._store.read() as connection:
            rows = _rows(connection, level, wanted)
        if len(rows) == 1:
            found: str = rows[0]["id"]
            return found
        fits = (
            f"fits several: {', '.join(row['id'] for row in rows)}" if rows else "is the name or id of none"
        )
        msg = f"{wanted[:200]!r} {fits}; name one {level}'s id"
        raise Missing(msg, level)

    def add(self, level: Level, holder: str, amount: int, made_by: str, note: str = "") -> Credit:
        """`holder`: an id or a name. Raises Refused, Missing."""
        if not 0 < abs(amount) <= LARGEST:
            msg = f"a credit is from {usd_text(1)} to {usd_text(LARGEST)} USD, or as much below 0"
            raise Refused(msg, "amount")
        if len(note) > LONGEST_VALUE or not note.isprintable():
            msg = f"a note has up to {LONGEST_VALUE} printable characters"
            raise Refused(msg, "note")
        credit = Credit(
            id=f"cred_{secrets.token_hex(8)}",
            level=level,
            holder=self.find(level, holder),
            amount=amount,
            note=note,
            made=self._clock.now(),
            made_by=checked_name(made_by, "who"),
        )
        with self._store.write() as connection:
            connection.execute(insert_into(prepaid).values(msgspec.structs.asdict(credit)))
            announce(connection)
        return credit

    def list(self, level: Level | None = None, holder: str | None = None) -> list[Credit]:
        """In the order in which they were added; of all holders, or of the one with this id."""
        wanted = select(prepaid).order_by(prepaid.c.made, prepaid.c.id)
        if holder is not None:
            wanted = wanted.where(prepaid.c.level == level, prepaid.c.holder == holder)
        with self._store.read() as connection:
            return [_credit(row) for row in connection.execute(wanted).mappings()]

    def balance(self, level: Level, holder: str) -> Balance | None:
        """Of the holder with this id. None: it never paid ahead."""
        with self._store.read() as connection:
            limit = read_credits(connection).get(holder)
            if limit is None or limit.level != level:
                return None
            total = charges(connection, limit, self._clock.now())
        return Balance(
            level=level,
            holder=holder,
            since=limit.since,
            credits=sum(entry.amount for entry in self.list(level, holder)),
            charges=USD.shown(total.charge),
            cost=total.sums.cost,
            uncharged=total.uncharged,
        )


def charges(connection: Connection, limit: Limit, now: float) -> Line:
    """What calls came to that fall under these credits. `now`: seconds since the epoch."""
    level, holder = limit.level, limit.holder
    table = api_keys if level == "key" else holders
    wanted = select(table.c.organisation).where(table.c.id == holder)
    organisation = str(connection.execute(wanted).scalar_one())
    question = Question(
        since=limit.since,
        until=now + DAY,  # another host's clock may be ahead
        within=((LEVELS[level][0], holder),),
        lasting=True,
    )
    return sum_up(connection, question, {organisation: limit.tariffs or ()})


def _rows(connection: Connection, level: Level, wanted: str) -> Sequence[RowMapping]:
    if level == "key":
        among = Among(api_keys, api_keys.c.id.is_not(None), api_keys.c.revoked.is_(None))
    else:
        among = Among(holders, holders.c.kind == level, holders.c.disabled.is_(None))
    found = among.by_id(connection, wanted)
    return among.by_name(connection, wanted) if found is None else [found]


def _credit(row: RowMapping) -> Credit:
    return msgspec.convert({name: row[name] for name in Credit.__struct_fields__}, Credit)
