"""`sekisho providers`: the catalogue's rows, how stable they were, from where families can be had."""

from collections.abc import Sequence
from typing import Any

import typer

from sekisho import settings
from sekisho.cli.marketplace import AsCsv, hand_over, show
from sekisho.cli.screen import AsJson
from sekisho.cli.stability import CAUTION, seen, show_stability
from sekisho.cli.wording import Lang, Wording, wording
from sekisho.control.services.stability import Stability, of
from sekisho.providers import catalog
from sekisho.providers.catalog import Catalog
from sekisho.providers.market import routes
from sekisho.providers.market.routes import Way

providers = typer.Typer(help="List providers; their stability; routes.", invoke_without_command=True)
LIST = ("provider", "label", "region", "origin", "retention_days", "trains", "models", "prices", "incidents")
ROUTES = ("family", "direct", "clouds", "others")


@providers.callback()
def list_providers(
    context: typer.Context, lang: Lang = None, *, as_json: AsJson = False, as_csv: AsCsv = False
) -> None:
    """List providers with their data policy. Needs no gateway and no network."""
    if context.invoked_subcommand is not None:
        return
    say, known = wording(lang), catalog.load(settings.load().catalog_dir)
    observed = seen({})
    rows = [_row(name, known, of(observed, name)) for name in known.rows]
    if as_json or as_csv:
        hand_over(rows, as_json=as_json)
        return
    show(rows, LIST, say, [_rows_footer(known, say), CAUTION[say.language]])


providers.command("stability")(show_stability)


@providers.command("routes")
def show_routes(lang: Lang = None, *, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """From where each family of models can be had, with how many of its models the catalogue lists there."""
    say, known, families = wording(lang), catalog.load(settings.load().catalog_dir), routes.load()
    found = routes.route_map(families, known)
    if as_json or as_csv:
        rows: list[dict[str, Any]] = [
            {"family": each.family.name, "kind": kind, **_way(way), "date": families.date}
            for each in found
            for kind in ("direct", "clouds", "others")
            for way in getattr(each, kind)
        ]
        hand_over(rows, as_json=as_json)
        return
    shown = [
        {
            "family": each.family.name,
            "direct": _ways(each.direct),
            "clouds": _ways(each.clouds),
            "others": _ways(each.others),
        }
        for each in found
    ]
    show(shown, ROUTES, say, _routes_footer(families, known, say))


def _row(name: str, known: Catalog, observed: Stability | None) -> dict[str, Any]:
    row = known.rows[name]
    offers = known.offers(name)
    dates = [offer.price.date for offer in offers if offer.price]
    counts = (observed.api, observed.severe) if observed else (None, None)
    return {
        "provider": name,
        "label": row.label,
        "region": row.region,
        "origin": row.origin,
        "retention_days": row.retention_days,
        "trains": row.trains,
        "models": len(offers) or None,
        "prices": max(dates, default=None),
        "incidents": None if counts == (None, None) else " / ".join(_text(each) for each in counts),
        "checked": row.checked.isoformat() if row.checked else None,
        "retired": row.retired.isoformat() if row.retired else None,
        "docs": row.docs,
    }


def _text(number: int | None) -> str:
    return "–" if number is None else str(number)


def _way(way: Way) -> dict[str, Any]:
    return {"provider": way.provider, "label": way.label, "stated": way.stated, "models": way.models}


def _ways(ways: Sequence[Way]) -> str | None:
    """`*`: no row of the catalogue; `+`: only the catalogue says so."""
    return (
        ", ".join(
            f"{way.label}{'' if way.row else '*'}"
            f"{'' if way.models is None else f' ({way.models})'}{'' if way.stated else '+'}"
            for way in ways
        )
        or None
    )


def _rows_footer(known: Catalog, say: Wording) -> str:
    days = [row.checked.isoformat() for row in known.rows.values() if row.checked]
    word = "各社の文書との照合" if say.language == "ja" else "Compared with their documentation"
    return f"{word}: {min(days)} – {max(days)}"


def _routes_footer(families: routes.Families, known: Catalog, say: Wording) -> list[str]:
    if say.language == "ja":
        marks = "* カタログに行がない  + カタログの提供一覧のみ  (n) カタログのモデル数"
        return [f"経路: {families.date}", *families.sources, f"カタログ: {known.priced}", marks]
    marks = "* no row of the catalogue   + only the catalogue says so   (n) models that the catalogue lists"
    return [f"Routes: {families.date}", *families.sources, f"Catalogue: {known.priced}", marks]
