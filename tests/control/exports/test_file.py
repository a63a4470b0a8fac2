"""Exports as providers write them are read, and what is none is refused with its place."""

import gzip
import json
from datetime import date
from pathlib import Path

import pytest

from sekisho.control.exports.entry import FEMTO, Entry, ExportError, Skipped
from sekisho.control.exports.file import LONGEST_LINE, open_export

NOVEMBER_1 = date(2026, 11, 1)
START = 1_793_491_200
USAGE_CSV = (
    "start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,model,batch,input_tokens,"
    "output_tokens,input_cached_tokens\n"
    f"{START},{START + 86400},2026-11-01T00:00:00+00:00,2026-11-02T00:00:00+00:00,proj_1,3,"
    "gpt-5-mini-2025-08-07,false,1000,50,200\n"
    f"{START + 86400},{START + 2 * 86400},2026-11-02T00:00:00+00:00,2026-11-03T00:00:00+00:00,,,,,,,\n"
)
COSTS_CSV = (
    "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,organization_id\n"
    f"{START},{START + 86400},2026-11-01T00:00:00+00:00,2026-11-02T00:00:00+00:00,0.2501500000000000,usd,"
    '"gpt-5-mini-2025-08-07, cached input",org-1\n'
)
CLAUDE_USAGE_CSV = (
    "usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,"
    "usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,"
    "usage_output_tokens,web_search_count,inference_geo,speed\n"
    "2026-11-01,claude-haiku-4-5-20251001,会計,Default,standard,≤ 200k,100,10,20,30,5,0,global,\n"
)
CLAUDE_COST_CSV = (
    "usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,"
    "cost_type,inference_geo,speed\n"
    "2026-11-01,Claude Haiku 4.5,Default,会計,message,≤ 200k,input_no_cache,0.05,0.05,token,global,\n"
)
CUR_2 = (
    "bill_payer_account_id,line_item_line_item_type,line_item_product_code,line_item_usage_start_date,"
    "line_item_usage_type,line_item_usage_amount,line_item_currency_code,line_item_unblended_cost,pricing_unit,"
    "product\n"
    "1,Usage,AmazonEC2,2026-11-01T00:00:00.000Z,USE1-BoxUsage:m5.large,1,USD,9,Hrs,{}\n"
    "1,Usage,AmazonBedrock,2026-11-01T03:00:00.000Z,USE1-Claude4.6Sonnet-cache-read-input-token-count"
    "-cross-region-global,1.5,USD,0.00045,1K tokens,{}\n"
    "1,Usage,AmazonBedrock,2026-11-01T03:00:00.000Z,USE1-openai.gpt-oss-120b-mantle-output-tokens-standard,700,"
    "USD,0.1,,{}\n"
    "1,Usage,abc123,2026-11-01T03:00:00.000Z,USE1-MP:USE1_InputTokenCount-Units,0.002,USD,0.006,Units,"
    '"{""product_name"": ""Claude Sonnet 4.5 (Amazon Bedrock Edition)""}"\n'
    "1,Credit,AmazonBedrock,2026-11-01T03:00:00.000Z,USE1-NovaLite-input-tokens,1,USD,-5,1K tokens,{}\n"
    "1,Usage,AmazonBedrock,2026-11-01T03:00:00.000Z,USE1-Guardrail-Text,1,USD,5,units,{}\n"
)
CUR_1 = (
    "identity/LineItemId,lineItem/LineItemType,lineItem/ProductCode,lineItem/UsageStartDate,lineItem/UsageType,"
    "lineItem/UsageAmount,lineItem/CurrencyCode,lineItem/UnblendedCost,pricing/unit\n"
    "x,Usage,AmazonBedrock,2026-11-01T00:00:00Z,APN1-NovaLite-input-tokens,12.5,USD,0.00075,1K tokens\n"
)
GOOGLE_ROW = {
    "service": {"id": "AEFD-7695-64FA", "description": "Gemini API"},
    "sku": {"description": "Generate content input token count gemini 2.5 flash short input text"},
    "usage_start_time": "2026-11-01 07:00:00 UTC",
    "usage": {"amount": 1000.0, "unit": "count"},
    "cost": 0.0453,
    "currency": "JPY",
    "currency_conversion_rate": 151.0,
    "cost_type": "regular",
    "credits": [],
}
GOOGLE_CSV = (
    "service_description,sku_description,usage_start_time,usage_amount,usage_unit,cost,currency\n"
    "Vertex AI,Gemini 2.5 Pro GA Thinking Text Output - Predictions,"
    "2026-11-01 10:00:00 UTC,40,count,0.0004,USD\n"
    "Compute Engine,N1,2026-11-01 10:00:00 UTC,1,h,5,USD\n"
)


def pages(*buckets: dict[str, object]) -> str:
    return json.dumps({"object": "page", "data": buckets, "has_more": False, "next_page": None})


