"""Documents compiled against a catalogue of a few rows: which names lead where."""

import gc
import tracemalloc
from collections.abc import Mapping

import msgspec
import pytest

from sekisho.core.money import Price, Rates
from sekisho.core.preference import Preferences
from sekisho.core.provider import DataPolicy, ModelFacts
from sekisho.core.route import Snapshot, Timeouts
from sekisho.providers import catalog
from sekisho.providers.catalog import Catalog, Offer
from sekisho.providers.models.store import FactsFile, OfferFile
from sekisho.routing import document
from sekisho.routing.ask import Ask
from sekisho.routing.compile import Compiled, compile_document, examine
from sekisho.routing.constraints import forbidden
from sekisho.routing.problem import DocumentError

ROWS = """
[openai]
label = "OpenAI"
dialect = "openai_chat"
base_url = "https://api.openai.com/v1"
env = ["OPENAI_API_KEY"]
docs = "https://example.org"
quirks = ["max_completion_tokens"]

[broker]
label = "Broker"
dialect = "openai_chat"
base_url = "https://broker.example/v1"
env = ["BROKER_API_KEY", "BROKER_TOKEN"]
docs = "https://example.org"

[tenant]
label = "Tenant"
dialect = "openai_chat"
base_url = "https://cloud.example/${TENANT_ID}/v1"
env = ["TENANT_TOKEN"]
docs = "https://example.org"
open = true

[openai-compatible]
label = "OpenAI-compatible"
dialect = "openai_chat"
docs = "https://example.org"
open = true

[gone]
label = "Gone"
dialect = "openai_chat"
base_url = "https://gone.example/v1"
env = ["GONE_API_KEY"]
docs = "https://example.org"
retired = 2026-01-31
"""
LIST_PRICE = Price(base=Rates(input=2_500_000_000, output=10_000_000_000))
OFFERS = {
    "openai": [
        Offer(model="openai/gpt-4o", upstream="gpt-4o", aliases=("gpt-4o-2024-11-20",), price=LIST_PRICE),
        Offer(model="openai/gpt-4o-mini", upstream="gpt-4o-mini", quirks=("no_penalties",)),
    ],
    "broker": [
        Offer(model="openai/gpt-4o", upstream="openai/gpt-4o", price=LIST_PRICE),
        Offer(model="acme/gpt-4o", upstream="acme-gpt-4o"),
        Offer(model="acme/large-2.5", upstream="large-2-5"),
    ],
}
FACTS = {
    "openai/gpt-4o-mini": ModelFacts(
        id="openai/gpt-4o-mini", name="GPT-4o mini", context_length=128_000, max_output=16_384
    ),
    "acme/gpt-4o": ModelFacts(id="acme/gpt-4o", name="Not the real one"),
    "openai/gpt-4o": ModelFacts(id="openai/gpt-4o", name="GPT-4o"),
}
KEYS = {"OPENAI_API_KEY": "sk-1", "BROKER_TOKEN": "sk-2"}


def raws(items: Mapping[str, object]) -> dict[str, msgspec.Raw]:
    return {name: msgspec.Raw(msgspec.json.encode(item)) for name, item in items.items()}


@pytest.fixture(scope="module")
def known() -> Catalog:
    offers = OfferFile(source="test", licence="", date="2026-11-22", providers=raws(OFFERS))
    facts = FactsFile(source="test", licence="", date="2026-11-22", models=raws(FACTS))
    return Catalog(catalog.parse(ROWS), offers, facts)


def compiled(text: str, known: Catalog, environment: Mapping[str, str] = KEYS) -> Compiled:
    return examine(document.read(text.encode(), "c.yaml"), known, environment)


def ways(snapshot: Snapshot, name: str) -> list[str]:
    route = snapshot.find(name)
    assert route is not None, name
    return [f"{target.endpoint.provider.name}:{target.endpoint.upstream_model}" for target in route.targets]


LOCAL = """
  local:
    like: openai-compatible
    base_url: http://127.0.0.1:9001/v1/
    api_key: ${LOCAL_KEY}
    models:
      gpt-4o-mini: {}
      acme/fast: {upstream: gpt-4o-mini, price: {input: 0.15, output: 0.60}, quirks: [no_done]}
      mine: {context_length: 4096}
"""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("openai/gpt-4o", ["openai:gpt-4o", "broker:openai/gpt-4o"]),
        ("openai/gpt-4o-mini", ["openai:gpt-4o-mini", "local:gpt-4o-mini"]),
        ("gpt-4o-mini", ["openai:gpt-4o-mini", "local:gpt-4o-mini"]),
        ("broker/openai/gpt-4o", ["broker:openai/gpt-4o"]),
        ("local/gpt-4o-mini", ["local:gpt-4o-mini"]),
        ("local/openai/gpt-4o-mini", ["local:gpt-4o-mini"]),
        ("local/acme/fast", ["local:gpt-4o-mini"]),
        ("fast", ["local:gpt-4o-mini"]),
        ("local/mine", ["local:mine"]),
        ("mine", ["local:mine"]),
        ("large-2.5", ["broker:large-2-5"]),
        ("large-2-5", ["broker:large-2-5"]),
        ("acme/large-2-5", ["broker:large-2-5"]),
        ("broker/large-2-5", ["broker:large-2-5"]),
        ("gpt-4o-2024-11-20", ["openai:gpt-4o-2024-11-20"]),
        ("openai/gpt-4o-2024-11-20", ["openai:gpt-4o-2024-11-20"]),
    ],
)
def test_a_name_leads_to_its_endpoints_in_the_order_of_the_document(
    name: str, expected: list[str], known: Catalog
) -> None:
    snapshot = compiled("providers:\n  openai:\n  broker:" + LOCAL, known).snapshot
    assert ways(snapshot, name) == expected


