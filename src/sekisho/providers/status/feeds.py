"""Which providers' status pages can be read, and how."""

import datetime as dt
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal

import msgspec

from sekisho.core.message import Value

Format = Literal["statuspage", "google", "datadog"]


class Feed(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One status page. `feeds.toml` explains every member."""

    name: str
    """A catalogue row, or a name for people."""
    label: str
    rows: tuple[str, ...]
    format: Format
    url: str
    hosts: tuple[str, ...]
    api: str
    titles: str

    def concerns_api(self, title: str, components: Iterable[str]) -> bool:
        """Whether an incident is one of the API: by its components, or by its title where it names none."""
        named = tuple(components)
        pattern, texts = (self.api, named) if named else (self.titles, (title,))
        return any(re.search(pattern, text, re.IGNORECASE) for text in texts)


@dataclass(frozen=True, slots=True)
class Feeds:
    checked: dt.date
    """The day on which these were compared with the pages."""
    feeds: Mapping[str, Feed]

    def of_host(self, host: str) -> Feed | None:
        """Whose page that is."""
        return next((feed for feed in self.feeds.values() if host in feed.hosts), None)

    def of_format(self, name: Format) -> Feed | None:
        """The first of this format."""
        return next((feed for feed in self.feeds.values() if feed.format == name), None)

    def of_rows(self, rows: Iterable[str]) -> tuple[Feed, ...]:
        """Those that are about calls of these catalogue rows."""
        asked = frozenset(rows)
        return tuple(feed for feed in self.feeds.values() if asked.intersection(feed.rows))


def load() -> Feeds:
    """The pages that this installation knows."""
    text = resources.files("sekisho.providers.status").joinpath("feeds.toml").read_text("utf-8")
    members: dict[str, Any] = tomllib.loads(text)
    checked = members.pop("checked")
    return Feeds(
        checked, {name: msgspec.convert({"name": name, **each}, Feed) for name, each in members.items()}
    )
