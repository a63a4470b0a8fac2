"""Anthropic's exports of usage and of costs.

API: https://platform.claude.com/docs/en/api/admin/cost_report/retrieve and its sibling for usage reports of
messages (as of 2026-08): pages of buckets with `starting_at` (RFC 3339, UTC) and `results`. `amount` is a
decimal text of cents. The console's CSV has `usage_date_utc` and, of usage, `model_version` and
`usage_input_tokens_no_cache` with its siblings; of costs, `model` as a name for people ("Claude Haiku 4.5"),
`token_type`, and `cost_usd` in whole cents (seen in exports of 2026-03 to 2026-08; the page
https://support.claude.com/en/articles/9534590 says that there are such exports, not what they hold).
"""

from sekisho.control.exports.entry import FEMTO, Cells, Entry, Format

PROVIDERS = ("anthropic",)
HALF_A_CENT = FEMTO // 200


def _usage_csv(cells: Cells) -> Entry:
    written = ("usage_input_tokens_cache_write", "usage_input_tokens_cache_write_5m")
    return Entry(
        day=cells.day("usage_date_utc"),
        model=cells.text("model_version"),
        input=cells.tokens("usage_input_tokens_no_cache"),
        cached=cells.tokens("usage_input_tokens_cache_read")
        + cells.tokens(*written)
        + cells.tokens("usage_input_tokens_cache_write_1h"),
        output=cells.tokens("usage_output_tokens"),
    )


def _cost_csv(cells: Cells) -> Entry:
    return Entry(
        day=cells.day("usage_date_utc"),
        model=cells.text("model", "model_version"),
        cost=cells.usd("cost_usd"),
        rounded=HALF_A_CENT,
    )


def _usage(cells: Cells) -> Entry:
    return Entry(
        day=cells.day("starting_at"),
        model=cells.text("model"),
        input=cells.tokens("uncached_input_tokens"),
        cached=cells.tokens("cache_read_input_tokens")
        + cells.tokens("cache_creation_ephemeral_5m_input_tokens")
        + cells.tokens("cache_creation_ephemeral_1h_input_tokens"),
        output=cells.tokens("output_tokens"),
    )


def _cost(cells: Cells) -> Entry:
    if cells.text("currency").upper() not in ("", "USD"):
        raise cells.wrong("currency", "is not USD, in which providers are paid here")
    model = cells.text("model") or cells.text("description")
    return Entry(day=cells.day("starting_at"), model=model, cost=(cells.usd("amount") + 50) // 100)


FORMATS = (
    Format(
        "anthropic usage, CSV",
        PROVIDERS,
        frozenset({"usage_date_utc", "model_version", "usage_input_tokens_no_cache", "usage_output_tokens"}),
        _usage_csv,
    ),
    Format("anthropic costs, CSV", PROVIDERS, frozenset({"usage_date_utc", "cost_usd"}), _cost_csv),
    Format(
        "anthropic usage",
        PROVIDERS,
        frozenset({"starting_at", "uncached_input_tokens", "output_tokens"}),
        _usage,
    ),
    Format("anthropic costs", PROVIDERS, frozenset({"starting_at", "amount"}), _cost),
)
