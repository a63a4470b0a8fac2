"""AWS's Cost and Usage Reports: lines of Amazon Bedrock, in either version's columns.

https://docs.aws.amazon.com/bedrock/latest/userguide/cost-mgmt-understanding-cur-data.html (2026-08) says how
usage types are made: `{region}-{model}-{token-type}` with tier and routing behind. Models of the
marketplace (Claude) may have types such as `USE1-MP:USE1_InputTokenCount-Units`, and are named by their
product, "Claude Sonnet 4.5 (Amazon Bedrock Edition)". Columns:
https://docs.aws.amazon.com/cur/latest/userguide/table-dictionary-cur2-line-item.html; version 1 writes
`lineItem/UsageType` where version 2 writes `line_item_usage_type`. Usage is counted in the unit that the
pricing says: thousands of tokens, or for the marketplace's `Units` millions (price lists of 2026-09).
"""

import re
from decimal import Decimal

from sekisho.control.exports.entry import Cells, Entry, Format, Skipped

PROVIDERS = ("bedrock",)
_TYPE = re.compile(
    r"(?:[A-Z]{2,5}\d?-)?(?P<model>.+?)-(?:mantle-)?"
    r"(?P<kind>(?:cache-(?:read|write)-)?(?:input|output)-token(?:s|-count))(?:-.*)?",
)
_MARKET = re.compile(
    r"(?P<kind>(?:cache_?(?:read|write)\w*?)?(?:input|output)?_?token(?:s|count))", re.IGNORECASE
)
_NESTED = re.compile(r'"product_name"\s*:\s*"([^"]*)"')
_EDITION = " (Amazon Bedrock Edition)"
_UNITS = {"1k tokens": 1_000, "1m tokens": 1_000_000, "tokens": 1, "units": 1_000_000}
_USAGE = frozenset({"", "usage", "discountedusage", "savingsplancoveredusage"})


def _line(cells: Cells) -> Entry | Skipped | None:
    product = cells.text("product_product_name", "product_productname", "product_servicename", "product")
    nested = _NESTED.search(product)  # version 2 may keep what belongs to the product in one cell
    product = nested[1] if nested else product
    if "bedrock" not in f"{cells.text('line_item_product_code', 'lineitem_productcode')} {product}".lower():
        return None  # another service
    kind = cells.text("line_item_line_item_type", "lineitem_lineitemtype")
    if kind.replace(" ", "").lower() not in _USAGE:
        return Skipped(f"{kind[:40]} lines")
    usage_type = cells.text("line_item_usage_type", "lineitem_usagetype")
    found = _model(usage_type, product)
    if found is None:
        return Skipped(f"usage of another kind than tokens ({usage_type[:60]})")
    if cells.text("line_item_currency_code", "lineitem_currencycode").upper() not in ("", "USD"):
        raise cells.wrong("line_item_currency_code", "is not USD, in which providers are paid here")
    model, counted = found
    tokens = {
        "input": 0,
        "cached": 0,
        "output": 0,
        counted: _tokens(cells, 1_000_000 if ":" in usage_type else 1),
    }
    return Entry(
        day=cells.day("line_item_usage_start_date", "lineitem_usagestartdate"),
        model=model,
        cost=cells.usd("line_item_unblended_cost", "lineitem_unblendedcost"),
        **tokens,
    )


def _tokens(cells: Cells, usual: int) -> int:
    """`usual`: tokens in a unit, where the line says nothing of units."""
    unit = cells.text("pricing_unit").lower()
    amount = cells.amount("line_item_usage_amount", "lineitem_usageamount")
    if amount < 0:
        raise cells.wrong("line_item_usage_amount", "is below 0")
    return round(amount * Decimal(_UNITS.get(unit, usual)))


def _model(usage_type: str, product: str) -> tuple[str, str] | None:
    """(model, kind of tokens)"""
    if ":" in usage_type:
        found = _MARKET.search(usage_type.partition(":")[2].partition("_")[2])
        model = product.removesuffix(_EDITION)
    else:
        found = _TYPE.fullmatch(usage_type)
        model = found["model"] if found else ""
    if found is None or not model:
        return None
    kind = found["kind"].lower()
    return model, "cached" if "cache" in kind else "output" if "output" in kind else "input"


FORMATS = (
    Format(
        "aws cur 2",
        PROVIDERS,
        frozenset({"line_item_usage_type", "line_item_usage_start_date", "line_item_unblended_cost"}),
        _line,
    ),
    Format(
        "aws cur",
        PROVIDERS,
        frozenset({"lineitem_usagetype", "lineitem_usagestartdate", "lineitem_unblendedcost"}),
        _line,
    ),
)
