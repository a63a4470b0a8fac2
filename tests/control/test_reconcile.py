"""The books against a provider's own account: every difference is found, and named by its probable reason."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest

from sekisho.control.exports.entry import ExportError
from sekisho.control.exports.file import open_export
from sekisho.control.services.reconcile import Compared, NoProvider, Reconciliation, canonical, reconcile
from sekisho.control.store import rollups
from sekisho.control.store.booking import book
from sekisho.control.store.engine import Store
from sekisho.core.money import NANO
from sekisho.core.record import AttemptRecord, CallRecord
from sekisho.core.usage import Usage

Make = Callable[..., CallRecord]
HEADER = (
    "line_item_line_item_type,line_item_product_code,line_item_usage_start_date,line_item_usage_type,"
    "line_item_usage_amount,line_item_currency_code,line_item_unblended_cost,pricing_unit"
)
MODEL = "jp.anthropic.claude-sonnet-4-6-20260217-v1:0"


@pytest.fixture
def keep(store: Store, record: Make) -> Callable[..., None]:
    """Put a call to a provider on the books."""
    numbers = count()

    def put(moment: str, tokens: int, cost: int | None, model: str = MODEL, **members: object) -> None:
        provider = members.setdefault("provider", "bedrock-tokyo")
        asked = AttemptRecord(provider=str(provider), upstream_model=model, milliseconds=1)
        plain: dict[str, object] = {
            "usage": Usage(input=tokens),
            "upstream_model": model,
            "attempts": (asked,),
        }
        started = datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()
        plain |= {"started": started, "cost": cost, "unpriced": cost is None}
        with store.write() as connection:
            rollups.add(
                store, connection, book(connection, [record(f"gen-{next(numbers)}", **{**plain, **members})])
            )

    return put


def line(day: str, tokens: float, cost: str, model: str = "Claude4.6Sonnet") -> str:
    usage = f"{day}T05:00:00Z,APN1-{model}-input-tokens,{tokens / 1000}"
    return f"Usage,AmazonBedrock,{usage},USD,{cost},1K tokens"


def compare(store: Store, folder: Path, lines: Sequence[str], **how: object) -> Reconciliation:
    path = folder / "export.csv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    with open_export(path) as export:
        return reconcile(store, export, Compared(**how))  # type: ignore[arg-type]


def named(found: Reconciliation) -> list[tuple[int, str, str]]:
    return [(each.day.day, each.model, each.reason) for each in found.differences]


def test_what_agrees_is_no_difference(store: Store, tmp_path: Path, keep: Callable[..., None]) -> None:
    keep("2026-11-01T00:00:00", 400, NANO // 4)
    keep("2026-11-01T23:59:59", 600, NANO // 4)
    keep("2026-11-01T12:00:00", 5, 5, provider="openai", model="gpt-5-mini")
    keep("2026-11-01T12:00:00", 0, None, outcome="error", unpriced=False, usage=None)
    keep(
        "2026-11-01T12:00:00", 999, 0, attempts=()
    )  # another call's answer: the provider knows nothing of it
    keep("2026-11-02T00:00:00", 7, 7)
    found = compare(store, tmp_path, [HEADER, line("2026-11-01", 1000, "0.50")])
    assert named(found) == []
    assert (found.first, found.last, found.providers) == (
        date(2026, 11, 1),
        date(2026, 11, 1),
        ("bedrock-tokyo",),
    )
    assert (found.ours.calls, found.ours.input, found.ours.cost) == (3, 1000, found.theirs.cost)


def test_every_difference_is_named_with_its_probable_reason(
    store: Store, tmp_path: Path, keep: Callable[..., None]
) -> None:
    keep("2026-11-01T12:00:00", 1000, NANO)
    keep("2026-11-02T12:00:00", 1000, NANO, model="amazon.nova-lite-v1:0")
    keep("2026-11-03T12:00:00", 1000, NANO)
    keep("2026-11-04T12:00:00", 1000, None)
    lines = [
        HEADER,
        line("2026-11-01", 1100, "1.1"),
        line("2026-11-01", 5, "0.1", "Claude4.6Opus"),
        line("2026-11-03", 1000, "1.2"),
        line("2026-11-04", 1000, "1"),
    ]
    found = compare(store, tmp_path, lines)
    assert named(found) == [
        (1, "Claude4.6Opus", "missing here"),
        (1, "Claude4.6Sonnet", "token drift"),
        (2, "amazon.nova-lite-v1:0", "missing there"),
        (3, "Claude4.6Sonnet", "price drift"),
        (4, "Claude4.6Sonnet", "unpriced"),
    ]
    tolerant = compare(store, tmp_path, lines, tolerance=Decimal(20))
    assert [each[2] for each in named(tolerant)] == ["missing here", "missing there", "unpriced"]


def test_days_that_begin_elsewhere_are_told_from_lost_calls(
    store: Store, tmp_path: Path, keep: Callable[..., None]
) -> None:
    keep("2026-11-01T10:00:00", 1000, NANO)
    keep("2026-11-01T20:00:00", 500, NANO // 2)
    lines = [HEADER, line("2026-11-01", 1000, "1"), line("2026-11-02", 500, "0.5")]
    assert named(compare(store, tmp_path, lines)) == [
        (1, "Claude4.6Sonnet", "time zone"),
        (2, "Claude4.6Sonnet", "time zone"),
    ]
    assert named(compare(store, tmp_path, lines, zone="Asia/Tokyo")) == []


def test_each_provider_is_compared_with_what_it_was_asked_itself(
    store: Store, tmp_path: Path, keep: Callable[..., None]
) -> None:
    parts = (
        AttemptRecord(
            provider="bedrock-tokyo", upstream_model=MODEL, milliseconds=1, usage=Usage(input=90), cost=NANO
        ),
        AttemptRecord(
            provider="openai", upstream_model="gpt-5", milliseconds=1, usage=Usage(input=100), cost=2 * NANO
        ),
    )
    keep("2026-11-01T10:00:00", 90, 3 * NANO, provider="openai", model="gpt-5", attempts=parts)
    assert named(compare(store, tmp_path, [HEADER, line("2026-11-01", 90, "1")])) == []


def test_lines_without_a_model_are_compared_by_days_and_rounded_ones_within_their_rounding(
    store: Store, tmp_path: Path, keep: Callable[..., None]
) -> None:
    keep("2026-11-01T10:00:00", 1, 60_000_000, provider="openai", model="gpt-5")
    start = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp())
    amount = {"value": 0.06, "currency": "usd"}
    results = [{"object": "organization.costs.result", "amount": amount, "line_item": None}]
    page = {"object": "page", "data": [{"object": "bucket", "start_time": start, "results": results}]}
    assert named(compare(store, tmp_path, [json.dumps(page)])) == []
    amount["value"] = 0.07
    assert named(compare(store, tmp_path, [json.dumps(page)])) == [(1, "gpt-5", "price or token drift")]
    keep("2026-11-01T10:00:00", 1, 14_900_000, provider="anthropic", model="claude-haiku-4-5")
    cents = ["usage_date_utc,model,token_type,cost_usd", "2026-11-01,Claude Haiku 4.5,output,0.01"]
    assert named(compare(store, tmp_path, cents)) == []
    cents[1] = "2026-11-01,Claude Haiku 4.5,output,0.03"
    assert [each[2] for each in named(compare(store, tmp_path, cents))] == ["price or token drift"]


def test_whose_calls_an_export_is_about_must_be_known(
    store: Store, tmp_path: Path, keep: Callable[..., None]
) -> None:
    keep("2026-11-01T10:00:00", 1000, NANO, provider="our-aws")
    lines = [HEADER, line("2026-11-01", 1000, "1")]
    with pytest.raises(NoProvider, match="no call went to bedrock; the books know our-aws: name"):
        compare(store, tmp_path, lines)
    with pytest.raises(NoProvider, match="no call went to nobody"):
        compare(store, tmp_path, lines, providers=("our-aws", "nobody"))
    assert named(compare(store, tmp_path, lines, providers=("our-aws",))) == []
    with pytest.raises(ExportError, match="nothing in the file can be compared"):
        compare(store, tmp_path, [HEADER, lines[1].replace("AmazonBedrock", "AmazonEC2")])


@pytest.mark.parametrize(
    "names",
    [
        (
            MODEL,
            "Claude4.6Sonnet",
            "Claude Sonnet 4.6",
            "anthropic/claude-sonnet-4.6",
            "claude-sonnet-4-6@20260217",
        ),
        ("amazon.nova-lite-v1:0", "NovaLite", "apac.amazon.nova-lite-v1:0"),
        ("Nova2.0Lite", "amazon.nova-2-lite-v1:0"),
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini", "openai/gpt-4o-mini"),
        ("openai.gpt-oss-120b", "gpt-oss-120b", "openai.gpt-oss-120b-1:0".removesuffix("-1:0")),
        ("gemini-2.5-flash-lite", "Gemini 2.5 Flash Lite", "gemini 2.5 flash-lite"),
        ("gemini-3.1-flash-lite-preview", "gemini 3.1 flash lite"),
        ("claude-3-5-haiku-latest", "claude-3-5-haiku-20241022", "Claude Haiku 3.5"),
    ],
)
def test_one_model_has_many_names(names: tuple[str, ...]) -> None:
    assert len({canonical(name) for name in names}) == 1


def test_other_models_are_not_the_same() -> None:
    names = [
        *("claude-sonnet-4-5", "claude-sonnet-4-6", "claude-opus-4-6", "claude-haiku-4-5", "claude-sonnet-4"),
        *(
            "gpt-4o",
            "gpt-4o-mini",
            "gpt-4.1",
            "gpt-4.1-mini",
            "gpt-5",
            "gpt-5-mini",
            "gpt-5-nano",
            "o3",
            "o3-mini",
        ),
        *(
            "gemini-2.5-flash",
            "gemini-2.5-pro",
            "gemini-2.5-flash-lite",
            "gemini-3-flash",
            "amazon.nova-pro-v1:0",
        ),
    ]
    assert len({canonical(name) for name in names}) == len(names)
