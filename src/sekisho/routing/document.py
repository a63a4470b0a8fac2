"""The configuration document: read and checked on its own, before anything is known of providers.

`read` is pure and reports every problem at once. What depends on the catalogue or the environment
(unknown providers and targets, unset variables) is `compile`'s.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, get_args

from sekisho.core.money import Price, Rates
from sekisho.core.preference import NONE, QUANTIZATIONS, SELECTORS, Preferences, Selector
from sekisho.core.provider import BodyEdit, Budget, DataPolicy, Probe
from sekisho.core.route import Hedge, OnLoss, OnRefusal, PromptCache, Rescue, RetryPolicy, Timeouts
from sekisho.routing import node, values
from sekisho.routing.alerts_entry import AlertsEntry, alerts
from sekisho.routing.auto_entry import AutoEntry, auto
from sekisho.routing.budget_entry import budget
from sekisho.routing.extra_body import extra_body
from sekisho.routing.node import Node, Scalar
from sekisho.routing.prefer_entry import preferences
from sekisho.routing.probe_entry import probe
from sekisho.routing.problem import Level, Path, Problem, Wrong
from sekisho.routing.reader import Fields, Places, Reader, list_of, scalar
from sekisho.routing.status_entry import StatusEntry, status


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """`providers.<name>.models.<name>`."""

    name: str
    """As written: `author/slug`, or bare."""
    upstream: str | None = None
    price: Price | None = None
    context_length: int | None = None
    max_output: int | None = None
    quirks: tuple[str, ...] | None = None
    quantization: str | None = None
    extra_body: tuple[BodyEdit, ...] = ()


@dataclass(frozen=True, slots=True)
class ProviderEntry:
    """`providers.<name>`. None everywhere: the catalogue's own value."""

    name: str
    like: str | None = None
    also: tuple[str, ...] | None = None
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    """May hold `${VAR}`. More than one take turns."""
    base_url: str | None = None
    """May hold `${VAR}`."""
    region: str | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Values may hold `${VAR}`."""
    proxy: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    models: tuple[ModelEntry, ...] = ()
    timeouts: Timeouts | None = None
    extra_body: tuple[BodyEdit, ...] = ()
    budget: Budget | None = None
    probe: Probe | None = None
    policy: DataPolicy = DataPolicy()
    """None in it: as the catalogue has it. Its region is said by `region`."""


@dataclass(frozen=True, slots=True)
class TargetEntry:
    """One item of a virtual model's `targets`."""

    model: str
    provider: str | None = None
    weight: float = 1.0
    quality: float | None = None
    extra_body: tuple[BodyEdit, ...] = ()


@dataclass(frozen=True, slots=True)
class VirtualEntry:
    """`models.<name>`."""

    name: str
    targets: tuple[TargetEntry, ...]
    select: Selector = "ordered"
    prefer: Preferences = NONE
    timeouts: Timeouts = Timeouts()
    retry: RetryPolicy = RetryPolicy()
    on_loss: OnLoss = "refuse"
    on_refusal: OnRefusal = "stop"
    prompt_cache: PromptCache = "pass"
    rescue: Rescue = "continue"
    hedge: Hedge | None = None
    coalesce: bool = False
    degrade: str | None = None


@dataclass(frozen=True, slots=True)
class ServerEntry:
    """`server`. None: the edge's own default."""

    cors: tuple[str, ...] = ()
    """Allowed origins; `*` for any; empty: no CORS."""
    body_limit: int | None = None
    """Bytes."""
    header_timeout: float | None = None
    """Seconds."""
    body_timeout: float | None = None
    """Seconds."""
    comments: float | None = None
    """Seconds of silence; 0: none are sent."""


@dataclass(frozen=True, slots=True)
class RecordsEntry:
    """`records`."""

    keep: float | None = None
    """Seconds for which calls are kept; None: for ever."""
    scores: bool = False
    """Calls that name their model are scored as well, so that a threshold can be calibrated on them."""


@dataclass(frozen=True, slots=True)
class Document:
    source: str
    """The file's name, as problems show it."""
    providers: tuple[ProviderEntry, ...] = ()
    models: tuple[VirtualEntry, ...] = ()
    autos: tuple[AutoEntry, ...] = ()
    """`auto`, and those under `models`."""
    server: ServerEntry = ServerEntry()
    records: RecordsEntry = RecordsEntry()
    alerts: AlertsEntry = field(default_factory=AlertsEntry)
    status: StatusEntry = field(default_factory=StatusEntry)
    revision: str = ""
    """Digest of the text."""
    places: Places = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    """What is wrong with it; the entries concerned are left out or incomplete."""

    def problem(self, path: Path, message: str, level: Level = "error") -> Problem:
        """A problem at `path`, or at its nearest ancestor that the text has."""
        known = path
        while known and known not in self.places:
            known = known[:-1]
        line, column = self.places.get(known, (1, 1))
        return Problem(self.source, line, column, ".".join(path), message, level)


