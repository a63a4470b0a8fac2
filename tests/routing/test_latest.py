from sekisho.providers.catalog import Catalog
from sekisho.routing import document
from sekisho.routing.compile import compile_document
from sekisho.routing.latest import latest


def test_the_highest_released_version_of_each_family_is_the_latest() -> None:
    found = latest(
        [
            "anthropic/claude-3.5-sonnet",
            "anthropic/claude-sonnet-4.5",
            "anthropic/claude-sonnet-5",
            "google/gemini-2.5-pro",
            "google/gemini-3-pro-preview",
            "openai/gpt-5.2",
            "openai/gpt-5-mini",
            "openai/gpt-4o",
            "x-ai/grok-4.7",
            "x-ai/grok-4.20",
            "moonshotai/kimi-k2.6",
            "moonshotai/kimi-k3",
            "deepseek/deepseek-v4-pro",
            "meta-llama/llama-3.3-70b-instruct",
            "mistralai/mistral-large-2512",
            "acme/fast",
        ]
    )
    assert found == {
        "~anthropic/claude-sonnet-latest": "anthropic/claude-sonnet-5",
        "~google/gemini-pro-latest": "google/gemini-2.5-pro",
        "~openai/gpt-latest": "openai/gpt-5.2",
        "~openai/gpt-mini-latest": "openai/gpt-5-mini",
        "~x-ai/grok-latest": "x-ai/grok-4.7",
        "~moonshotai/kimi-latest": "moonshotai/kimi-k3",
        "~deepseek/deepseek-pro-latest": "deepseek/deepseek-v4-pro",
    }


def test_the_latest_is_among_what_is_served_and_is_not_listed(known: Catalog) -> None:
    models = "{acme/one-2: {}, acme/one-3.5: {}}"
    text = f"providers: {{a: {{like: openai-compatible, base_url: 'http://a.test', models: {models}}}}}"
    snapshot = compile_document(document.read(text.encode(), "test.yaml"), known, {})
    route = snapshot.find("~acme/one-latest")
    assert route is not None
    assert route.name == "acme/one-3.5"
    assert list(snapshot.routes) == ["acme/one-2", "acme/one-3.5"]
    assert snapshot.find("~acme/two-latest") is None