def test_a_name_that_could_mean_two_models_means_neither(known: Catalog) -> None:
    snapshot = compiled("providers: {openai: , broker: }", known).snapshot
    assert snapshot.find("gpt-4o") is None
    assert snapshot.find("broker/gpt-4o") is None
    assert ways(snapshot, "broker/acme/gpt-4o") == ["broker:acme-gpt-4o"]


def test_only_public_names_are_listed(known: Catalog) -> None:
    snapshot = compiled("providers:\n  openai:" + LOCAL, known).snapshot
    assert sorted(snapshot.routes) == ["acme/fast", "local/mine", "openai/gpt-4o", "openai/gpt-4o-mini"]


def test_every_endpoint_has_an_id_of_its_own(known: Catalog) -> None:
    snapshot = compiled("providers:\n  openai:\n  broker:" + LOCAL, known).snapshot
    routes = [*snapshot.routes.values(), *snapshot.pinned.values()]
    endpoints = {target.endpoint.id: target.endpoint for route in routes for target in route.targets}
    assert all(
        endpoints[target.endpoint.id] == target.endpoint for route in routes for target in route.targets
    )


def test_the_documents_price_wins_and_a_local_model_has_none_of_the_catalogues(known: Catalog) -> None:
    text = "providers:\n  openai: {models: {gpt-4o: {price: {input: 1, output: 2}}}}" + LOCAL
    snapshot = compiled(text, known).snapshot
    own = snapshot.routes["openai/gpt-4o"].targets[0].endpoint
    assert own.price is not None
    assert own.price.base == Rates(input=1_000_000_000, output=2_000_000_000)
    assert own.upstream_model == "gpt-4o"
    _, local = (target.endpoint for target in snapshot.routes["openai/gpt-4o-mini"].targets)
    assert local.price is None
    assert local.facts is not None
    assert (local.context_length, local.max_output) == (128_000, 16_384)


def test_an_endpoint_has_its_providers_quirks_and_its_own(known: Catalog) -> None:
    snapshot = compiled("providers:\n  openai:" + LOCAL, known).snapshot
    mini = snapshot.routes["openai/gpt-4o-mini"].targets[0].endpoint
    assert mini.quirks == ("max_completion_tokens", "no_penalties")
    assert snapshot.routes["acme/fast"].targets[0].endpoint.quirks == ("no_done",)


def test_a_provider_that_lists_no_models_takes_any_name(known: Catalog) -> None:
    text = "providers: {own: {like: openai-compatible, base_url: 'http://[::1]:8080', timeouts: {total: 1h}}}"
    snapshot = compiled(text, known).snapshot
    assert ways(snapshot, "own/llama3.2:3b") == ["own:llama3.2:3b"]
    assert ways(snapshot, "own/hf.co/acme/small") == ["own:hf.co/acme/small"]
    route = snapshot.find("own/llama3.2:3b")
    assert route is not None
    assert (route.name, route.timeouts.total) == ("own/llama3.2:3b", 3600)
    assert route.targets[0].endpoint.price is None
    assert all(
        snapshot.find(name) is None for name in ("own/", "own", "/own", "own/a\nb", "own/" + "x" * 201, "o/a")
    )


def test_a_provider_that_lists_models_takes_no_others(known: Catalog) -> None:
    assert compiled("providers:" + LOCAL, known).snapshot.find("local/other") is None


def test_a_route_has_the_limits_of_its_first_provider_that_has_any(known: Catalog) -> None:
    text = "providers: {openai: , broker: {timeouts: {first_token: 2m}}}"
    snapshot = compiled(text, known).snapshot
    assert snapshot.routes["openai/gpt-4o"].timeouts == Timeouts(first_token=120)
    assert snapshot.routes["openai/gpt-4o-mini"].timeouts == Timeouts()


VIRTUAL = """
models:
  all: {targets: [bot, {model: openai/gpt-4o, weight: 3}, local/mine]}
  bot:
    targets: [{model: gpt-4o-mini, provider: local}, {model: openai/gpt-4o, provider: broker, weight: 2}]
    timeouts: {first_token: 10s}
    retry: {attempts: 5}
"""


