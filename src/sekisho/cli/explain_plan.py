"""Where a call would go: planned as the gateway plans, from a fresh start, and nobody is called."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from msgspec import structs, to_builtins
from rich.console import Group, RenderableType
from rich.text import Text

from sekisho import settings
from sekisho.cli.explain_call import number, task
from sekisho.cli.screen import table
from sekisho.control.services.stability import kept_in
from sekisho.core.error import BadRequest
from sekisho.core.explanation import AutoRecord
from sekisho.core.money import usd_text
from sekisho.core.preference import narrowed
from sekisho.core.provider import Endpoint
from sekisho.core.route import Hedge, Route, Snapshot
from sekisho.pipeline import prefer
from sekisho.pipeline.auto import choice, record_of
from sekisho.pipeline.excerpt import sample
from sekisho.pipeline.steps.access import find_route
from sekisho.plugins.scorers import Scorers
from sekisho.providers import catalog
from sekisho.providers.status import feeds, kept
from sekisho.routing import document
from sekisho.routing.ask import Ask
from sekisho.routing.board import Board
from sekisho.routing.compile import compile_document
from sekisho.routing.discover import discover
from sekisho.routing.plan import Plan, plan
from sekisho.wire import json

DRAWS = 1000
"""Plans that are made to see how often each target comes first, where chance has a say."""


@dataclass(frozen=True, slots=True)
class Asked:
    model: str
    prefer: str | None
    """As the header `x-sekisho-prefer` has it."""
    prompt_tokens: int
    prompt: str | None = None
    """What the user would say, for a model that leads by it."""


@dataclass(frozen=True, slots=True)
class Planned:
    route: Route
    plan: Plan
    first: Mapping[str, float]
    """Endpoint -> in which share of such calls it is the first."""
    auto: AutoRecord | None = None
    """Given where the prompt led to the route."""


def make(asked: Asked, config: Path | None, environment: Mapping[str, str]) -> Planned:
    """Raises DocumentError, OSError, ModelNotFound or BadRequest."""
    snapshot, troubled = _configured(config, environment)
    route, auto = _led(find_route(snapshot, asked.model), asked)
    headers = {} if asked.prefer is None else {prefer.HEADER: asked.prefer.encode("utf-8", "replace")}
    wanted = narrowed(route.prefer, prefer.asked(headers, snapshot.providers))
    ask = Ask(prompt_tokens=asked.prompt_tokens, prefer=wanted)
    board, chance = Board(time.monotonic), Random(1)
    board.troubled = troubled
    plans = [plan(route, ask, board, chance) for _ in range(DRAWS)]
    counted = Counter(each.targets[0].endpoint.id for each in plans if each.targets)
    first = {name: count / DRAWS for name, count in counted.most_common()}
    chosen = next(iter(first), None)  # of all the draws one that shows the likeliest
    shown = next((each for each in plans if each.targets and each.targets[0].endpoint.id == chosen), plans[0])
    return Planned(route, shown, first, auto)


def _led(route: Route, asked: Asked) -> tuple[Route, AutoRecord | None]:
    if route.auto is None:
        return route, None
    if asked.prompt is None:
        raise BadRequest(f"`{route.name}` leads to a model by the task: give one with --prompt")
    members = json.members(json.encode({"prompt": asked.prompt}))
    seen = structs.replace(sample(b"", members), tokens=asked.prompt_tokens)
    judged = route.auto.scorer(seen)
    chosen = choice(route.auto, judged)
    return chosen, record_of(judged, chosen, chosen)


def _configured(config: Path | None, environment: Mapping[str, str]) -> tuple[Snapshot, frozenset[str]]:
    """And the providers that report an incident, where the document says that this counts."""
    places = settings.load()
    known = catalog.load(places.catalog_dir)
    if config is None:
        return discover(known, environment), frozenset()
    read = document.read(config.read_bytes(), str(config))
    snapshot = compile_document(read, known, environment, Scorers().find)
    providers = snapshot.providers.values() if read.status.avoid else ()
    histories = kept_in(places.status_dir) if providers else ()
    return snapshot, kept.troubled(histories, feeds.load().feeds, providers, time.time())


def told(found: Planned) -> dict[str, Any]:
    """For machines."""
    return {
        "model": found.route.name,
        "auto": None if found.auto is None else to_builtins(found.auto),
        "select": found.plan.select,
        "hedge": _hedge(found.route.hedge),
        "coalesce": found.route.coalesce,
        "candidates": [
            {
                "endpoint": endpoint.id,
                "score": score,
                "standing": standing,
                "first": found.first.get(endpoint.id, 0.0),
            }
            for endpoint, score, standing in _candidates(found.plan)
        ],
        "rejected": [
            {"endpoint": target.endpoint.id, "reason": reason} for target, reason in found.plan.rejected
        ],
    }


def shown(found: Planned) -> RenderableType:
    """For people."""
    return Group(*_parts(found))


def _parts(found: Planned) -> Iterator[RenderableType]:
    if found.auto is not None:
        yield Text(task(found.auto))
    yield Text.assemble((found.route.name, "bold"), f"  {found.plan.select}")
    if found.plan.targets:
        rows = (
            (
                at + 1,
                endpoint.id,
                f"{found.first.get(endpoint.id, 0.0):.1%}",
                number(score),
                standing,
                _price(endpoint),
            )
            for at, (endpoint, score, standing) in enumerate(_candidates(found.plan))
        )
        headings = ("#", "ENDPOINT", "FIRST", "SCORE", "STANDING", "USD A MILLION IN/OUT")
        yield table(headings, rows, right={"#", "FIRST", "SCORE", "USD A MILLION IN/OUT"})
    else:
        yield Text("no target may be used", style="red")
    if found.route.hedge is not None:
        yield Text(f"\nA second target is asked beside one that is late: {_hedge(found.route.hedge)}")
    if found.route.coalesce:
        yield Text("\nIdentical calls at the same time share one answer")
    if found.plan.rejected:
        yield Text("\nNot allowed, or not able", style="bold")
        rejected = ((target.endpoint.id, reason) for target, reason in found.plan.rejected)
        yield table(("ENDPOINT", "REASON"), rejected)


def _hedge(hedge: Hedge | None) -> str | None:
    """When."""
    if hedge is None:
        return None
    return "p95" if hedge.after is None else f"after {hedge.after:g} s"


def _candidates(planned: Plan) -> Iterator[tuple[Endpoint, float | None, str]]:
    """(endpoint, score, standing) in the order of trying. A score that compares with nothing is None."""
    for at, target in enumerate(planned.targets):
        score = planned.scores[at] if planned.scores else float("inf")
        standing = planned.fitness[at] if planned.fitness else "fit"
        yield target.endpoint, None if abs(score) == float("inf") else score, standing


def _price(endpoint: Endpoint) -> str | None:
    if endpoint.price is None:
        return None
    rates = endpoint.price.base
    return f"{usd_text(rates.input)} / {usd_text(rates.output)}"
