"""OpenAI's exports of usage and of costs.

API: https://platform.openai.com/docs/api-reference/usage (as of 2026-08): pages of buckets, which have
`start_time` in seconds and `results` whose `object` says what they are. `input_tokens` includes the cached
ones; amounts are floats of USD. The dashboard exports the same as CSV with `start_time`, `start_time_iso` and
the members of a result as columns, the amount as `amount_value` and `amount_currency` (seen in exports of
2025-10 to 2026-07; no page describes them). Days are UTC's. A line item is `gpt-5-mini-2025-08-07, input`.
"""

from sekisho.control.exports.entry import Cells, Entry, Format, Skipped

PROVIDERS = ("openai",)


def _usage(cells: Cells) -> Entry | None:
    if not cells.text("model") and not cells.text("input_tokens"):
        return None  # a bucket in which nothing happened
    whole, cached = cells.tokens("input_tokens"), cells.tokens("input_cached_tokens")
    if cached > whole:
        raise cells.wrong("input_cached_tokens", "is more than all input tokens")
    return Entry(
        day=cells.day("start_time", "start_time_iso"),
        model=cells.text("model"),
        input=whole - cached,
        cached=cached,
        output=cells.tokens("output_tokens"),
    )


def _cost(cells: Cells) -> Entry | Skipped | None:
    if not cells.text("amount_value"):
        return None
    if cells.text("amount_currency").lower() not in ("", "usd"):
        raise cells.wrong("amount_currency", "is not USD, in which providers are paid here")
    model, comma, _ = cells.text("line_item").rpartition(", ")
    return Entry(
        day=cells.day("start_time", "start_time_iso"),
        model=model if comma else cells.text("line_item"),
        cost=cells.usd("amount_value"),
    )


FORMATS = (
    Format(
        "openai usage", PROVIDERS, frozenset({"start_time", "model", "input_tokens", "output_tokens"}), _usage
    ),
    Format("openai costs", PROVIDERS, frozenset({"start_time", "amount_value"}), _cost),
)
