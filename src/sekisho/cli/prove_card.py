"""What a proof found, for people and for machines."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.text import Text

from sekisho.cli.screen import table
from sekisho.core.money import usd_text
from sekisho.testkit.proof.audit import Figures
from sekisho.testkit.proof.case import Case
from sekisho.testkit.proof.minutes import Minutes

Found = Sequence[tuple[Case, Figures]]


@dataclass(frozen=True, slots=True)
class Tell:
    """Says on stderr, to people, what is being tried."""

    console: Console

    def __call__(self, case: Case) -> None:
        if self.console.is_terminal:
            self.console.print(f"{case.name}: {case.title}", style="dim")


NANO_USD = frozenset(
    {"overspent", "leaked", "miscounted", "books_minus_providers", "charged", "cut_short_cost"}
)
TITLES = {
    "overspent": "overspent, USD",
    "overspent_tokens": "overspent, tokens",
    "over_admitted": "admitted beyond a limit",
    "not_admitted": "refused though there was room",
    "leaked": "held after all had ended, USD",
    "leaked_tokens": "held after all had ended, tokens",
    "miscounted": "counters minus books, USD",
    "miscounted_tokens": "counters minus books, tokens",
    "books_minus_providers": "books minus providers, USD",
    "differing": "calls that differ from their provider's account",
    "unbooked": "calls that are on no books",
    "booked_twice": "calls that are on the books twice",
    "silent": "limits that did not say what they hold",
}
"""Figures that must be 0."""


def failures(found: Found, minutes: Minutes | None) -> list[str]:
    """The figures that are not what they must be, in words."""
    whole = together(found)
    wrong = [f"{title}: {_value(name, whole)}" for name, title in TITLES.items() if getattr(whole, name)]
    if minutes is not None:
        wrong += minutes.wrong
    return wrong


def together(found: Found) -> Figures:
    """The sums over all cases."""
    whole = Figures()
    for _, figures in found:
        for field in fields(Figures):
            setattr(whole, field.name, getattr(whole, field.name) + getattr(figures, field.name))
    return whole


def as_json(found: Found, minutes: Minutes | None, failed: Sequence[str]) -> dict[str, Any]:
    """Amounts of money are texts, so that nothing rounds them."""
    return {
        "proven": not failed,
        "failed": list(failed),
        "figures": _figures(together(found)),
        "steady": None if minutes is None else asdict(minutes),
        "cases": [
            {"case": case.name, "limits": list(case.limits), **_figures(figures)} for case, figures in found
        ],
    }


def shown(found: Found, minutes: Minutes | None, failed: Sequence[str]) -> RenderableType:
    return Group(*_parts(found, minutes, failed))


def _parts(found: Found, minutes: Minutes | None, failed: Sequence[str]) -> Iterator[RenderableType]:
    headings = ("TRIED", "LIMIT", "CALLS", "ADMITTED", "CHARGED USD", "NOT 0")
    yield table(headings, _rows(found), right={"CALLS", "ADMITTED", "CHARGED USD", "NOT 0"})
    whole = together(found)
    yield Text("\nEach must be 0", style="bold")
    for name, title in TITLES.items():
        value = _value(name, whole)
        yield Text(f"  {value:>14}  {title}", style="red" if getattr(whole, name) else "")
    yield Text("\nBeside them", style="bold")
    yield Text(f"  {whole.estimated:>14}  answers that broke off: their tokens are estimates")
    unheard = "answers that broke off before anything of them was passed on, and are not booked"
    yield Text(f"  {whole.unheard:>14}  {unheard}")
    lost = f"under way in a process that was killed, and on no books ({usd_text(whole.cut_short_cost)} USD)"
    yield Text(f"  {whole.cut_short:>14}  {lost}")
    if minutes is not None:
        allowed = f"requests in a minute, of {minutes.amount}"
        yield Text(f"  {minutes.most:>14}  the most {allowed}, as they were admitted")
        yield Text(f"  {minutes.most_seen:>14}  the most {allowed}, as they came to providers")
        yield Text(f"  {minutes.least:>14}  the fewest {allowed}; {minutes.whole} minutes of steady demand")
    yield Text("\nProven." if not failed else f"\nNot proven: {'; '.join(failed)}", style="bold")


def _rows(found: Found) -> Iterator[Sequence[object]]:
    titles = dict.fromkeys(case.title for case, _ in found)
    for title in titles:
        same = [(case, figures) for case, figures in found if case.title == title]
        whole, limits = together(same), ", ".join(same[0][0].limits)
        wrong = sum(1 for name in TITLES if getattr(whole, name))
        times = f" ({len(same)} times)" if len(same) > 1 else ""
        charged = usd_text(whole.charged)
        yield (f"{title}{times}", limits, whole.calls, whole.admitted, charged, Text(str(wrong)))


def _figures(figures: Figures) -> dict[str, Any]:
    return {field.name: _value(field.name, figures) for field in fields(Figures)}


def _value(name: str, figures: Figures) -> Any:
    value = getattr(figures, name)
    return usd_text(value) if name in NANO_USD else value
