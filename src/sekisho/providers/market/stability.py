"""What providers' public status pages showed in one window of time, as the package ships it."""

import tomllib
from importlib import resources

import msgspec

from sekisho.core.message import Value


class Observed(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """None: not published, or not to be read."""

    provider: str
    """A catalogue row, or a name for people."""
    source: str
    incidents: int | None = None
    api: int | None = None
    """Of them about the API."""
    severe: int | None = None
    """Of those major or critical."""
    uptime: str | None = None
    """As the page says."""
    sla: str | None = None
    """Address of the agreement."""
    note: str = ""
    note_ja: str = ""


class Stability(Value, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"since": "from"}):
    since: str
    to: str
    """The last day of the window."""
    observed: tuple[Observed, ...]


def load() -> Stability:
    """The observations of this installation."""
    text = resources.files("sekisho.providers.market").joinpath("data", "stability.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Stability)
