"""The catalogue: one row per provider, and what each of them is known to serve."""

import datetime as dt
import os
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from sekisho.core.message import Value
from sekisho.core.provider import Auth, AuthScheme, BodyEdit, Budget, DataPolicy, ModelFacts, Probe, Provider
from sekisho.core.secret import Secret
from sekisho.providers import aws, urls
from sekisho.providers.models import kept, store
from sekisho.providers.models.store import Offer
from sekisho.providers.quirks import QUIRKS

__all__ = ["Catalog", "Offer", "Overrides", "Row", "load", "parse", "provider_from", "rows"]


class Row(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A provider as the catalogue knows it. `catalog.toml` explains every member."""

    name: str
    label: str
    dialect: str
    also: tuple[str, ...] = ()
    models_in: dict[str, str] = msgspec.field(default_factory=dict)
    paths: dict[str, str] = msgspec.field(default_factory=dict)
    base_url: str | None = None
    """None: the operator must say where it is. May hold `${VAR}`."""
    env: tuple[str, ...] = ()
    auth: AuthScheme = "bearer"
    auth_header: str = "authorization"
    aws_service: str | None = None
    """For `sigv4`: the service that signatures are for."""
    key_prefix: str = ""
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    docs: str
    checked: dt.date | None = None
    region: str | None = None
    origin: str | None = None
    retention_days: int | None = None
    trains: bool | None = None
    quirks: tuple[str, ...] = ()
    open: bool = False
    slug: str | None = None
    prices: str | None = None
    lists_of: str | None = None
    retired: dt.date | None = None
    """Not to be discovered any more; still there for who names it, so that the reason can be told."""

    @property
    def policy(self) -> DataPolicy:
        return DataPolicy(
            region=self.region,
            origin=self.origin,
            retention_days=self.retention_days,
            trains=self.trains,
        )

    @property
    def variables(self) -> tuple[str, ...]:
        """Environment variables that the address needs beside a key."""
        return urls.variables(self.base_url or "")

    @property
    def needs_region(self) -> bool:
        return self.base_url is not None and aws.PLACE in self.base_url


class Overrides(Value, frozen=True, kw_only=True):
    """What an operator says differently from the row. None: as the row has it."""

    label: str | None = None
    base_url: str | None = None
    api_keys: tuple[str, ...] = ()
    """May hold `${VAR}`. More than one take turns."""
    headers: tuple[tuple[str, str], ...] = ()
    """Added to the row's; the same name replaces."""
    quirks: tuple[str, ...] | None = None
    """Instead of the row's."""
    also: tuple[str, ...] | None = None
    """Instead of the row's."""
    extra_body: tuple[BodyEdit, ...] = ()
    region: str | None = None
    proxy: str | None = None
    ca_file: str | None = None
    budget: Budget | None = None
    probe: Probe | None = None
    policy: DataPolicy = DataPolicy()
    """None in it: as the row has it."""


_AS_IT_IS = Overrides()


class Catalog:
    """Rows, and the models behind them. Models are read from disk when they are asked for, not kept."""

    def __init__(self, rows: Mapping[str, Row], offers: store.OfferFile, facts: store.FactsFile):
        self.rows = rows
        self._offers = offers
        self._facts = facts

    @property
    def priced(self) -> str:
        """Source and day of the prices, for people."""
        return f"{self._offers.source}, {self._offers.date}"

    @property
    def dialects(self) -> tuple[str, ...]:
        """Every dialect that some provider speaks, in alphabetical order."""
        spoken = ((row.dialect, *row.also, *row.models_in.values()) for row in self.rows.values())
        return tuple(sorted({name for names in spoken for name in names}))

    def offers(self, row: str) -> tuple[Offer, ...]:
        """What this provider is known to serve; empty where that cannot be known ahead, or is retired."""
        known = self.rows[row]
        if known.retired is not None:
            return ()
        if known.lists_of is None:
            return self._offers.read(row)
        return tuple(
            msgspec.structs.replace(offer, price=None, past=(), retires=None)
            for offer in self._offers.read(known.lists_of)
        )

    def facts(self, model: str) -> ModelFacts | None:
        """What is known of `author/slug`."""
        return self._facts.read(model)

    def by_slug(self, slug: str) -> tuple[str, ...]:
        """All `author/slug` ids with this slug, in alphabetical order."""
        return self._facts.by_slug(slug)


def load(folder: Path | None = None) -> Catalog:
    """The catalogue of this installation, or the newer one that `folder` keeps. Call once and hand on: it
    opens files."""
    return Catalog(rows(), *kept.opened(folder))


def rows() -> dict[str, Row]:
    """All rows by name. Raises ValueError naming row and member where the file is wrong."""
    text = resources.files("sekisho.providers").joinpath("catalog.toml").read_text("utf-8")
    return parse(text)


def parse(text: str) -> dict[str, Row]:
    """Rows from the catalogue's text; see `rows`."""
    found = {name: _row(name, members) for name, members in tomllib.loads(text).items()}
    taken: dict[str, str] = {}
    for row in found.values():
        for variable in row.env:
            if variable in taken:
                raise _wrong(row.name, "env", f"{variable} already stands in {taken[variable]}")
            taken[variable] = row.name
        if row.lists_of is not None and row.lists_of not in found:
            raise _wrong(row.name, "lists_of", f"there is no row {row.lists_of}")
    return found


def provider_from(
    row: Row,
    name: str,
    overrides: Overrides = _AS_IT_IS,
    environment: Mapping[str, str] = os.environ,
) -> Provider:
    """The provider `name`, like `row` but for `overrides`.

    References in the address are filled in; the key stays a reference until a request is signed. Raises
    ValueError where the address is missing or a variable in it is not set (aws.NoRegion where the region
    is), KeyError for an unknown quirk.
    """
    address = overrides.base_url or row.base_url
    if address is None:
        msg = f"a provider like {row.name} needs a base_url"
        raise ValueError(msg)
    if aws.PLACE in address:
        region = aws.checked_region(aws.find_region(overrides.region, environment))
        address = address.replace(aws.PLACE, region)
    names = row.quirks if overrides.quirks is None else overrides.quirks
    for quirk in names:
        QUIRKS[quirk]
    headers = {key.lower(): value for key, value in (*row.headers.items(), *overrides.headers)}
    return Provider(
        name=name,
        row=row.name,
        label=overrides.label or row.label,
        dialect=row.dialect,
        also=row.also if overrides.also is None else overrides.also,
        models_in=row.models_in,
        paths=row.paths,
        base_url=urls.resolve(address, environment).rstrip("/"),
        auth=_auth(row, overrides, environment),
        headers=tuple(headers.items()),
        quirks=names,
        extra_body=overrides.extra_body,
        policy=_policy(row, overrides),
        slug=row.slug,
        proxy=overrides.proxy,
        ca_file=overrides.ca_file,
        budget=overrides.budget,
        probe=overrides.probe,
    )


def _policy(row: Row, overrides: Overrides) -> DataPolicy:
    said = {**msgspec.structs.asdict(overrides.policy), "region": overrides.region}
    return msgspec.structs.replace(
        row.policy, **{name: each for name, each in said.items() if each is not None}
    )


def _auth(row: Row, overrides: Overrides, environment: Mapping[str, str]) -> Auth:
    keys = overrides.api_keys
    held = next((name for name in row.env if environment.get(name)), None)
    if not keys and row.aws_service is not None and held is None:
        region = aws.find_region(overrides.region, environment)
        return Auth(scheme="sigv4", aws=aws.signing(region, row.aws_service, environment))
    if not keys and row.env:
        keys = (f"${{{held or row.env[0]}}}",)
    if not keys:
        return Auth(scheme="none")
    scheme: AuthScheme = "bearer" if row.auth in ("none", "sigv4") else row.auth
    first, *further = (Secret(row.key_prefix + key) for key in keys)
    return Auth(scheme=scheme, secret=first, header=row.auth_header, further=tuple(further))


def _row(name: str, members: dict[str, Any]) -> Row:
    try:
        row = msgspec.convert({"name": name, **members}, Row)
    except msgspec.ValidationError as error:
        msg = f"catalogue row {name}: {error}"
        raise ValueError(msg) from None
    for quirk in row.quirks:
        if quirk not in QUIRKS:
            raise _wrong(name, "quirks", f"there is no quirk {quirk}")
    if row.base_url is not None and not row.base_url.startswith(("https://", "http://")):
        raise _wrong(name, "base_url", "must start with https:// or http://")
    if row.base_url is not None and row.base_url.endswith("/"):
        raise _wrong(name, "base_url", "must not end with a slash")
    if row.auth == "header" and row.auth_header == "authorization":
        raise _wrong(name, "auth_header", "is missing")
    if (row.auth == "sigv4") != (row.aws_service is not None):
        raise _wrong(name, "aws_service", "belongs to auth sigv4, and to nothing else")
    return row


def _wrong(row: str, member: str, reason: str) -> ValueError:
    return ValueError(f"catalogue row {row}: {member}: {reason}")
