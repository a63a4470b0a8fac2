"""The scorecard of a rehearsal, for people and for machines."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from sekisho.cli.screen import table
from sekisho.testkit.chaos.judge import Verdict
from sekisho.testkit.chaos.rehearsal import Result

STYLES: dict[Verdict, str] = {
    "answered": "green",
    "rescued": "green",
    "refused": "yellow",
    "lost": "bold red",
}
LEGEND = "TRIES: the most that one call took. STRUCK: requests that the provider in trouble got in all."
MOST_TOLD = 160
"""Characters of one message."""


def told(model: str, results: Sequence[Result]) -> dict[str, Any]:
    """For machines."""
    return {
        "model": model,
        "lost": sum(result.lost for result in results),
        "results": [
            {
                "scenario": result.scenario.name,
                "client": result.kind,
                "stream": result.stream,
                "verdict": "lost" if result.lost else result.verdict,
                "calls": dict(Counter(result.verdicts)),
                "attempts": result.attempts,
                "struck_provider_requests": result.suffered,
                "seconds": round(result.seconds, 3),
                "errors": result.errors,
                "faults": result.faults,
            }
            for result in results
        ],
    }


def shown(model: str, results: Sequence[Result]) -> RenderableType:
    return Group(*_parts(model, results))


def _parts(model: str, results: Sequence[Result]) -> Iterator[RenderableType]:
    yield Text.assemble(("Rehearsed with ", ""), (model, "bold"))
    headings = ("SCENARIO", "CLIENT", "CAME TO", "CALLS", "TRIES", "STRUCK", "LONGEST", "BOOKS")
    yield table(headings, _rows(results), right={"CALLS", "TRIES", "STRUCK", "LONGEST"})
    yield Text(LEGEND, style="dim")
    errors = dict.fromkeys(
        (result.scenario.title, _cut(error)) for result in results for error in result.errors
    )
    if errors:
        yield Text("\nWhat clients were told", style="bold")
        yield from (Text(f"  {title}: {error}") for title, error in errors)
    for result in results:
        if result.lost:
            where = f"{result.scenario.name}, {_client(result)}"
            yield Text(f"{where}: {'; '.join(_cut(fault) for fault in result.faults)}", style="red")
    yield _summary(results)


def _rows(results: Sequence[Result]) -> Iterator[Sequence[object]]:
    before = None
    for result in results:
        verdict: Verdict = "lost" if result.lost else result.verdict
        yield (
            result.scenario.title if result.scenario is not before else "",
            _client(result),
            Text(verdict, style=STYLES[verdict]),
            len(result.verdicts),
            result.attempts,
            result.suffered,
            f"{result.seconds:.2f} s",
            "differ" if result.faults and result.verdict != "lost" else "agree",
        )
        before = result.scenario


def _client(result: Result) -> str:
    return f"{result.kind}, {'stream' if result.stream else 'unary'}"


def _cut(text: str) -> str:
    return text if len(text) <= MOST_TOLD else text[: MOST_TOLD - 1] + "…"


def _summary(results: Sequence[Result]) -> Text:
    counted = Counter("lost" if result.lost else result.verdict for result in results)
    told_ = ", ".join(f"{count} {verdict}" for verdict, count in counted.items())
    return Text(f"\n{told_}", style="bold red" if counted["lost"] else "bold green")
