"""Whatever is sent to any route of the API for admins is data or a typed refusal, on every database, and an
admin of one organisation changes nothing of another's."""

import asyncio
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from sekisho.control.http import admin, marketplace
from sekisho.control.http.keys import Rotation
from sekisho.control.http.table import Route, Table
from sekisho.control.services.holders import HolderService
from sekisho.control.services.keycache import KeyCache
from sekisho.control.services.keys import KeyService
from sekisho.control.services.ledger import Ledger
from sekisho.control.services.market_keys import Change, Made
from sekisho.control.services.presets import PresetService
from sekisho.control.services.signing import SigningSecret
from sekisho.control.services.terms import HolderDraft, KeyDraft, Kind
from sekisho.control.store.engine import Store
from sekisho.control.store.tables import api_keys, holders, presets
from sekisho.control.store.thread import StoreThread
from sekisho.core.clock import Clock
from sekisho.core.error import ClientError
from sekisho.core.principal import Principal

KINDS: dict[str, Kind] = {
    "teams": "team", "projects": "project", "people": "person", "accounts": "account",
}  # fmt: skip
MEMBERS = sorted(
    {name for kind in (HolderDraft, KeyDraft, Rotation, Made, Change) for name in kind.__struct_fields__}
    | {"nonsense"}
)
EXAMPLES = 250
PARAMETERS = (
    "date",
    "api_key_hash",
    "user_id",
    "start_date",
    "period",
    "limit",
    "after",
    "organisation",
    "team",
    "project",
    "owner",
    "offset",
    "workspace_id",
    "nonsense",
)
TEXTS = st.one_of(
    st.sampled_from(
        [
            "x'); DROP TABLE holders; --", "' OR '1'='1", '" OR ""="', "1; SELECT pg_sleep(9)", "%_\\",
            "$1", ":id", "\x00", "a\x00b", "\u202e", "👨‍👩‍👧", "é" * 300, "n" * 50_000, "", " ",
            "../..", "関所", "\u2028", "\ufeff", "default",
            "usd -1/day", "usd NaN/day", "usd 1e400/day", "usd 1/day@Mars/North", "usd 1/day tag=\x00",
            "tokens 9223372036854775808/day", "requests 0.5/minute", "concurrent -0",
        ]
    ),
    st.text(max_size=20),
)  # fmt: skip
NUMBERS = st.sampled_from([0, -1, 1, 2**31, 2**63 - 1, 2**63, 2**64, 10**400, -0.0, 1e-9, 1e308])
VALUES = st.recursive(
    st.none() | st.booleans() | TEXTS | NUMBERS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
LIMITS = st.fixed_dictionaries(
    {"measure": st.sampled_from(["usd", "tokens", "concurrent"]) | TEXTS, "amount": NUMBERS | TEXTS},
    optional={"period": st.just("day") | TEXTS, "time_zone": TEXTS, "tag": TEXTS, "id": TEXTS},
)  # fmt: skip
WHATEVER = st.one_of(TEXTS, st.lists(TEXTS | LIMITS, max_size=3), VALUES)
BODIES = st.builds(
    lambda name, more: {"name": name, **more},
    st.uuids().map(str) | TEXTS,
    st.dictionaries(st.sampled_from(MEMBERS), WHATEVER, max_size=2),
)


class Company:
    """An organisation with one of each kind, and its own admin."""

    def __init__(self, store: Store, name: str):
        clock = Clock()
        self.id = HolderService(store, clock, "organisation").create(name, HolderDraft()).id
        self.ids = {"organisations": self.id}
        for plural, kind in KINDS.items():
            draft = HolderDraft(organisation=self.id)
            self.ids[plural] = HolderService(store, clock, kind).create(name, draft).id
        PresetService(store, clock).add(self.id, "gate", "openai_chat", {"model": "a/b"}, name)
        self.ids["presets"] = "gate"
        self.ids["keys"] = KeyService(store, clock).create(name, KeyDraft(organisation=self.id))[0].id
        self.admin = Principal(key_id="key_boss", name=name, admin=True, organisation=self.id)


def rows_of(store: Store, company: Company) -> list[Any]:
    with store.read() as connection:
        return [
            tuple(row)
            for table in (holders, api_keys, presets)
            for row in connection.execute(
                select(table).where(table.c.organisation == company.id).order_by(*table.primary_key)
            )
        ]


@pytest.fixture(params=[admin.routes, marketplace.routes], ids=["admin", "market"])
def administration(store: Store, tmp_path: Path, request: pytest.FixtureRequest) -> Table:
    thread, clock = StoreThread("store"), Clock()
    keys = KeyCache(store, thread, clock, SigningSecret(tmp_path, "x" * 32))
    (tmp_path / "journal").mkdir()
    return Table(
        request.param(store, clock), thread, keys, Ledger(tmp_path / "journal", store, thread, clock)
    )


async def ask(
    administration: Table, route: Route, asked: tuple[str, dict[str, str], bytes], who: Principal
) -> int:
    """The status. Whatever is refused is the asker's fault, and says why."""
    name, query, body = asked
    path = re.sub(r"{\w+}", lambda _: name, route.path)
    encoded = urlencode(query, errors="surrogatepass").encode()
    try:
        status, answer = await administration.answer(route.method, path, encoded, body, who)
    except ClientError as refused:
        return refused.status if refused.message else 0
    assert isinstance(msgspec.json.decode(answer), dict)
    return status


def test_anything_sent_to_any_route_is_data_or_refused_and_stays_in_its_organisation(
    store: Store, administration: Table
) -> None:
    ours, theirs = Company(store, "ours"), Company(store, "theirs")
    before = rows_of(store, theirs)
    operator = Principal(key_id="key_op", name="operator", admin=True)
    statuses: set[int] = set()

    @settings(max_examples=EXAMPLES, database=None, suppress_health_check=list(HealthCheck))
    @given(
        route=st.sampled_from(administration.routes),
        named=st.sampled_from([ours, theirs]) | TEXTS,
        query=st.dictionaries(st.sampled_from(PARAMETERS), TEXTS, max_size=2),
        body=BODIES.map(msgspec.json.encode) | st.binary(max_size=30),
        who=st.sampled_from([ours.admin, operator]),
    )
    def anything(
        route: Route, named: Company | str, query: dict[str, str], body: bytes, who: Principal
    ) -> None:
        if (named is theirs and who is operator) or (isinstance(named, str) and "/" in named):
            return  # who may change them; another path
        name = named if isinstance(named, str) else named.ids.get(route.path.partition("/")[0], "")
        statuses.add(asyncio.run(ask(administration, route, (name, query, body), who)))

    anything()
    assert rows_of(store, theirs) == before
    assert {200, 201, 400, 403, 404} >= statuses - {413}
    assert {200, 400, 404} <= statuses
