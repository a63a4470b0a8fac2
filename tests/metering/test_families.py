"""A model is known by its name, whoever serves it and however they spell it."""

import pytest
import splintr

from sekisho.metering.families import UNKNOWN, all_families, find_family


@pytest.mark.parametrize(
    ("family", "names"),
    [
        ("gpt-4", "openai/gpt-4 openai/gpt-4-turbo gpt-4-0613 gpt-3.5-turbo-0125 gpt-35-turbo"),
        ("gpt-4o", "openai/gpt-4o gpt-4o-mini-2024-07-18 gpt-4.1 gpt-4.5-preview chatgpt-4o"),
        ("gpt-4o", "o1 o3-pro gpt-5 gpt-5.1"),
        ("gpt-5.2", "gpt-5-mini gpt-4.1-nano o4-mini openai/gpt-5.4-pro"),
        ("gpt-6", "openai/gpt-6-sol"),
        ("gpt-oss", "openai/gpt-oss-120b openai.gpt-oss-20b-1:0"),
        ("claude-3", "claude-3-5-sonnet-20241022 claude-opus-4-20250514"),
        ("claude-3", "anthropic/claude-opus-4.1 claude-2.1"),
        ("claude-3", "us.anthropic.claude-3-7-sonnet-20250219-v1:0 claude-3-haiku@20240307"),
        ("claude-4.5", "claude-sonnet-4-5-20250929 anthropic/claude-opus-4.6"),
        ("claude-4.5", "claude-haiku-4-5 claude-4.5-haiku"),
        ("claude-4.7", "anthropic/claude-opus-4.7 jp.anthropic.claude-opus-4-7-20260416-v1:0"),
        ("claude-4.7", "claude-4.7-opus"),
        ("claude-4.8", "claude-opus-4-8 claude-sonnet-5 anthropic/claude-opus-5.5"),
        ("claude-4.8", "claude-fable-5 claude-5-fable"),
        ("claude-4.8", "claude-haiku-5.5 claude-mythos-5.2"),
        ("gemini-2", "gemini-2.5-pro google/gemini-2.0-flash-001 gemini-flash-1.5"),
        ("gemini-3", "gemini-3-pro-preview google/gemini-3.5-flash"),
        ("gemini-3", "google/gemini-4-argon gemini-flash-latest"),
        ("gemma-3", "google/gemma-3-27b-it gemma-3n-e4b-it google/gemma-4-31b-it"),
        ("gemma-2", "google/gemma-2-9b-it google/gemma2-9b"),
        ("gemma-1", "google/gemma-2b-it google/gemma-7b"),
        ("llama-3", "meta-llama/llama-3.1-8b-instruct us.meta.llama3-3-70b-instruct-v1:0"),
        ("llama-3", "deepseek-r1-distill-llama-8b"),
        ("llama-3", "tokyotech-llm/Llama-3.3-Swallow-70B-Instruct-v0.4 elyza/Llama-3-ELYZA-JP-8B"),
        ("llama-3", "sao10k/l3-lunaris-8b"),
        ("llama-2", "meta-llama/llama-2-13b-chat meta-llama/codellama-34b-instruct-hf"),
        ("llama-2", "elyza/ELYZA-japanese-Llama-2-7b"),
        ("llama-4", "meta-llama/llama-4-maverick"),
        ("qwen-3", "qwen/qwen3-32b Qwen/Qwen2.5-72B-Instruct qwen3-max"),
        ("qwen-3", "qwen/qwq-32b deepseek-r1-0528-qwen3-8b"),
        ("qwen-3.5", "qwen/qwen3.5-27b qwen/qwen3.8-max"),
        ("deepseek", "deepseek/deepseek-chat deepseek-ai/DeepSeek-R1"),
        ("deepseek", "deepseek/deepseek-v4-pro deepseek-reasoner"),
        ("mistral-1", "mistralai/mistral-7b-instruct-v0.2 mixtral-8x7b-32768"),
        ("mistral-2", "mistralai/mistral-7b-instruct-v0.3 mistralai/mixtral-8x22b-instruct"),
        ("mistral-tekken", "mistralai/mistral-nemo codestral-2508 ministral-8b"),
        ("mistral-tekken", "devstral-small pixtral-12b voxtral-small"),
        ("mistral-tekken", "mistralai/mistral-large-2512 magistral-medium"),
        ("glm-4", "z-ai/glm-4.6 zai-org/GLM-4.5-Air"),
        ("glm-5", "z-ai/glm-5.1"),
        ("kimi-k2", "moonshotai/kimi-k2.5"),
        ("kimi-k3", "moonshotai/kimi-k3"),
        ("phi-4", "microsoft/phi-4"),
        ("olmo-2", "allenai/olmo-2-32b allenai/olmo-3-32b-think"),
        ("japanese", "pfnet/plamo-2.2-prime sbintuitions/sarashina2.2-3b-instruct"),
        ("japanese", "llm-jp/llm-jp-3.1 Rakuten/RakutenAI-7B"),
        ("unknown", "x-ai/grok-4 amazon/nova-pro-v1 cohere/command-a"),
        ("unknown", "minimax/minimax-m3 acme/fast allenai/olmo-7b"),
    ],
)  # fmt: skip
def test_a_model_is_found_by_its_name(family: str, names: str) -> None:
    for name in names.split():
        assert find_family(name).name == family, name


def test_our_name_decides_before_the_providers() -> None:
    assert find_family("anthropic/claude-opus-4.5", "gpt-4o").name == "claude-4.5"
    assert find_family("my/deployment", "gpt-4o").name == "gpt-4o"
    assert find_family("acme/fast", "acme-7") is UNKNOWN


def test_every_vocabulary_that_is_named_is_in_the_package() -> None:
    for name in {family.vocabulary for family in all_families()}:
        assert splintr.base_vocab_size(name) > 0, name


def test_a_family_without_its_own_vocabulary_says_where_its_factors_come_from() -> None:
    for family in all_families():
        factors = (family.letters, family.digits, family.wide)
        is_own = factors == (1.0, 1.0, 1.0) and "not verified" not in family.source
        assert family.exact == is_own, family.name
