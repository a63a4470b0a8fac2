"""What needs a restart: the `SEKISHO_*` environment. Everything else is in the configuration document."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MOST_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Settings:
    data_dir: Path
    """Journal and, unless `database_url` says otherwise, the database. Made where it does not exist."""
    database_url: str
    """A SQLAlchemy URL."""
    admin_key: str | None = None
    """Accepted beside the stored keys; for machines that provision themselves."""
    sigv4_secret: str | None = None
    """What secrets to sign AWS requests with are derived from. None: a file in `data_dir`, made once."""
    state_url: str | None = None
    """Of the Valkey or Redis that processes share. None: every process is for itself."""

    @property
    def catalog_dir(self) -> Path:
        """Newer editions of the catalogue and the operator's scores, where there are any."""
        return self.data_dir / "catalog"

    @property
    def status_dir(self) -> Path:
        """What providers' status pages said."""
        return self.data_dir / "status"


@dataclass(frozen=True, slots=True)
class Drain:
    """How a process that is told to stop goes. Seconds."""

    delay: float = 0.0
    """In which `/readyz` says no and calls are still taken: for balancers to notice."""
    limit: float = 30.0
    """For calls under way to end, after the listener was closed. What is left is cut off, and booked."""


class SettingsError(Exception):
    """A variable of the environment that says what cannot be understood."""


def load(environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from the environment; nothing is created."""
    configured = environment.get("SEKISHO_DATA_DIR")
    data_dir = Path(configured) if configured else _default_data_dir(environment)
    return Settings(
        data_dir=data_dir,
        database_url=environment.get("SEKISHO_DATABASE_URL") or f"sqlite:///{data_dir / 'sekisho.db'}",
        admin_key=environment.get("SEKISHO_ADMIN_KEY") or None,
        sigv4_secret=environment.get("SEKISHO_SIGV4_SECRET") or None,
        state_url=environment.get("SEKISHO_STATE_URL") or None,
    )


def drain(environment: Mapping[str, str] = os.environ) -> Drain:
    """Raises SettingsError."""
    default = Drain()
    return Drain(
        delay=_seconds(environment, "SEKISHO_DRAIN_DELAY", default.delay),
        limit=_seconds(environment, "SEKISHO_DRAIN_LIMIT", default.limit),
    )


def _seconds(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name)
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or int(text) > MOST_SECONDS:
        raise SettingsError(f"{name} must be a whole number of seconds from 0 to {MOST_SECONDS}")
    return float(text)


def _default_data_dir(environment: Mapping[str, str]) -> Path:
    base = environment.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "sekisho"
