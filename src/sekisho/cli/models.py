"""`sekisho models`: the catalogue's models, listed, ranked, compared and shown."""

from typing import Annotated

import typer

from sekisho.cli import models_shown as shown
from sekisho.cli.failure import fail
from sekisho.cli.marketplace import USAGE, AsCsv, RankedBy, hand_over, market, show, sources
from sekisho.cli.screen import AsJson
from sekisho.cli.wording import Lang, wording
from sekisho.core.money import nano_from_usd
from sekisho.core.preference import country
from sekisho.providers.market.listing import ORDERS, Listing, Market, Order, Wanted
from sekisho.routing.names import nearest_of

models = typer.Typer(help="The catalogue's models: list, rank, compare, show.", invoke_without_command=True)


@models.callback()
def list_models(  # noqa: PLR0913 - options of a command
    context: typer.Context,
    author: Annotated[str | None, typer.Option(help="Of this author: `openai`.")] = None,
    origin: Annotated[str | None, typer.Option(help="From this country: JP.")] = None,
    open_weights: Annotated[
        bool | None, typer.Option("--open-weights/--closed-weights", help="Only such.", show_default=False)
    ] = None,
    modality: Annotated[str | None, typer.Option(help="Takes or gives: image, audio, file.")] = None,
    min_context: Annotated[int | None, typer.Option(help="At least so many tokens.")] = None,
    max_price: Annotated[
        str | None, typer.Option(help="USD, for a million tokens in and a million out together.")
    ] = None,
    provider: Annotated[str | None, typer.Option(help="Offered by this row, at its price.")] = None,
    sort: Annotated[str, typer.Option(help=", ".join(ORDERS))] = "name",
    top: Annotated[int | None, typer.Option(min=1, help="Only the first so many.")] = None,
    ranked_by: RankedBy = None,
    lang: Lang = None,
    *,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List models with the cheapest price that the catalogue knows. Needs no gateway and no network."""
    if context.invoked_subcommand is not None:
        return
    say, found = wording(lang), market(ranked_by)
    if provider is not None and provider not in found.catalog.rows:
        fail(_unknown("--provider", provider, tuple(found.catalog.rows)), USAGE)
    wanted = Wanted(
        author=author,
        origin=_country(origin),
        open_weights=open_weights,
        modality=modality,
        context=min_context,
        price=_price(max_price),
        provider=provider,
    )
    listed = found.listings(wanted, _order(sort))[:top]
    rows = [shown.member(each) for each in listed]
    if as_json or as_csv:
        hand_over(rows, as_json=as_json)
        return
    show(rows, shown.LIST, say, [*sources(found, say, ranked=True), shown.count(len(rows), say)])


@models.command("ranking")
def ranking(
    sort: Annotated[str, typer.Option(help="score or price")] = "score",
    ranked_by: RankedBy = None,
    lang: Lang = None,
    *,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Every score of a set, mode by mode, with what its model costs; the unmatched ones too."""
    if sort not in ("score", "price"):
        fail(f"--sort: must be score or price, not {sort}", USAGE)
    say, found = wording(lang), market(ranked_by)
    rows = shown.ranked(found, by_price=sort == "price")
    if as_json or as_csv:
        hand_over(rows, as_json=as_json)
        return
    footer = [*sources(found, say, ranked=True), *shown.unmatched(rows, say)]
    show(rows, shown.RANKING, say, footer)


@models.command("compare")
def compare(
    names: Annotated[list[str], typer.Argument(help="Two or more models.", show_default=False)],
    ranked_by: RankedBy = None,
    lang: Lang = None,
    *,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Put models beside each other, one a column."""
    say, found = wording(lang), market(ranked_by)
    rows = [shown.member(_find(found, name)) for name in names]
    if as_json or as_csv:
        hand_over(rows, as_json=as_json)
        return
    turned, columns = shown.turned(rows, say)
    show(turned, columns, say, sources(found, say, ranked=True))


@models.command("show")
def show_model(
    name: Annotated[str, typer.Argument(help="`author/slug`, or another name of it.")],
    lang: Lang = None,
    *,
    as_json: AsJson = False,
) -> None:
    """One model: who offers it, every price it has (cached, batch, flex, priority, long prompts) and had."""
    say, found = wording(lang), market()
    listing = _find(found, name)
    if as_json:
        hand_over([shown.whole(listing)], as_json=True)
        return
    shown.page(listing, found, say)


def _find(found: Market, name: str) -> Listing:
    listing = found.find(name)
    if listing is None:
        known = tuple(each.facts.id for each in found.listings())
        fail(_unknown("there is no model", name, known))
    return listing


def _unknown(what: str, name: str, known: tuple[str, ...]) -> str:
    near = nearest_of(name, known, limit=3)
    return f"{what}: {name}" + (f"; did you mean {', '.join(near)}?" if near else "")


def _order(text: str) -> Order:
    if text not in ORDERS:
        fail(f"--sort: must be one of {', '.join(ORDERS)}, not {text}", USAGE)
    return text


def _country(text: str | None) -> str | None:
    try:
        return None if text is None else country(text)
    except ValueError as error:
        fail(f"--origin: {error}", USAGE)


def _price(text: str | None) -> int | None:
    try:
        return None if text is None else nano_from_usd(text)
    except ValueError as error:
        fail(f"--max-price: {error}", USAGE)
