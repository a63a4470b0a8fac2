"""`sekisho advise`: which models to call where, and a document for it. Calls nobody."""

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.prompt import Confirm, IntPrompt, Prompt

from sekisho.cli.advise_wording import LIGHT, PROMPTS, ROLES, SECTIONS, WARNINGS
from sekisho.cli.database import USAGE
from sekisho.cli.failure import fail
from sekisho.cli.marketplace import market, show, sources, usd
from sekisho.cli.options import taking
from sekisho.cli.screen import AsJson, print_json, screen
from sekisho.cli.stability import seen
from sekisho.cli.wording import Lang, Language, Wording, wording
from sekisho.control.services.advice import Advice, Candidate, advise, month_cost
from sekisho.control.services.advice_document import Line, essential, lines, route_name
from sekisho.control.services.advice_document import text as as_text
from sekisho.control.services.stability import Stability, of
from sekisho.core.money import usd_text
from sekisho.core.preference import country
from sekisho.providers.market import advice as rules_of
from sekisho.providers.market.advice import CHOICES, Needs, Rule, Rules
from sekisho.providers.market.listing import Market
from sekisho.routing import document
from sekisho.routing.compile import compile_document

COLUMNS = ("role", "provider", "model", "score", "input", "output", "month", "incidents")
MOST_TOKENS = 10**12
MOST_USD = 10**9


def _among(name: str) -> str:
    return f"{', '.join(CHOICES[name])}."


@dataclass(frozen=True, kw_only=True)
class AdviseOptions:
    """None: asked on a terminal, or as usual."""

    workload: Annotated[str | None, typer.Option(help=_among("workload"))] = None
    criticality: Annotated[str | None, typer.Option(help=_among("criticality"))] = None
    audit: Annotated[bool | None, typer.Option(help="SLOs, audit or budgets have to be shown.")] = None
    latency: Annotated[str | None, typer.Option(help=_among("latency"))] = None
    tokens: Annotated[int | None, typer.Option(help="Tokens a day.")] = None
    budget: Annotated[int | None, typer.Option(help="USD a month; 0: none.")] = None
    residency: Annotated[str | None, typer.Option(help=_among("residency"))] = None
    self_hosting: Annotated[bool | None, typer.Option(help="There are people and machines for it.")] = None
    language: Annotated[str | None, typer.Option(help="Of the prompts: en or ja.")] = None
    deny_origin: Annotated[str | None, typer.Option(help="Countries ruled out: CN,RU, or none.")] = None
    lang: Lang = None
    to: Annotated[Path | None, typer.Option(help="Write the document to this file.")] = None
    as_json: AsJson = False


@taking(AdviseOptions)
def run_advise(asked: AdviseOptions) -> None:
    """Ask what is needed and propose routes with a document for them, with the reason for each line. What no
    option says is asked on a terminal."""
    say = wording(asked.lang)
    needs = _needs(asked, say, ask=sys.stdin.isatty() and not asked.as_json)
    rules, known = rules_of.load(), market()
    found = essential(advise(needs, rules, known, datetime.now(UTC).date()), known.catalog)
    written = lines(found, known.catalog)
    reasons = [_reason(number, rule, rules, say) for number, rule in enumerate(found.rules, 1)]
    text = as_text(written, reasons) if written else ""
    compile_document(document.read(text.encode(), "advice"), known.catalog, {})  # what is proposed works
    if asked.to is not None and text:
        _write(asked.to, text)
    if asked.as_json:
        print_json(
            {**_told(found, rules, known, say), "lines": [_line(each) for each in written], "document": text}
        )
    else:
        _show(found, rules, known, say)
        typer.echo(text if asked.to is None or not text else asked.to)
    if not found.targets:
        typer.echo("\n".join(reasons), err=True)
        raise typer.Exit(1)


def _needs(asked: AdviseOptions, say: Wording, *, ask: bool) -> Needs:
    """What is said, then what is answered, then what is usual; what cannot be ends the command."""
    usual = msgspec.structs.asdict(msgspec.structs.replace(Needs(), language=say.language))
    found: dict[str, Any] = {}
    for name in PROMPTS:
        option = "deny_origin" if name == "denied" else name
        value = getattr(asked, option)
        if value is None and ask:
            value = _asked(name, usual[name], say.language)
        found[name] = usual[name] if value is None else _read(name, f"--{option.replace('_', '-')}", value)
    return Needs(**found)


