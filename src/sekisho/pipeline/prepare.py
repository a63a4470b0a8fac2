"""Everything about an endpoint that does not change from call to call, worked out once per snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sekisho.core.contract import Dialect, Headers, Members, TargetFacts
from sekisho.core.operation import Operation
from sekisho.core.provider import Endpoint
from sekisho.core.route import Route, Snapshot, Timeouts
from sekisho.providers import quirks
from sekisho.providers.quirks import Quirks
from sekisho.upstream.auth import Signer, signer
from sekisho.upstream.head import build_head
from sekisho.upstream.origin import Origin, origin_of

PREPARED_MOST = 10_000
"""Providers that take any model name let clients invent endpoints; memory stays bounded all the same."""


@dataclass(slots=True)
class Prepared:
    """One endpoint, ready to be called."""

    endpoint: Endpoint
    dialect: Dialect
    origin: Origin
    path_prefix: str
    facts: TargetFacts
    quirks: Quirks
    signer: Signer
    forward_headers: frozenset[bytes]
    """The dialect's, but for those that the provider's row sets itself."""
    _heads: dict[Operation, tuple[list[tuple[str, str]], bytes]] = field(default_factory=dict)

    def adapt(self, members: Members) -> tuple[str, ...]:
        """Apply the endpoint's quirks to a request; returns the knobs that it lost by that."""
        dropped = sorted(self.quirks.drops & members.keys())
        self.quirks.apply(members)
        return tuple(dropped)

    def head(self, operation: Operation) -> bytes:
        """Request line and headers, signed; open for more header lines. Raises ProviderAuthFailed."""
        signed = self.signer.headers()
        known = self._heads.get(operation)
        if known is not None and known[0] == signed:
            return known[1]
        head = build_head(
            "POST",
            self.path_prefix + self.dialect.upstream_paths[operation],
            self.origin,
            [("content-type", "application/json"), *self.endpoint.provider.headers, *signed],
        )
        self._heads[operation] = (signed, head)
        return head

    def forwarded(self, headers: Headers) -> bytes:
        """Header lines of the client that a provider of the same dialect should see."""
        allowed = self.forward_headers
        lines = [b"%b: %b\r\n" % (name, value) for name, value in headers if name in allowed]
        return b"".join(lines)


class Plane:
    """A snapshot and what was prepared for it. Swapped as one, so that no call sees a mixture."""

    def __init__(self, snapshot: Snapshot, dialects: Mapping[str, Dialect], environment: Mapping[str, str]):
        self.snapshot = snapshot
        self._dialects = dialects
        self._environment = environment
        self._prepared: dict[str, Prepared] = {}
        self._unary: dict[str, Timeouts] = {}

    def prepared(self, endpoint: Endpoint) -> Prepared:
        """The endpoint made ready."""
        found = self._prepared.get(endpoint.id)
        if found is None:
            if len(self._prepared) >= PREPARED_MOST:
                self._prepared.clear()
                self._unary.clear()
            found = self._prepared[endpoint.id] = self._prepare(endpoint)
        return found

    def timeouts(self, route: Route, *, stream: bool) -> Timeouts:
        """The route's limits; a unary answer is one piece, so only connect and total bind it."""
        if stream:
            return route.timeouts
        found = self._unary.get(route.name)
        if found is None:
            total = route.timeouts.total
            found = Timeouts(connect=route.timeouts.connect, first_token=total, idle=total, total=total)
            self._unary[route.name] = found
        return found

    def _prepare(self, endpoint: Endpoint) -> Prepared:
        provider = endpoint.provider
        origin, prefix = origin_of(
            provider.base_url, proxy=provider.proxy, ca_file=provider.ca_file, environment=self._environment
        )
        dialect = self._dialects[provider.dialect]
        resolved = quirks.resolve(endpoint.quirks)
        return Prepared(
            endpoint=endpoint,
            dialect=dialect,
            origin=origin,
            path_prefix=prefix,
            facts=TargetFacts(
                model=endpoint.upstream_model,
                max_output=endpoint.max_output,
                count_stream_usage=resolved.count_stream_usage,
                extensions=resolved.extensions,
            ),
            quirks=resolved,
            signer=signer(provider.auth),
            forward_headers=dialect.forward_headers
            - {name.lower().encode("latin-1") for name, _ in provider.headers},
        )
