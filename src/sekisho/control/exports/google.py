"""Google's billing exports: lines of the Gemini API and of Vertex AI.

https://docs.cloud.google.com/billing/docs/how-to/export-data-bigquery-tables/standard-usage (as of 2026-08):
rows of BigQuery, as JSON (one object a line, or a list) or as CSV with the members' names joined. `cost` is
before credits, in the account's currency; `currency_conversion_rate` says what a USD was worth. The console's
cost table (https://cloud.google.com/billing/docs/how-to/cost-table) has the same under titles for people.
SKUs name the model: "Generate content input token count gemini 2.5 flash short input text" (Gemini API),
"Gemini 2.5 Flash GA Text Input - Predictions" (Vertex AI;
https://cloud.google.com/skus/sku-groups/gen-ai-v2, 2026-09). Google's own days are those of Los Angeles; rows
of the export have times, and are put on UTC's days here.
"""

import re

from sekisho.control.exports.entry import Cells, Entry, Format, Skipped

PROVIDERS = ("gemini", "vertex")
_SERVICES = re.compile(r"gemini|vertex|generative language|ai platform", re.IGNORECASE)
_MODEL = re.compile(
    r"(?P<name>(?:gemini|gemma|claude)[ -](?:embedding[ -])?(?:[a-z]+ )?\d+(?:\.\d+)?"
    r"(?:[ -](?:flash[ -]lite|flash|pro|ultra|nano|opus|sonnet|haiku))?)",
    re.IGNORECASE,
)
_KEPT = re.compile(r"storage|hour", re.IGNORECASE)


def _line(cells: Cells) -> Entry | Skipped | None:
    if not _SERVICES.search(cells.text("service_description")):
        return None  # another service
    kind = cells.text("cost_type")
    if kind.lower() not in ("", "regular", "usage"):
        return Skipped(f"{kind[:40]} lines")
    sku = cells.text("sku_description")
    found = _MODEL.search(sku)
    tokens: dict[str, int] = {}
    if (
        found is not None
        and not _KEPT.search(sku)
        and cells.text("usage_unit").lower() in ("", "count", "requests")
    ):
        tokens = {"input": 0, "cached": 0, "output": 0}
        tokens[_kind(sku.lower())] = cells.tokens("usage_amount", "usage_amount_in_pricing_units")
    return Entry(
        day=cells.day("usage_start_time", "usage_start_date"),
        model=found["name"] if found else sku,
        cost=_usd(cells),
        **tokens,
    )


def _kind(sku: str) -> str:
    if "cach" in sku:
        return "cached"
    return "output" if "output" in sku else "input"


def _usd(cells: Cells) -> int:
    cost, currency = cells.usd("cost", "cost_$"), cells.text("currency").upper()
    if currency in ("", "USD"):
        return cost
    rate = cells.amount("currency_conversion_rate")
    if rate <= 0:
        raise cells.wrong("currency", "is not USD, and the line has no currency_conversion_rate")
    numerator, denominator = rate.as_integer_ratio()
    return (2 * cost * denominator + numerator) // (2 * numerator)


FORMATS = (
    Format(
        "google billing",
        PROVIDERS,
        frozenset({"service_description", "sku_description", "usage_start_time", "cost"}),
        _line,
    ),
    Format(
        "google cost table",
        PROVIDERS,
        frozenset({"service_description", "sku_description", "usage_start_date", "cost_$"}),
        _line,
    ),
)