def _asked(name: str, usual: Any, language: Language) -> object:
    """The answer to one question, asked until it is one."""
    words, console = PROMPTS[name][language], screen()
    try:
        if isinstance(usual, bool):
            return Confirm.ask(words, default=usual, console=console)
        if name in CHOICES:
            return Prompt.ask(words, choices=list(CHOICES[name]), default=usual, console=console)
        if name == "denied":
            return Prompt.ask(words, default="none", console=console)
        return IntPrompt.ask(words, default=usual or 0, console=console)
    except EOFError:
        fail("nobody answers; say it with options (--help lists them)", USAGE)


def _read(name: str, option: str, value: Any) -> Any:
    if name in CHOICES and value not in CHOICES[name]:
        fail(f"{option}: must be one of {', '.join(CHOICES[name])}, not {value}", USAGE)
    if name == "denied":
        try:
            return () if value == "none" else tuple(country(each) for each in value.split(","))
        except ValueError as error:
            fail(f"{option}: {error}", USAGE)
    if name == "tokens" and not 0 < value <= MOST_TOKENS:
        fail(f"{option}: must be from 1 to {MOST_TOKENS:,}", USAGE)
    if name == "budget":
        if not 0 <= value <= MOST_USD:
            fail(f"{option}: must be from 0 (none) to {MOST_USD:,} USD", USAGE)
        return value or None
    return value


def _write(to: Path, text: str) -> None:
    try:
        to.write_text(text, "utf-8")
    except (OSError, ValueError) as error:
        fail(f"{to}: {error}")


def _reason(number: int, rule: Rule, rules: Rules, say: Wording) -> str:
    source = rules.sources[rule.source]
    words = rule.ja if say.language == "ja" else rule.en
    return f"{number}: {words} [{source.title}, {source.date}, {rule.section}]"


def _rows(found: Advice, rules: Rules, say: Wording) -> list[dict[str, Any]]:
    """One for each target of both routes."""
    stable = seen({})
    named = [(ROLES[role][say.language], each) for role, each in found.targets]
    named += [(LIGHT[say.language], each) for each in found.light]
    return [_row(role, each, found, rules, of(stable, each.way.like)) for role, each in named]


def _row(role: str, each: Candidate, found: Advice, rules: Rules, stable: Stability | None) -> dict[str, Any]:
    rates = None if each.price is None else each.price.base
    month = month_cost(each, found.needs, rules)
    return {
        "role": role,
        "provider": each.way.name,
        "model": each.model,
        "score": each.score,
        "input": usd(rates.input) if rates else None,
        "output": usd(rates.output) if rates else None,
        "month": None if month is None else f"{round(month / 10**9):,}",
        "month_usd": None if month is None else usd_text(month),
        "incidents": _incidents(stable),
        "retires": each.listing.retires if each.listing else None,
    }


def _incidents(stable: Stability | None) -> str | None:
    if stable is None or (stable.api, stable.severe) == (None, None):
        return None
    counts = " / ".join("–" if each is None else str(each) for each in (stable.api, stable.severe))
    return f"{counts} ({stable.since} – {stable.to})"


def _show(found: Advice, rules: Rules, known: Market, say: Wording) -> None:
    language = say.language
    month = SECTIONS["month"][language].format(tokens=found.needs.tokens, share=rules.prompt_share)
    dated = SECTIONS["rules"][language].format(date=rules.date)
    show(_rows(found, rules, say), COLUMNS, say, [month, *sources(known, say, ranked=True), dated])
    for warning in found.warnings:
        typer.echo(f"! {WARNINGS[warning][language]}", err=not found.targets)
    typer.echo("")


def _line(each: Line) -> dict[str, Any]:
    return {"text": each.text, "reasons": list(each.rules)}


def _told(found: Advice, rules: Rules, known: Market, say: Wording) -> dict[str, Any]:
    return {
        "needs": msgspec.structs.asdict(found.needs),
        "route": route_name(found),
        "targets": _rows(found, rules, say),
        "month_usd": None if found.month is None else usd_text(found.month),
        "warnings": [{"kind": each, "text": WARNINGS[each][say.language]} for each in found.warnings],
        "reasons": [
            {
                "number": number,
                "text": rule.ja if say.language == "ja" else rule.en,
                "source": rules.sources[rule.source].title,
                "date": rules.sources[rule.source].date,
                "section": rule.section,
                "links": list(rules.sources[rule.source].links),
                "note": rule.note,
            }
            for number, rule in enumerate(found.rules, 1)
        ],
        "rules": rules.date,
        "prices": known.catalog.priced,
        "scores": None if known.ranking is None else f"{known.ranking.title}, {known.ranking.date}",
    }
