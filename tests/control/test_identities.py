"""Organisations, teams, projects, owners: what is set above a key holds for it, and can only be narrowed."""

from ipaddress import ip_network

import pytest

from sekisho.control.services import shown
from sekisho.control.services.holders import HolderService
from sekisho.control.services.keys import KeyPage, KeyService, digest
from sekisho.control.services.principals import read_principals
from sekisho.control.services.refusal import Missing, Refused
from sekisho.control.services.terms import HolderDraft, KeyDraft, Kind
from sekisho.control.store.engine import Store
from sekisho.core.clock import Clock
from sekisho.core.preference import NONE, PriceCap
from sekisho.core.principal import Principal

HOSTILE = [
    "x'); DROP TABLE holders; --",
    "' OR '1'='1",
    "%_\\",
    "\ud800",
    "a\x00b",
    "n" * 100_000,
    "",
    "👨‍👩‍👧",
    "\u202e",
]


class Office:
    """The services of one database."""

    def __init__(self, store: Store):
        self._store = store
        self.keys = KeyService(store, Clock(now=lambda: self.time))
        self.time = 1_790_000_000.0

    def holders(self, kind: Kind) -> HolderService:
        return HolderService(self._store, Clock(now=lambda: self.time), kind)

    def principals(self) -> dict[bytes, Principal]:
        with self._store.read() as connection:
            return read_principals(connection, {})[0]


@pytest.fixture
def office(store: Store) -> Office:
    return Office(store)


def test_the_default_organisation_always_exists(office: Office) -> None:
    assert [each.id for each in office.holders("organisation").list()] == ["default"]
    with pytest.raises(Refused, match="always exists"):
        office.holders("organisation").update("default", HolderDraft(disabled=True))


def test_everything_above_a_key_holds_for_it_and_lists_only_get_shorter(office: Office) -> None:
    company = office.holders("organisation").create(
        "company",
        HolderDraft(
            models=("a/b", "c/d", "e/f"),
            denied_origins=("cn",),
            limits=("usd 100/month",),
            networks=("10.0.0.0/8", "2001:db8::/32"),
        ),
    )
    team = office.holders("team").create(
        "research",
        HolderDraft(
            organisation="company",
            models=("c/d", "a/b", "x/y"),
            regions=("JP", "eu"),
            limits=("requests 9/minute",),
        ),
    )
    project = office.holders("project").create(
        "crawl", HolderDraft(team="research", providers=("openai", "local"))
    )
    owner = office.holders("person").create(
        "山田", HolderDraft(organisation="company", denied_origins=("RU",), limits=("usd 1/day",))
    )
    key, text = office.keys.create(
        "k",
        KeyDraft(
            project="crawl", owner="山田", models=("a/b", "z/z"), providers=("local", "azure"), tags=("ci",),
            operations=("chat",), networks=("10.1.0.0/16", "192.0.2.0/24", "2001::/16"),
            limits=("concurrent 2",),
        ),
    )  # fmt: skip
    found = office.principals()[digest(text)]
    assert (found.organisation, found.team, found.project, found.owner) == (
        company.id,
        team.id,
        project.id,
        owner.id,
    )
    assert found.allowed_models == {"a/b"}
    assert (found.prefer.only, found.prefer.regions, found.prefer.denied_origins) == (
        ("local",),
        ("JP", "eu"),
        ("CN", "RU"),
    )
    assert found.operations == {"chat"}
    assert found.networks == (ip_network("10.1.0.0/16"), ip_network("2001:db8::/32"))
    assert found.tags == ("ci",)
    assert [(limit.level, limit.holder, limit.amount) for limit in found.limits] == [
        ("organisation", company.id, 100 * 10**9), ("team", team.id, 9),
        ("person", owner.id, 10**9), ("key", key.id, 2),
    ]  # fmt: skip


def test_an_empty_list_allows_nothing_and_none_takes_it_away(office: Office) -> None:
    key, text = office.keys.create("k", KeyDraft(models=(), providers=(), networks=()))
    denied = office.principals()[digest(text)]
    assert (denied.allowed_models, denied.prefer.only, denied.networks) == (frozenset(), (), ())
    office.keys.update(key.id, KeyDraft(models=None, providers=None, networks=None))
    free = office.principals()[digest(text)]
    assert (free.allowed_models, free.networks) == (None, None)
    assert free.prefer is NONE


@pytest.mark.parametrize("kind", ["organisation", "team", "project", "person", "account"])
def test_whatever_a_key_belongs_to_ends_it_while_it_is_disabled(office: Office, kind: Kind) -> None:
    company = office.holders("organisation").create("company")
    inside = HolderDraft(organisation=company.id)
    made = {
        each: office.holders(each).create(each, inside) for each in ("team", "project", "person", "account")
    }
    made["organisation"] = company
    owner = "account" if kind == "account" else "person"
    _, text = office.keys.create("k", KeyDraft(team="team", project="project", owner=made[owner].id))
    assert digest(text) in office.principals()
    office.holders(kind).update(made[kind].id, HolderDraft(disabled=True))
    assert digest(text) not in office.principals()
    office.holders(kind).update(made[kind].id, HolderDraft(disabled=False))
    assert digest(text) in office.principals()


