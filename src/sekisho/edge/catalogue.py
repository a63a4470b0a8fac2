"""`GET /api/v1/models`: worked out once for a snapshot, when it is first asked for."""

from collections.abc import Sequence
from hashlib import blake2b, sha256
from xml.sax.saxutils import escape

import msgspec

from sekisho.core.principal import Principal
from sekisho.core.provider import ModelFacts
from sekisho.core.route import Route, Snapshot
from sekisho.edge import listing
from sekisho.edge.pricing import pricing
from sekisho.pipeline.steps.access import may_use
from sekisho.wire import json


class Item(msgspec.Struct, frozen=True, gc=False):
    """A listed model."""

    route: Route
    facts: ModelFacts | None
    shown: bytes
    """As the list has it."""
    outputs: Sequence[str]
    """What comes out of it."""

    @property
    def name(self) -> str:
        return listing.shown_name(self.route, self.facts)

    @property
    def created(self) -> int:
        """Seconds since the epoch; 0: not known."""
        return listing.created_of(self.facts)

    @property
    def context(self) -> int:
        """Tokens; 0: not known."""
        return listing.context_of(self.route, self.facts) or 0

    @property
    def inputs(self) -> Sequence[str]:
        return self.facts.input_modalities if self.facts else listing.TEXT


class Catalogue:
    """Of one snapshot."""

    def __init__(self, snapshot: Snapshot):
        self.snapshot = snapshot
        self._items = [_item(route, snapshot) for route in snapshot.routes.values()]
        # Of all digests, the one that processors have an instruction for: there are megabytes of it.
        self._whole = _joined(self._items)
        self._digest = sha256(self._whole).digest()

    def items(self, principal: Principal) -> Sequence[Item]:
        """Those that this key may use."""
        if principal.allowed_models is None:
            return self._items
        return [item for item in self._items if may_use(principal, item.route)]

    def tag(self, principal: Principal, query: bytes) -> bytes:
        """An ETag for what this key is told to this query: the same in all processes that serve the same."""
        digest = blake2b(self._digest, digest_size=12)
        digest.update(query)
        if principal.allowed_models is not None:
            digest.update("\0".join(sorted(principal.allowed_models)).encode())
        return b'"%b"' % digest.hexdigest().encode()

    def listed(self, items: Sequence[Item], total: int, following: str | None) -> bytes:
        """A page of the list; `following`: the path of the next one."""
        data = self._whole if items == self._items else _joined(items)
        rest = json.encode({"total_count": total, "links": {"next": following}})
        return b'{"data":[%b],%b' % (data, rest[1:])


def _joined(items: Sequence[Item]) -> bytes:
    return b",".join([item.shown for item in items])


def feed(items: Sequence[Item]) -> bytes:
    """The same as RSS 2.0."""
    entries = [
        f"<item><title>{escape(item.name)}</title>"
        f'<guid isPermaLink="false">{escape(item.route.name)}</guid>'
        f"<description>{escape(_summary(item))}</description></item>"
        for item in items
    ]
    head = "<title>Models</title><link>/api/v1/models</link><description>What is served here</description>"
    text = f'<rss version="2.0"><channel>{head}{"".join(entries)}</channel></rss>'
    return b'<?xml version="1.0" encoding="UTF-8"?>' + text.encode()


def _item(route: Route, snapshot: Snapshot) -> Item:
    facts = listing.facts_of(route, snapshot)
    shown = json.encode(listing.marketplace_entry(route, facts))
    return Item(route, facts, shown, facts.output_modalities if facts else listing.TEXT)


def _summary(item: Item) -> str:
    length = f"{item.context} tokens" if item.context else "unknown context"
    price = item.route.targets[0].endpoint.price
    if price is None:
        return f"{item.route.name}, {length}, no known price"
    rates = pricing(price)
    return (
        f"{item.route.name}, {length}, {rates['prompt']} USD in, {rates['completion']} USD out, for a token"
    )