def test_a_virtual_model_resolves_to_endpoints_each_once(known: Catalog) -> None:
    snapshot = compiled("providers:\n  openai:\n  broker:" + LOCAL + VIRTUAL, known).snapshot
    assert ways(snapshot, "bot") == ["local:gpt-4o-mini", "broker:openai/gpt-4o"]
    assert ways(snapshot, "all") == [*ways(snapshot, "bot"), "openai:gpt-4o", "local:mine"]
    bot, everything = snapshot.routes["bot"], snapshot.routes["all"]
    assert (bot.virtual, bot.timeouts.first_token, bot.retry.attempts) == (True, 10, 5)
    assert [target.weight for target in everything.targets] == [1, 2, 3, 1]
    assert everything.timeouts == Timeouts()


def test_a_virtual_model_that_names_itself_means_what_it_hides(known: Catalog) -> None:
    document = """
models:
  gpt-4o: {targets: [gpt-4o, mine], coalesce: true}
  mine: {targets: [{model: mine, provider: local}]}
"""
    found = compiled("providers:\n  openai:" + LOCAL + document, known)
    assert {warning.path for warning in found.warnings} == {"providers.local.api_key"}
    assert ways(found.snapshot, "gpt-4o") == ["openai:gpt-4o", "local:mine"]
    assert ways(found.snapshot, "openai/gpt-4o") == ["openai:gpt-4o"]


def test_what_an_operator_grants_about_data_goes_before_what_is_published(known: Catalog) -> None:
    document = """
providers:
  openai: {policy: {retention_days: 0}, region: eu}
  own:
    like: openai-compatible
    base_url: http://127.0.0.1:9001/v1
    models: {mine: {}}
    policy: {retention_days: 0, trains: false, origin: jp}
"""
    providers = compiled(document, known).snapshot.providers
    assert providers["openai"].policy == DataPolicy(retention_days=0, region="eu")
    assert providers["own"].policy == DataPolicy(retention_days=0, trains=False, origin="JP")
    (own,) = compiled(document, known).snapshot.routes["own/mine"].targets
    assert not forbidden([own], Ask(prefer=Preferences(zero_retention=True, may_train=False)))


def test_a_policy_that_cannot_be_is_located(known: Catalog) -> None:
    document = """
providers:
  own:
    like: openai-compatible
    base_url: http://127.0.0.1:9001/v1
    policy: {retention_days: -1, trains: perhaps, origin: Nippon, keeps: 3}
"""
    with pytest.raises(DocumentError) as raised:
        compiled(document, known)
    said = str(raised.value)
    assert all(
        f"providers.own.policy.{name}: " in said for name in ("retention_days", "trains", "origin", "keeps")
    )


def test_doubling_names_do_not_blow_up_a_plan(known: Catalog) -> None:
    doubled = "".join(f"  m{n}: {{targets: [m{n + 1}, m{n + 1}]}}\n" for n in range(2000))
    text = f"providers: {{openai: }}\nmodels:\n{doubled}  m2000: {{targets: [openai/gpt-4o]}}\n"
    assert ways(compiled(text, known).snapshot, "m0") == ["openai:gpt-4o"]


def test_references_are_filled_in_but_the_keys(known: Catalog) -> None:
    text = """
providers:
  a: {like: tenant, headers: {X-Team: "${TEAM} team"}, proxy: "http://${WHO}@proxy:3128"}
  b: {like: openai-compatible, base_url: "${B_URL}", api_key: "${B_KEY}"}
"""
    environment = {
        "TENANT_ID": "t/1",
        "TEAM": "4710",
        "WHO": "me:4713",
        "B_URL": "http://b:1/v1/",
        "B_KEY": "sk-4711",
    }
    found = compiled(text, known, {**environment, "TENANT_TOKEN": "sk-4712"})
    first, second = found.snapshot.providers.values()
    assert first.base_url == "https://cloud.example/t%2F1/v1"
    assert ("x-team", "4710 team") in first.headers
    assert first.proxy == "http://me:4713@proxy:3128"
    assert second.base_url == "http://b:1/v1"
    assert "471" not in repr(found)
    assert found.warnings == ()


def test_the_same_arguments_give_the_same_snapshot(known: Catalog) -> None:
    text = "providers:\n  openai:\n  broker:" + LOCAL + VIRTUAL
    first, second = compiled(text, known).snapshot, compiled(text, known).snapshot
    assert msgspec.json.encode(list(first.routes)) == msgspec.json.encode(list(second.routes))
    assert list(first.aliases.items()) == list(second.aliases.items())
    assert list(first.pinned) == list(second.pinned)
    assert first.revision == second.revision != compiled("providers: {openai: }", known).snapshot.revision
    shown = [[ways(snapshot, name) for name in snapshot.routes] for snapshot in (first, second)]
    assert shown[0] == shown[1]


def test_a_thousand_compilations_leave_nothing_behind(known: Catalog) -> None:
    parsed = document.read(
        ("providers:\n  openai:" + LOCAL + VIRTUAL.replace("broker", "openai")).encode(), "c.yaml"
    )
    for _ in range(20):
        compile_document(parsed, known, KEYS)
    gc.collect()
    tracemalloc.start()
    for _ in range(1000):
        compile_document(parsed, known, KEYS)
    gc.collect()
    left, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert left < 100_000
