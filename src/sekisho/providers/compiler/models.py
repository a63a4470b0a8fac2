"""The installed genai-prices (MIT) -> offers and facts of every catalogue row, for one day."""

import datetime as dt
import re
import tomllib
from importlib import metadata, resources
from typing import Any

import msgspec
from genai_prices.data import providers as priced_providers
from genai_prices.types import ModelInfo, Provider

from sekisho.core.provider import ModelFacts, Retirement
from sekisho.providers import catalog
from sekisho.providers.catalog import Row
from sekisho.providers.compiler.names import Naming, groups_of, ids_of
from sekisho.providers.compiler.prices import Kind, past_of, price_of
from sekisho.providers.models.edition import Edition
from sekisho.providers.models.store import Offer

LICENCE = "MIT"


class Compiler:
    """One run over all catalogue rows, for one day."""

    def __init__(self, day: dt.date):
        self._day = day
        self._tables: dict[str, Any] = _tables()
        self._priced: dict[str, Provider] = {each.id: each for each in priced_providers}
        known = frozenset(model.id for model in self._priced["openrouter"].models)
        self._naming = Naming(self._tables, known)
        self._rows = catalog.rows()
        self._source = f"genai-prices {metadata.version('genai-prices')}"
        self.offers: dict[str, list[Offer]] = {}
        self.facts: dict[str, ModelFacts] = {}

    def run(self) -> None:
        for row in self._in_order():
            listed = self._listed(row) + self._by_hand(row.name)
            if listed:
                self.offers[row.name] = sorted(listed, key=lambda offer: offer.model)

    def edition(self) -> Edition:
        return Edition(
            source=self._source,
            licence=LICENCE,
            date=self._day.isoformat(),
            providers={row: tuple(offers) for row, offers in self.offers.items()},
            models=self.facts,
        )

    def offers_file(self) -> bytes:
        lists = {
            row: [msgspec.json.encode(offer) for offer in self.offers[row]] for row in sorted(self.offers)
        }
        blocks = [b'"%b":[\n%b\n]' % (row.encode(), b",\n".join(lines)) for row, lines in lists.items()]
        return self._file(b'"providers"', blocks)

    def facts_file(self) -> bytes:
        lines = [
            b'"%b":%b' % (model.encode(), msgspec.json.encode(facts))
            for model, facts in sorted(self.facts.items())
        ]
        return self._file(b'"models"', lines)

    def _in_order(self) -> list[Row]:
        """Makers of models, OpenRouter, hosts: the first to name a model names it best."""
        served = [row for row in self._rows.values() if row.retired is None]
        first = [*self._tables["order"]["makers"], "openrouter"]
        return sorted(served, key=lambda row: first.index(row.name) if row.name in first else len(first))

    def _listed(self, row: Row) -> list[Offer]:
        if row.prices is None:
            return []
        taken: set[str] = set()
        found = [
            self._offer(row, model, ids, taken)
            for model in self._priced[row.prices].models
            for ids in groups_of(self._ids(row, model))
        ]
        return [offer for offer in found if offer is not None]

    def _ids(self, row: Row, model: ModelInfo) -> list[str]:
        dated = self._tables["dated"].get(row.name, {}).get(model.id, ())
        refused = [self._tables["exclude"]["all"], self._tables["exclude"].get(row.name)]
        patterns = [re.compile(each, re.IGNORECASE) for each in refused if each]
        names = [
            name
            for name in ids_of(model, dated)
            if self._embeds(row, name) or not any(each.search(name) for each in patterns)
        ]
        return [name.lower() for name in names] if row.name in self._tables["spelling"]["lower"] else names

    def _offer(self, row: Row, model: ModelInfo, ids: list[str], taken: set[str]) -> Offer | None:
        upstream, *aliases = ids
        name = self._naming.model(row.name, upstream)
        if name in taken:  # a variant whose name says less than its id does
            name = f"{name.partition('/')[0]}/{upstream.rpartition('/')[2].lower()}"
        if name in taken:
            return None
        claude = "anthropic" in (row.name, name.partition("/")[0])
        embeds = self._embeds(row, upstream)
        kind: Kind = "embeddings" if embeds else "claude" if claude else "chat"
        price = price_of(model, self._day, kind=kind)
        if price is None and model.prices:
            return None  # paid by something else than tokens: no chat model
        taken.add(name)
        called, gives = (None, ("embeddings",)) if embeds else (model.name, ())  # one name for two sizes
        self._learn(name, called, model.context_window, gives)
        return Offer(
            model=name,
            upstream=upstream,
            aliases=tuple(aliases),
            price=price,
            context_length=model.context_window,
            max_output=self._max_output(name),
            quirks=self._quirks(row.name, name),
            retires=self._retires(row.name, name),
            past=past_of(model, self._day, kind=kind),
        )

    def _by_hand(self, row: str) -> list[Offer]:
        found = []
        for entry in self._tables["offers"]:
            if entry["row"] == row:
                members = {key: value for key, value in entry.items() if key not in ("row", "name", "gives")}
                offer = msgspec.convert(members, Offer)
                gives = tuple(entry.get("gives", ()))
                self._learn(offer.model, entry.get("name"), offer.context_length, gives)
                found.append(offer)
        return found

    def _embeds(self, row: Row, upstream: str) -> bool:
        pattern = self._tables["embeddings"].get(row.name)
        return pattern is not None and re.search(pattern, upstream) is not None

    def _learn(
        self, model: str, name: str | None, context_length: int | None, gives: tuple[str, ...]
    ) -> None:
        """`gives`: what comes out, where it is no text."""
        known = self.facts.get(model)
        author, _, slug = model.partition("/")
        weights = self._first("weights", model) or {}
        inputs = (self._first("inputs", model) or {}).get("modalities", ())
        facts = ModelFacts(
            id=model,
            name=known.name if known and known.name != slug else (name or slug),
            context_length=(known.context_length if known else None) or context_length,
            max_output=self._max_output(model),
            input_modalities=("text", *inputs),
            origin=self._tables["origins"].get(author),
            open_weights=weights.get("open"),
            licence=weights.get("licence"),
        )
        self.facts[model] = msgspec.structs.replace(facts, output_modalities=gives) if gives else facts

    def _max_output(self, model: str) -> int | None:
        return (self._first("max_output", model) or {}).get("tokens")

    def _quirks(self, row: str, model: str) -> tuple[str, ...]:
        entries = [each for each in self._tables["quirks"] if each["row"] == row]
        return tuple(name for each in entries if re.search(each["match"], model) for name in each["quirks"])

    def _retires(self, row: str, model: str) -> Retirement | None:
        for entry in self._tables["retirements"]:
            if entry["row"] == row and model in entry["models"]:
                return Retirement(date=entry["date"], use=entry.get("use"), source=entry["source"])
        return None

    def _first(self, table: str, model: str) -> dict[str, Any] | None:
        return next((each for each in self._tables[table] if re.search(each["match"], model)), None)

    def _file(self, member: bytes, lines: list[bytes]) -> bytes:
        head = {"source": self._source, "licence": LICENCE, "date": self._day.isoformat()}
        opening = msgspec.json.encode(head)[:-1]
        return b"%b,\n%b:{\n%b\n}}\n" % (opening, member, b",\n".join(lines))


def _tables() -> dict[str, Any]:
    text = resources.files("sekisho.providers.compiler").joinpath("tables.toml").read_text("utf-8")
    return tomllib.loads(text)


def compile_edition(day: dt.date) -> Edition:
    """All of it as one edition."""
    compiler = Compiler(day)
    compiler.run()
    return compiler.edition()


def compile_files(day: dt.date) -> dict[str, bytes]:
    """File name -> content, one model a line. The same data and day give the same bytes."""
    compiler = Compiler(day)
    compiler.run()
    return {"offers.json": compiler.offers_file(), "facts.json": compiler.facts_file()}