OPENAI_USAGE = pages(
    {
        "object": "bucket",
        "start_time": START,
        "end_time": START + 86_400,
        "results": [
            {
                "object": "organization.usage.completions.result",
                "input_tokens": 1000,
                "output_tokens": 50,
                "input_cached_tokens": 200,
                "num_model_requests": 3,
                "model": "gpt-5-mini-2025-08-07",
            }
        ],
    }
)
OPENAI_COSTS = pages(
    {
        "object": "bucket",
        "start_time": START,
        "results": [
            {
                "object": "organization.costs.result",
                "amount": {"value": 0.06, "currency": "usd"},
                "line_item": None,
                "project_id": None,
            }
        ],
    }
)
CLAUDE_USAGE = pages(
    {
        "starting_at": "2026-11-01T00:00:00Z",
        "ending_at": "2026-11-02T00:00:00Z",
        "results": [
            {
                "uncached_input_tokens": 100,
                "cache_creation": {"ephemeral_1h_input_tokens": 20, "ephemeral_5m_input_tokens": 10},
                "cache_read_input_tokens": 30,
                "output_tokens": 5,
                "server_tool_use": {"web_search_requests": 0},
                "model": "claude-haiku-4-5-20251001",
            }
        ],
    }
)
CLAUDE_COST = pages(
    {
        "starting_at": "2026-11-01T00:00:00Z",
        "results": [
            {"currency": "USD", "amount": "123.78912", "model": "claude-haiku-4-5", "cost_type": "tokens"}
        ],
    }
)
MINI, HAIKU = "gpt-5-mini-2025-08-07", "claude-haiku-4-5-20251001"


def usd(thousandths: float) -> int:
    return round(thousandths * FEMTO / 1000)


SHAPES: dict[str, tuple[str, list[Entry | Skipped]]] = {
    "openai usage": (OPENAI_USAGE, [Entry(day=NOVEMBER_1, model=MINI, input=800, cached=200, output=50)]),
    "openai costs": (OPENAI_COSTS, [Entry(day=NOVEMBER_1, cost=usd(60))]),
    "anthropic usage": (
        CLAUDE_USAGE,
        [Entry(day=NOVEMBER_1, model=HAIKU, input=100, cached=60, output=5)],
    ),
    "anthropic costs": (
        CLAUDE_COST,
        [Entry(day=NOVEMBER_1, model="claude-haiku-4-5", cost=1_237_891_200_000_000)],
    ),
    "anthropic usage, CSV": (
        CLAUDE_USAGE_CSV,
        [Entry(day=NOVEMBER_1, model=HAIKU, input=100, cached=60, output=5)],
    ),
    "anthropic costs, CSV": (
        CLAUDE_COST_CSV,
        [Entry(day=NOVEMBER_1, model="Claude Haiku 4.5", cost=usd(50), rounded=usd(5))],
    ),
    "aws cur 2": (
        CUR_2,
        [
            Entry(day=NOVEMBER_1, model="Claude4.6Sonnet", input=0, cached=1500, output=0, cost=usd(0.45)),
            Entry(day=NOVEMBER_1, model="openai.gpt-oss-120b", input=0, cached=0, output=700, cost=usd(100)),
            Entry(day=NOVEMBER_1, model="Claude Sonnet 4.5", input=2000, cached=0, output=0, cost=usd(6)),
            Skipped("Credit lines"),
            Skipped("usage of another kind than tokens (USE1-Guardrail-Text)"),
        ],
    ),
    "aws cur": (
        CUR_1,
        [Entry(day=NOVEMBER_1, model="NovaLite", input=12_500, cached=0, output=0, cost=usd(0.75))],
    ),
    "google billing": (
        json.dumps(GOOGLE_ROW) + "\n" + json.dumps({**GOOGLE_ROW, "cost_type": "tax"}),
        [
            Entry(day=NOVEMBER_1, model="gemini 2.5 flash", input=1000, cached=0, output=0, cost=usd(0.3)),
            Skipped("tax lines"),
        ],
    ),
}
OTHERS: dict[str, tuple[str, list[Entry | Skipped]]] = {
    "openai usage": (USAGE_CSV, SHAPES["openai usage"][1]),
    "openai costs": (COSTS_CSV, [Entry(day=NOVEMBER_1, model=MINI, cost=usd(250.15))]),
    "google billing": (
        GOOGLE_CSV,
        [Entry(day=NOVEMBER_1, model="Gemini 2.5 Pro", input=0, cached=0, output=40, cost=usd(0.4))],
    ),
    "aws cur": (CUR_1.replace(",", ";"), SHAPES["aws cur"][1]),
}


def read(path: Path, content: str | bytes, wanted: str | None = None) -> tuple[str, list[Entry | Skipped]]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with open_export(path, wanted) as export:
        return export.format.name, list(export)


