"""`sekisho providers stability`: what status pages showed, beside what this installation's calls met."""

import time
from collections.abc import Mapping
from typing import Any

from sekisho import settings
from sekisho.cli.database import books
from sekisho.cli.failure import fail
from sekisho.cli.marketplace import AsCsv, hand_over, show
from sekisho.cli.screen import AsJson
from sekisho.cli.wording import Lang, Wording, wording
from sekisho.control.services import stability
from sekisho.control.services.stability import Measured, Stability
from sekisho.control.services.standalone import have_books
from sekisho.control.store.engine import StoreError
from sekisho.providers import catalog
from sekisho.providers.catalog import Catalog
from sekisho.providers.status.incident import BadFeed

COLUMNS = (
    "provider",
    "label",
    "from",
    "to",
    "all_incidents",
    "api",
    "severe",
    "open",
    "uptime",
    "measured",
    "calls",
)
CAUTION: Mapping[str, str] = {
    "ja": "障害: 各社の公開ステータスの観測。粒度と範囲が異なり、単純比較はできません",
    "en": "Incidents: as public status pages tell them. They count differently",
}


def show_stability(lang: Lang = None, *, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """Incidents of 90 days by provider, and how many of your own calls went well there. Pages differ in what
    they count: do not compare two of them."""
    say, known = wording(lang), catalog.load(settings.load().catalog_dir)
    rows = [_row(each, known, say) for each in seen(_measured())]
    if as_json or as_csv:
        hand_over(rows, as_json=as_json)
        return
    notes = (f"{row['label']}: {row['source']} {row['note'] or ''}".rstrip() for row in rows if row["source"])
    show(rows, COLUMNS, say, [CAUTION[say.language], MEASURED[say.language], *notes])


MEASURED: Mapping[str, str] = {
    "ja": "自社計測: 過去 90 日にその事業者へ最初に送った呼び出しのうち、失敗しなかった割合",
    "en": "Measured: of your own calls of 90 days that went there first, those that did not fail there",
}


def seen(measured: Mapping[str, Measured]) -> list[Stability]:
    """What is known of everybody; what is wrong ends the command."""
    try:
        return stability.known(settings.load().status_dir, time.time(), measured)
    except BadFeed as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}")


def _measured() -> Mapping[str, Measured]:
    """By what is on the books, where there are any."""
    try:
        if not have_books(settings.load()):
            return {}
    except StoreError as error:
        fail(f"the database: {error}")
    with books() as store:
        return stability.measure(store, time.time())


def _row(each: Stability, known: Catalog, say: Wording) -> dict[str, Any]:
    row, measured = known.rows.get(each.provider), each.measured
    uptime = measured.uptime if measured else None
    return {
        "provider": each.provider,
        "label": row.label if row else each.provider,
        "from": each.since,
        "to": each.to,
        "all_incidents": each.incidents,
        "api": each.api,
        "severe": each.severe,
        "open": each.open,
        "uptime": each.uptime,
        "measured": None if uptime is None else f"{uptime:.3%}",
        "calls": measured.calls if measured else None,
        "sla": each.sla,
        "note": (each.note_ja if say.language == "ja" else each.note) or None,
        "source": each.source,
    }
