"""Files of prompts for judging a scorer by: one JSON object a line."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from sekisho.core.money import NANO, Price
from sekisho.core.tier import Scorer, Tier
from sekisho.core.usage import Usage
from sekisho.metering.prices import price_call
from sekisho.pipeline.excerpt import sample
from sekisho.routing.evaluation import Case
from sekisho.routing.selectors import USUAL_OUTPUT
from sekisho.wire import json

NO_PRICES: Mapping[str, Price] = MappingProxyType({})


class FileError(ValueError):
    """A line that is none: names file, line and reason."""


class Line(msgspec.Struct):
    """Other members are let be."""

    prompt: str | list[dict[str, Any]]
    """A text, or messages as in Chat Completions."""
    tier: Tier | None = None
    quality: dict[str, float | bool] = {}
    cost: dict[str, float] = {}
    """USD."""

    @property
    def body(self) -> bytes:
        """A request that says it."""
        asked = [{"role": "user", "content": self.prompt}] if isinstance(self.prompt, str) else self.prompt
        return json.encode({"messages": asked})


_line = msgspec.json.Decoder(Line)


def read_lines(path: Path) -> Iterator[Line]:
    """Raises FileError or OSError."""
    with path.open("rb") as file:
        for number, text in enumerate(file, 1):
            if not text.strip():
                continue
            try:
                yield _line.decode(text)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                msg = f"{path}:{number}: {error}; a line is like " + '{"prompt": "...", "tier": "lookup"}'
                raise FileError(msg) from None


def case_of(line: Line, scorer: Scorer, prices: Mapping[str, Price] = NO_PRICES) -> Case:
    """`prices`: of models whose cost the line does not say; it is estimated then, for a usual answer."""
    body = line.body
    seen = sample(body, json.members(body))
    usage = Usage(input=seen.tokens, output=USUAL_OUTPUT)
    costs = {model: cost for model, price in prices.items() if (cost := price_call(usage, price)) is not None}
    told = {model: round(usd * NANO) for model, usd in line.cost.items()}
    quality = {model: float(each) for model, each in line.quality.items()}
    return Case(scorer(seen), line.tier, quality, costs | told)