@pytest.mark.parametrize(("name", "shape"), [*SHAPES.items(), *OTHERS.items()])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gzip"])
def test_every_kind_of_export_is_known_by_itself_in_any_encoding(
    tmp_path: Path, name: str, shape: tuple[str, list[Entry | Skipped]], encoding: str
) -> None:
    content, expected = shape
    raw = gzip.compress(content.encode()) if encoding == "gzip" else content.encode(encoding)
    assert read(tmp_path / "export", raw) == (name, expected)
    assert read(tmp_path / "export", raw, name.split()[0])[0] == name


def test_pages_may_stand_one_after_the_other_or_over_many_lines(tmp_path: Path) -> None:
    entries = SHAPES["openai usage"][1]
    pretty = json.dumps(json.loads(OPENAI_USAGE), indent=2)
    for content in (
        f"{OPENAI_USAGE}\n\n{OPENAI_USAGE}\n",
        f"\n{pretty}\n{pretty}",
        f"[{OPENAI_USAGE},{pretty}]",
    ):
        assert read(tmp_path / "export", content)[1] == [*entries, *entries]


def test_a_large_file_is_read_line_by_line(tmp_path: Path) -> None:
    header, line = CUR_1.splitlines(keepends=True)
    with (tmp_path / "large").open("w") as file:
        file.write(header)
        file.writelines(line for _ in range(50_000))
    with open_export(tmp_path / "large") as export:
        assert sum(1 for _ in export) == 50_000


def changed(content: str, old: str, new: str) -> str:
    assert old in content
    return content.replace(old, new)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "the file has no lines"),
        (" \n\n", "the file has no lines"),
        ("PAR1....", "is Parquet: export CSV"),
        (b"start_time,amount_value\n\xff\xfe\xfa", "is neither UTF-8 nor UTF-16 text"),
        (b"\x1f\x8b\x08\x00garbage!", "is cut off, or no whole gzip file"),
        (gzip.compress(CUR_1.encode())[:-20], "is cut off, or no whole gzip file"),
        ("day,euros\n1,2\n", "has the columns day, euros, which are those of no export"),
        (changed(CUR_1, "x,Usage", "x"), "line 2: has 8 cells, and the first line 9"),
        (changed(CUR_1, "12.5", "=1+1"), "line 2: lineitem_usageamount: '=1.1' is no number"),
        (changed(CUR_1, "12.5", "NaN"), "'NaN' is no number"),
        (changed(CUR_1, "12.5", "-12.5"), "line 2: line_item_usage_amount: .* is below 0"),
        (changed(CUR_1, "12.5", "1e999999999"), "is no number"),
        (changed(CUR_1, "0.00075", "-0.5"), "'-0.5' is a cost below 0: leave credits and refunds out"),
        (changed(CUR_1, "USD", "JPY"), "is not USD"),
        (changed(CUR_1, "2026-11-01T00:00:00Z", "01.11.2026"), "line 2: .*'01.11.2026' is no day"),
        (changed(CUR_1, "x,Usage", '"x,Usage'), "line 2: is no CSV: unexpected end of data"),
        (changed(CUR_1, "x,Usage", '"' + "x" * 200_000 + '",Usage'), "field larger than field limit"),
        (changed(CUR_1, "x,Usage", "x" * (LONGEST_LINE + 1)), "line 2: is longer than any line of an export"),
        (
            changed(USAGE_CSV, ",50,200", ",50,2000"),
            "input_cached_tokens: '2000' is more than all input tokens",
        ),
        (changed(USAGE_CSV, ",50,200", ",-50,200"), "output_tokens: '-50' is no number of tokens"),
        (changed(USAGE_CSV, ",50,200", ",0.5,200"), "output_tokens: '0.5' is no number of tokens"),
        (changed(COSTS_CSV, ",usd,", ",eur,"), "amount_currency: 'eur' is not USD"),
        (json.dumps({**GOOGLE_ROW, "currency_conversion_rate": 0}), "no currency_conversion_rate"),
        (json.dumps({**GOOGLE_ROW, "cost": {"a": 1}}), "has the columns|is no number"),
        (
            changed(OPENAI_COSTS, "0.06", '"@SUM(A1)"'),
            "bucket 1, result 1: amount_value: '@SUM.A1.' is no number",
        ),
        ("[1]", "line 1: is no JSON object"),
        ('{"data": [7]}', "bucket 1: is no bucket with `results`"),
        ('{"data": 7}', "is no bucket with `results`"),
        ('{"data": [', "is no JSON"),
        ("[" * 100_000, "is no JSON: it is too deep"),
        (json.dumps(GOOGLE_ROW) + "\n{\n", "line 2: is no JSON document"),
        (json.dumps(GOOGLE_ROW) + '\n{"a": 1}\n', "line 2: has no cost, as exports of google billing do"),
    ],
)
def test_what_is_no_export_is_refused_with_its_place(
    tmp_path: Path, content: str | bytes, reason: str
) -> None:
    with pytest.raises(ExportError, match=reason):
        read(tmp_path / "export", content)
