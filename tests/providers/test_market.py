"""The catalogue by model: scores matched by name alone, orders and filters, where families are."""

import datetime as dt
import json
from pathlib import Path

import msgspec
import pytest

from sekisho.providers import catalog
from sekisho.providers.catalog import Catalog
from sekisho.providers.market import quality, routes, stability
from sekisho.providers.market.listing import ORDERS, Listing, Market, Wanted
from sekisho.providers.market.quality import BadSet, QualitySet, Score

TODAY = dt.date(2026, 11, 22)
HEAD = QualitySet(name="own", title="Our own", source="the team", date="2026-11-01", scores=())


@pytest.fixture(scope="module")
def known() -> Catalog:
    return catalog.load()


@pytest.fixture(scope="module")
def market(known: Catalog) -> Market:
    return Market(known, quality.shipped(), TODAY)


def test_scores_find_their_models_by_name_and_the_rest_is_told(market: Market) -> None:
    ranked = market.scores()
    assert len(ranked) == 50
    assert [each.score.score for each in ranked] == sorted(
        (each.score.score for each in ranked), reverse=True
    )
    found = {each.score.name: each.model for each in ranked}
    assert [name for name, model in found.items() if model is None] == [
        "Qwen/Qwen3-VL-32B-Thinking",
        "upstage-karakuri/syn-pro reasoning",
        "rinna/qwq-bakeneko-32b: reasoning-enabled",
    ]
    assert found["openai/gpt-4o-2024-11-20"] == "openai/gpt-4o"  # a dated version of it
    assert found["grok-4"] == "x-ai/grok-4"


def test_a_model_with_several_modes_is_ranked_by_its_best(market: Market) -> None:
    model = market.find("openai/gpt-5.1")
    assert model is not None
    assert model.ranked is not None
    assert model.ranked.score.name == "openai/gpt-5.1-2025-11-13: high-effort"
    assert {each.score.score for each in model.rated} == {0.8085, 0.7412}


@pytest.mark.parametrize("order", ORDERS)
def test_what_is_not_known_stands_last(market: Market, order: str) -> None:
    values = {
        "score": lambda each: None if each.score is None else -each.score,
        "price": lambda each: each.total,
        "score-per-price": lambda each: None if each.score_per_price is None else -each.score_per_price,
        "context": lambda each: None if each.context is None else -each.context,
        "name": lambda each: each.facts.id,
    }
    listed = [values[order](each) for each in market.listings(order=order)]  # type: ignore[arg-type]
    there = [each for each in listed if each is not None]
    assert len(listed) > 800
    assert listed[: len(there)] == sorted(there)


def test_a_filter_shows_only_what_is_known_to_fit(market: Market) -> None:
    wanted = Wanted(origin="CN", open_weights=True, context=100_000, price=2_000_000_000, provider="groq")
    found = market.listings(wanted)
    assert found
    for each in found:
        assert (each.facts.origin, each.facts.open_weights) == ("CN", True)
        assert [row for row, _ in each.offers] == ["groq"]
        assert (each.context or 0) >= 100_000
        assert each.total is not None
        assert each.total <= 2_000_000_000
    assert {each.facts.id.partition("/")[0] for each in market.listings(Wanted(author="cohere"))} == {
        "cohere"
    }
    assert all("image" in each.facts.input_modalities for each in market.listings(Wanted(modality="image")))


def test_the_cheapest_is_among_those_that_still_serve_the_model(market: Market) -> None:
    for each in market.listings():
        if each.total is not None:
            assert each.cheapest in (each.offers or each.over)
            priced = [offer for _, offer in each.offers or each.over if offer.price]
            assert each.total == min(
                one.price.base.input + one.price.base.output for one in priced if one.price
            )
    gone = market.find("google/gemini-3-pro-preview")
    assert isinstance(gone, Listing)
    assert (gone.offers, gone.retires) == ((), "2026-03-09")


def test_every_family_has_rows_that_there_are(known: Catalog) -> None:
    families = routes.load()
    dt.date.fromisoformat(families.date)
    nowhere = set()
    for ways in routes.route_map(families, known):
        for way in (*ways.direct, *ways.clouds, *ways.others):
            assert way.row or way.provider == "Google Vertex AI", f"{way.provider} is no row"
            if way.models == 0:
                nowhere.add((ways.family.name, way.provider))
    assert nowhere == {("Mistral", "fireworks")}, "stated, but the catalogue lists none"
    family = families.of("google/gemini-2.5-pro")
    assert family is not None
    assert family.name == "Google Gemini"


def test_observations_are_of_providers_that_there_are(known: Catalog) -> None:
    found = stability.load()
    assert (found.since, found.to) == ("2025-11-13", "2026-02-11")
    assert [each.provider for each in found.observed if each.provider not in known.rows] == [
        "Google Vertex AI"
    ]
    deepseek = {each.provider: each for each in found.observed}["deepseek"]
    assert (deepseek.api, deepseek.severe) == (8, 4)


def test_a_table_of_scores_becomes_a_set(known: Catalog, tmp_path: Path) -> None:
    text = "model,score,catalog_model\nGPT-4o,71.5,\nOurs,80,acme/none\n新型,60,qwen/qwen3-14b\n"
    own = quality.from_csv(text, "own.csv", HEAD)
    assert own.scores[2] == Score(name="新型", score=60.0, model="qwen/qwen3-14b")
    (tmp_path / "own.json").write_bytes(msgspec.json.encode(own))
    sets = (*quality.shipped(), *quality.added(tmp_path))
    market = Market(known, sets, TODAY)
    assert market.ranking == own  # the latest
    assert [each.model for each in market.scores()] == [None, "openai/gpt-4o", "qwen/qwen3-14b"]
    assert Market(known, sets, TODAY, "qualiteg-2025").ranking == sets[0]
    with pytest.raises(KeyError):
        Market(known, sets, TODAY, "nobody")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,score\nx,1\n", "has no column `model`"),
        ("", "has no column `model`, `score`"),
        ("model,score\nx,good\n", "own.csv:2: score: 'good' is no number"),
        ("model,score\nx,nan\n", "is no number from 0 up"),
        ("model,score\nx,1\nx,2\n", "'x' stands twice"),
        ("model,score\n", "there are no scores"),
        ("model,score\nx\n", "score: None is no number"),
    ],
)
def test_a_broken_table_is_refused_with_its_place(text: str, words: str) -> None:
    with pytest.raises(BadSet) as caught:
        quality.from_csv(text, "own.csv", HEAD)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "change", [{"date": "soon"}, {"name": "../x"}, {"source": ""}, {"scores": []}, {"title": 1}]
)
def test_a_set_without_a_name_source_or_day_is_refused(change: dict[str, object]) -> None:
    whole = {
        "name": "a",
        "title": "A",
        "source": "b",
        "date": "2026-01-01",
        "scores": [{"name": "x", "score": 1}],
    }
    assert quality.read(json.dumps(whole).encode(), "a.json").scores[0].score == 1
    with pytest.raises(BadSet, match=r"^a\.json: "):
        quality.read(json.dumps({**whole, **change}).encode(), "a.json")