def read(text: bytes, source: str) -> Document:
    """The document in `text`, with every problem that needs no catalogue to see: `compile_document` adds
    those that do, and raises them all. Raises DocumentError where the text is no YAML.

    `source` names the file in messages. A document without any content is valid: it has no providers.
    """
    root = node.parse(text, source)
    reader = Reader(source)
    sections = reader.read(_document, root, ()) if root is not None else {}
    return Document(
        source=source,
        revision=sha256(text).hexdigest()[:12],
        places=reader.places,
        problems=tuple(reader.problems),
        **(sections or {}),
    )


def _document(reader: Reader, at: Node, path: Path) -> dict[str, Any]:
    sections = reader.record(at, path, SECTIONS)
    entries = (*sections.pop("models", ()), sections.pop("auto", None))
    sections["autos"] = tuple(entry for entry in entries if isinstance(entry, AutoEntry))
    sections["models"] = tuple(entry for entry in entries if isinstance(entry, VirtualEntry))
    return sections


def _providers(reader: Reader, at: Node, path: Path) -> tuple[ProviderEntry, ...]:
    return reader.named(at, path, values.provider_name, _provider)


def _provider(reader: Reader, at: Node, path: Path) -> ProviderEntry:
    members = reader.record(at, path, PROVIDER)
    return ProviderEntry(name=path[-1], api_keys=members.pop("api_key", ()), **members)


def _keys(reader: Reader, at: Node, path: Path) -> tuple[str, ...]:
    if isinstance(at, node.Sequence):
        if not at.items:
            raise Wrong("is empty; name a key, or leave it out")
        keys: tuple[str, ...] = list_of(scalar(values.templated))(reader, at, path)
        if len(set(keys)) < len(keys):
            raise Wrong("names the same key twice")
        return keys
    return (scalar(values.templated)(reader, at, path),)


def _headers(reader: Reader, at: Node, path: Path) -> tuple[tuple[str, str], ...]:
    def pair(reader: Reader, at: Node, path: Path) -> tuple[str, str]:
        return path[-1].lower(), scalar(values.header_value)(reader, at, path)

    return reader.named(at, path, values.header_name, pair)


def _served(reader: Reader, at: Node, path: Path) -> tuple[ModelEntry, ...]:
    def model(reader: Reader, at: Node, path: Path) -> ModelEntry:
        return ModelEntry(name=path[-1], **reader.record(at, path, SERVED))

    return reader.named(at, path, values.served_name, model)


def _price(reader: Reader, at: Node, path: Path) -> Price | None:
    rates = reader.record(at, path, PRICE)
    if not isinstance(at, node.Mapping):
        raise Wrong("is empty; give `input` and `output`, or leave `price` out")
    written = {key.text for key, _ in at.entries if isinstance(key, Scalar)}
    missing = [key for key in ("input", "output") if key not in written]
    if missing:
        raise Wrong(f"needs `{'` and `'.join(missing)}` too (USD per million tokens; 0 where it is free)")
    if "input" not in rates or "output" not in rates:
        return None
    return Price(base=Rates(**rates), source="configuration")


def _virtuals(reader: Reader, at: Node, path: Path) -> tuple[VirtualEntry | AutoEntry, ...]:
    return reader.named(at, path, values.model_name, _virtual)


def _virtual(reader: Reader, at: Node, path: Path) -> VirtualEntry | AutoEntry | None:
    members = reader.record(at, path, VIRTUAL)
    if (*path, "auto") in reader.places:
        if members.keys() - {"auto"}:
            raise Wrong("`auto` stands alone: say what else is to hold of the models that it leads to")
        return members.get("auto")
    if "targets" not in members:
        if (*path, "targets") not in reader.places:
            raise Wrong("needs `targets`: the models it stands for, best first")
        return None
    return VirtualEntry(name=path[-1], **members)


def _targets(reader: Reader, at: Node, path: Path) -> tuple[TargetEntry, ...]:
    if isinstance(at, node.Sequence) and not at.items:
        raise Wrong("is empty; name at least one model")
    return list_of(_target)(reader, at, path)


def _target(reader: Reader, at: Node, path: Path) -> TargetEntry | None:
    if isinstance(at, Scalar):
        return TargetEntry(model=values.model_text(at))
    if not isinstance(at, node.Mapping):
        raise Wrong(f"must be a model's name or a map with `model`, but is {at.kind}")
    members = reader.record(at, path, TARGET)
    if "model" not in members:
        if (*path, "model") not in reader.places:
            raise Wrong("needs `model`")
        return None
    return TargetEntry(**members)


