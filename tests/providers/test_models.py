import datetime as dt
from pathlib import Path

import pytest

from sekisho.providers import catalog
from sekisho.providers.catalog import Catalog, Offer
from sekisho.providers.compiler.models import compile_files
from sekisho.providers.models import store
from sekisho.providers.quirks import QUIRKS

ROOT = Path(__file__).parents[2]
COMPILED = ROOT / "src" / "sekisho" / "providers" / "models"


@pytest.fixture(scope="module")
def known() -> Catalog:
    return catalog.load()


def offer(known: Catalog, row: str, upstream: str) -> Offer:
    return next(each for each in known.offers(row) if upstream in (each.upstream, *each.aliases))


def test_the_committed_files_are_what_the_script_compiles() -> None:
    day = dt.date.fromisoformat(store.open_offers().date)
    for name, content in compile_files(day).items():
        assert (COMPILED / name).read_bytes() == content, f"run scripts/compile_models.py {day}"
        assert len(content) < 500_000


def test_every_offer_can_be_called_by_one_name_only(known: Catalog) -> None:
    for row in known.rows:
        offers = known.offers(row)
        models = [each.model for each in offers]
        ids = [name for each in offers for name in (each.upstream, *each.aliases)]
        assert len(set(models)) == len(models), row
        assert len(set(ids)) == len(ids), row
        for each in offers:
            author, _, slug = each.model.partition("/")
            assert author, each
            assert slug, each
            assert each.model == each.model.lower()
            assert set(each.quirks) <= QUIRKS.keys()
            assert known.facts(each.model) is not None


def test_no_price_is_negative_and_tiers_ascend(known: Catalog) -> None:
    for row in known.rows:
        for price in filter(None, (each.price for each in known.offers(row))):
            everywhere = [price, *(price.service or {}).values()]
            for each in everywhere:
                rates = [each.base, *(tier.rates for tier in each.tiers)]
                assert min(min(one.input, one.output) for one in rates) >= 0
                bounds = [tier.above for tier in each.tiers]
                assert bounds == sorted(set(bounds))


@pytest.mark.parametrize(
    ("row", "upstream", "model"),
    [
        ("anthropic", "claude-haiku-4-5-20251001", "anthropic/claude-haiku-4.5"),
        ("anthropic", "claude-opus-4-0", "anthropic/claude-opus-4"),
        ("openai", "gpt-4o-mini", "openai/gpt-4o-mini"),
        ("openai", "gpt-4o-mini-2024-07-18", "openai/gpt-4o-mini"),
        ("openai", "gpt-4o-mini-search-preview", "openai/gpt-4o-mini-search-preview"),
        ("deepseek", "deepseek-chat", "deepseek/deepseek-chat"),
        ("fireworks", "accounts/fireworks/models/kimi-k2p6", "moonshotai/kimi-k2.6"),
        ("groq", "llama-3.3-70b-versatile", "meta-llama/llama-3.3-70b-instruct"),
        ("cerebras", "qwen-3-32b", "qwen/qwen3-32b"),
        ("cloudflare", "@cf/meta/llama-3.1-8b-instruct", "meta-llama/llama-3.1-8b-instruct"),
        ("zai", "glm-4.7", "z-ai/glm-4.7"),
        ("openrouter", "anthropic/claude-haiku-4.5", "anthropic/claude-haiku-4.5"),
        ("sakura", "gpt-oss-120b", "openai/gpt-oss-120b"),
    ],
)
def test_a_provider_id_is_known_as_the_model_that_everybody_means(
    known: Catalog, row: str, upstream: str, model: str
) -> None:
    assert offer(known, row, upstream).model == model


def test_models_that_chat_completions_cannot_call_are_not_offered(known: Catalog) -> None:
    ids = {each.upstream for row in known.rows for each in known.offers(row)}
    assert not ids & {"whisper-1", "gpt-5-pro", "gpt-5-codex", "o3-deep-research"}


def test_a_row_that_lists_anothers_models_has_no_prices_of_its_own(known: Catalog) -> None:
    china = known.offers("moonshot-cn")
    assert [each.model for each in china] == [each.model for each in known.offers("moonshot")]
    assert all(each.price is None for each in china)


def test_a_retired_api_and_an_open_server_offer_nothing(known: Catalog) -> None:
    assert known.offers("perplexity") == ()
    assert known.offers("ollama") == ()


def test_reasoning_models_of_one_provider_carry_a_quirk_of_their_own(known: Catalog) -> None:
    assert offer(known, "xai", "grok-4").quirks == ("no_penalties",)
    assert offer(known, "xai", "grok-3").quirks == ()


def test_facts_say_what_is_known_of_a_model_and_no_more(known: Catalog) -> None:
    claude = known.facts("anthropic/claude-opus-5")
    assert claude is not None
    assert (claude.context_length, claude.max_output, claude.origin) == (1_000_000, 128_000, "US")
    assert claude.input_modalities == ("text", "image", "file")
    assert claude.open_weights is False
    assert claude.date
    plamo = known.facts("pfnet/plamo-2.2-prime")
    assert plamo is not None
    assert (plamo.origin, plamo.open_weights) == ("JP", None)
    assert known.facts("acme/unknown") is None


def test_a_bare_slug_finds_all_models_that_bear_it(known: Catalog) -> None:
    assert known.by_slug("gpt-4o-mini") == ("openai/gpt-4o-mini",)
    assert known.by_slug("no-such-model") == ()