def test_a_key_belongs_to_one_organisation_with_all_it_belongs_to(office: Office) -> None:
    for name in ("one", "two"):
        office.holders("organisation").create(name)
        office.holders("team").create(f"team {name}", HolderDraft(organisation=name))
        office.holders("project").create(f"project {name}", HolderDraft(team=f"team {name}"))
        office.holders("person").create("same name", HolderDraft(organisation=name))
    for foreign in (
        KeyDraft(organisation="one", team="team two"),
        KeyDraft(team="team one", project="project two"),
        KeyDraft(organisation="default", owner="same name"),
        KeyDraft(team="no such team"),
    ):
        with pytest.raises(Missing, match="has the id or name"):
            office.keys.create("k", foreign)
    office.holders("team").create("another", HolderDraft(organisation="one"))
    with pytest.raises(Refused, match="belongs to another team"):
        office.keys.create("k", KeyDraft(team="another", project="project one"))
    key, _ = office.keys.create("k", KeyDraft(team="team one", owner="same name"))
    with pytest.raises(Missing):
        office.keys.update(key.id, KeyDraft(project="project two"))
    with pytest.raises(Refused, match="cannot be changed"):
        office.keys.update(key.id, KeyDraft(organisation="two"))
    with pytest.raises(Refused, match="cannot be changed"):
        office.keys.update(key.id, KeyDraft(admin=True))
    assert [each.name for each in office.keys.list()] == ["k"]


def test_a_rotated_key_stays_itself_and_its_old_text_ends(office: Office) -> None:
    key, old = office.keys.create("k", KeyDraft(limits=("usd 1/day",)))
    rotated, new = office.keys.rotate(key.id, 3600.0)
    found = office.principals()
    assert found[digest(new)].limits == found[digest(old)].limits == key.limits == rotated.limits
    assert (found[digest(old)].expires, found[digest(new)].expires) == (office.time + 3600.0, None)
    office.keys.rotate(key.id, 0.0)
    found = office.principals()
    assert digest(old) not in found
    assert found[digest(new)].expires == office.time
    office.keys.revoke(key.id)
    assert office.principals() == {}
    with pytest.raises(Refused, match="was revoked"):
        office.keys.rotate(key.id, 0.0)
    for overlap in (-1.0, float("nan"), 1e9):
        with pytest.raises(Refused, match="90 days"):
            office.keys.rotate(key.id, overlap)


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_is_written_into_any_parameter_is_data_or_refused(office: Office, text: str) -> None:
    def attempt(draft: KeyDraft | HolderDraft) -> None:
        try:
            if isinstance(draft, KeyDraft):
                office.keys.create("k", draft)
            else:
                office.holders("team").create("t" + text[:5], draft)
        except Refused:
            pass

    one, pair = (text,), {text: text}
    for member in (
        "models",
        "providers",
        "regions",
        "denied_origins",
        "operations",
        "networks",
        "limits",
        "tags",
    ):
        attempt(KeyDraft(**{member: one}))
    for member in ("organisation", "team", "project", "owner"):
        attempt(KeyDraft(**{member: text}))
    attempt(KeyDraft(metadata=pair))
    attempt(HolderDraft(organisation=text))
    attempt(HolderDraft(metadata=pair, limits=one))
    for look in (
        office.keys.find,
        office.keys.get,
        office.keys.revoke,
        office.holders("team").find,
        office.holders("team").get,
    ):
        with pytest.raises(Refused):
            look(text)
    with pytest.raises(Missing):
        office.keys.list(KeyPage(after=text))
    assert office.principals() is not None


def test_names_are_unique_where_they_are_asked_by(office: Office) -> None:
    office.holders("team").create("a")
    with pytest.raises(Refused, match="already"):
        office.holders("team").create("a")
    other = office.holders("organisation").create("other")
    office.holders("team").create("a", HolderDraft(organisation=other.id))
    with pytest.raises(Missing, match="fits several"):
        office.holders("team").find("a")


def test_lists_come_page_by_page_without_gaps_or_repeats(office: Office) -> None:
    for number in range(7):
        office.keys.create(f"k{number}")
    whole = [key.id for key in office.keys.list()]
    seen: list[str] = []
    while page := office.keys.list(KeyPage(most=3, after=seen[-1] if seen else None)):
        seen += [key.id for key in page]
    assert seen == whole
    assert len(seen) == 7


def test_what_levels_prefer_holds_together_and_the_nearest_chooses(office: Office) -> None:
    wish = {"may_train": False, "select": "balanced", "price_cap": {"input": "0.5"}}
    office.holders("organisation").update("default", HolderDraft(prefer=wish))
    key, text = office.keys.create(
        "own", KeyDraft(providers=("openai", "groq"), prefer={"select": "cheapest", "ignore": ["groq"]})
    )
    found = office.principals()[digest(text)].prefer
    assert set(found.only or ()) == {"openai", "groq"}
    assert (found.ignore, found.may_train, found.select) == (("groq",), False, "cheapest")
    assert found.price_cap == PriceCap(input=500_000_000)
    assert shown.key(key, office.time)["prefer"] == {"select": "cheapest", "ignore": ["groq"]}
    office.keys.update(key.id, KeyDraft(prefer=None))
    assert office.principals()[digest(text)].prefer.select == "balanced"


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"selekt": "cheapest"}, "prefer"),
        ({"select": "luckiest"}, "prefer.select"),
        ({"only": []}, "prefer.only"),
        ({"order": ["a"], "ignore": ["a"]}, "prefer.order"),
        ({"price_cap": {"input": -1}}, "prefer.price_cap.input"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(office: Office, wish: dict[str, object], field: str) -> None:
    with pytest.raises(Refused) as refusal:
        office.keys.create("own", KeyDraft(prefer=wish))
    assert refusal.value.field == field