def _timeouts(reader: Reader, at: Node, path: Path) -> Timeouts:
    return Timeouts(**reader.record(at, path, TIMEOUTS))


def _policy(reader: Reader, at: Node, path: Path) -> DataPolicy:
    return DataPolicy(**reader.record(at, path, POLICY))


def _retry(reader: Reader, at: Node, path: Path) -> RetryPolicy:
    return RetryPolicy(**reader.record(at, path, RETRY))


def _hedge(_: Reader, at: Node, __: Path) -> Hedge | None:
    if isinstance(at, Scalar) and at.kind == "a boolean":
        return Hedge() if values.boolean(at) else None
    if not isinstance(at, Scalar) or at.kind == "nothing":
        raise Wrong(f"must be true, false or a duration like 2s, but is {at.kind}")
    try:
        return Hedge(after=values.duration(at))
    except Wrong as error:
        raise Wrong(f"{error}; or say true") from None


def _comments(_: Reader, at: Node, __: Path) -> float:
    if isinstance(at, Scalar) and at.text == "false":
        return 0.0
    if not isinstance(at, Scalar) or at.kind == "nothing":
        raise Wrong(f"must be false or a duration like 15s, but is {at.kind}")
    return values.duration(at)


def _server(reader: Reader, at: Node, path: Path) -> ServerEntry:
    return ServerEntry(**reader.record(at, path, SERVER))


def _records(reader: Reader, at: Node, path: Path) -> RecordsEntry:
    return RecordsEntry(**reader.record(at, path, RECORDS))


_duration = scalar(values.duration)
_tokens = scalar(values.whole(1, 1_000_000_000))
_rate = scalar(values.rate)

TIMEOUTS: Fields = dict.fromkeys(("connect", "first_token", "idle", "total"), _duration)
RETRY: Fields = {"attempts": scalar(values.whole(1, 10))}
PRICE: Fields = {
    **dict.fromkeys(("input", "output", "cache_read", "cache_write", "cache_write_1h"), _rate),
    **dict.fromkeys(("input_audio", "output_audio"), _rate),
    "request": scalar(values.per_request),
}
SERVED: Fields = {
    "upstream": scalar(values.text),
    "price": _price,
    "context_length": _tokens,
    "max_output": _tokens,
    "quirks": list_of(scalar(values.text)),
    "quantization": scalar(values.one_of(*QUANTIZATIONS)),
    "extra_body": extra_body,
}
POLICY: Fields = {
    "origin": scalar(values.country),
    "retention_days": scalar(values.whole(0, 36_500)),
    "trains": scalar(values.boolean),
}
PROVIDER: Fields = {
    "like": scalar(values.text),
    "also": list_of(scalar(values.text)),
    "api_key": _keys,
    "base_url": scalar(values.base_url),
    "region": scalar(values.region),
    "headers": _headers,
    "proxy": scalar(values.proxy),
    "ca_file": scalar(values.text),
    "models": _served,
    "timeouts": _timeouts,
    "extra_body": extra_body,
    "budget": budget,
    "probe": probe,
    "policy": _policy,
}
TARGET: Fields = {
    "model": scalar(values.model_text),
    "provider": scalar(values.text),
    "weight": scalar(values.weight),
    "quality": scalar(values.positive("points")),
    "extra_body": extra_body,
}
VIRTUAL: Fields = {
    "auto": auto,
    "targets": _targets,
    "select": scalar(values.one_of(*SELECTORS)),
    "prefer": preferences,
    "timeouts": _timeouts,
    "retry": _retry,
    "on_loss": scalar(values.one_of(*get_args(OnLoss))),
    "on_refusal": scalar(values.one_of(*get_args(OnRefusal))),
    "prompt_cache": scalar(values.one_of(*get_args(PromptCache))),
    "rescue": scalar(values.one_of(*get_args(Rescue))),
    "hedge": _hedge,
    "coalesce": scalar(values.boolean),
    "degrade": scalar(values.model_text),
}
SERVER: Fields = {
    "cors": list_of(scalar(values.origin)),
    "body_limit": scalar(values.size),
    "header_timeout": _duration,
    "body_timeout": _duration,
    "comments": _comments,
}
RECORDS: Fields = {"keep": scalar(values.days), "scores": scalar(values.boolean)}
SECTIONS: Mapping[str, Any] = {
    "providers": _providers,
    "models": _virtuals,
    "auto": auto,
    "server": _server,
    "records": _records,
    "alerts": alerts,
    "status": status,
}
