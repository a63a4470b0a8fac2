"""Families of models, and from where each can be had: what is stated, and what the catalogue lists."""

import re
import tomllib
from dataclasses import dataclass
from importlib import resources

import msgspec

from sekisho.core.message import Value
from sekisho.providers.catalog import Catalog


class Family(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    match: str
    """Of `author/slug`, as a regular expression."""
    direct: tuple[str, ...] = ()
    clouds: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


class Families(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    date: str
    sources: tuple[str, ...]
    families: tuple[Family, ...]

    def of(self, model: str) -> Family | None:
        """The family of `author/slug`."""
        return next((each for each in self.families if re.search(each.match, model)), None)


@dataclass(frozen=True, slots=True)
class Way:
    """One provider or cloud that serves a family."""

    provider: str
    """A catalogue row, or a name for people."""
    label: str
    row: bool
    """It is a row of the catalogue, so that it can be configured."""
    stated: bool
    """False: only the catalogue's offers say so."""
    models: int | None
    """How many of the family's models the catalogue lists there; None: that row's cannot be listed ahead."""


@dataclass(frozen=True, slots=True)
class Ways:
    family: Family
    direct: tuple[Way, ...]
    clouds: tuple[Way, ...]
    others: tuple[Way, ...]


def load() -> Families:
    """The families of this installation."""
    text = resources.files("sekisho.providers.market").joinpath("data", "families.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Families)


def route_map(families: Families, catalog: Catalog) -> tuple[Ways, ...]:
    """Each family's ways, those that only the catalogue knows among the others."""
    listed = {row: [offer.model for offer in catalog.offers(row)] for row in catalog.rows}
    return tuple(_ways(family, catalog, listed) for family in families.families)


def _ways(family: Family, catalog: Catalog, listed: dict[str, list[str]]) -> Ways:
    counts = {
        row: sum(re.search(family.match, model) is not None for model in models)
        for row, models in listed.items()
    }
    stated = {*family.direct, *family.clouds, *family.others}

    def way(name: str) -> Way:
        row = catalog.rows.get(name)
        return Way(
            provider=name,
            label=row.label if row else name,
            row=row is not None,
            stated=name in stated,
            models=counts[name] if row and listed[name] else None,
        )

    unstated = (row for row, count in counts.items() if count and row not in stated)
    return Ways(
        family=family,
        direct=tuple(map(way, family.direct)),
        clouds=tuple(map(way, family.clouds)),
        others=tuple(map(way, (*family.others, *unstated))),
    )
