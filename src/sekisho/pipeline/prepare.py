"""Everything about an endpoint that does not change from call to call, worked out once per snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sekisho.core.contract import Dialect, Headers, Members, TargetFacts
from sekisho.core.error import UpstreamError
from sekisho.core.operation import Operation
from sekisho.core.provider import Endpoint, Provider
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
    defaults: dict[bytes, bytes]
    """Name -> line of headers that the row sets, but that a client of the dialect may set for itself."""
    default_lines: bytes = field(init=False)
    """All of `defaults`."""
    _heads: dict[Operation, tuple[list[tuple[str, str]], bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.default_lines = b"".join(self.defaults.values())

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
            [("content-type", "application/json"), *self._fixed_headers(), *signed],
        )
        self._heads[operation] = (signed, head)
        return head

    def forwarded(self, headers: Headers) -> bytes:
        """Header lines of the client that a provider of the same dialect should see. A spliced request is
        in the version that its client speaks, so that these stand in for the row's own."""
        allowed = self.dialect.forward_headers
        sent = [header for header in headers if header[0] in allowed]
        if not sent:
            return self.default_lines
        said = {name for name, _ in sent}
        lines = [b"%b: %b\r\n" % header for header in sent]
        return b"".join(lines + [line for name, line in self.defaults.items() if name not in said])

    def _fixed_headers(self) -> list[tuple[str, str]]:
        headers = self.endpoint.provider.headers
        return [header for header in headers if header[0].encode("latin-1") not in self.defaults]


class Plane:
    """A snapshot and what was prepared for it. Swapped as one, so that no call sees a mixture."""

    def __init__(self, snapshot: Snapshot, dialects: Mapping[str, Dialect], environment: Mapping[str, str]):
        self.snapshot = snapshot
        self._dialects = dialects
        self._environment = environment
        self._prepared: dict[str, Prepared] = {}
        self._unary: dict[str, Timeouts] = {}

    def prepared(self, endpoint: Endpoint) -> Prepared:
        """The endpoint made ready. Raises UpstreamError where its address or proxy is of no use."""
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
        try:
            origin, prefix = origin_of(
                provider.base_url,
                proxy=provider.proxy,
                ca_file=provider.ca_file,
                environment=self._environment,
            )
        except ValueError as error:  # a proxy that only the environment names is checked by nobody before
            raise UpstreamError(f"the provider cannot be called: {error}") from None
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
            defaults=_defaults(provider, dialect),
        )


def _defaults(provider: Provider, dialect: Dialect) -> dict[bytes, bytes]:
    encoded = ((name.encode("latin-1"), value.encode("latin-1")) for name, value in provider.headers)
    return {name: b"%b: %b\r\n" % (name, value) for name, value in encoded if name in dialect.forward_headers}
