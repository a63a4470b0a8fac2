"""Everything about an endpoint that does not change from call to call, worked out once per snapshot."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sekisho.core.contract import Dialect, Headers, Members, Named, TargetFacts
from sekisho.core.error import UpstreamError
from sekisho.core.operation import RETRIEVAL, Operation
from sekisho.core.provider import Endpoint, Provider
from sekisho.core.route import Snapshot
from sekisho.providers import quirks
from sekisho.providers.quirks import Quirks
from sekisho.routing.provider_words import provider_words
from sekisho.upstream.auth import Signer, signers
from sekisho.upstream.head import CONTENT_TYPE, build_head
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
    signers: tuple[Signer, ...]
    """One for each of the provider's keys."""
    defaults: dict[bytes, bytes]
    """Name -> line of headers that the row sets, but that a client of the dialect may set for itself."""
    default_lines: bytes = field(init=False)
    """All of `defaults`."""
    adapts: bool = field(init=False)
    """Requests that reach it are changed by its quirks, or by what its document says of bodies."""
    _paths: dict[tuple[Operation, bool], str | None] = field(default_factory=dict)
    _heads: dict[tuple[str, int], tuple[list[tuple[str, str]] | None, bytes]] = field(default_factory=dict)
    """By path and key, with what the signer added; None: it adds the same to every request."""

    def __post_init__(self) -> None:
        self.default_lines = b"".join(self.defaults.values())
        self.adapts = self.quirks.applies or bool(self.endpoint.extra_body)

    def adapt(self, members: Members) -> tuple[str, ...]:
        """Apply the endpoint's quirks to a request; returns the knobs that it lost by that."""
        dropped = sorted(self.quirks.drops & members.keys())
        self.quirks.apply(members)
        return tuple(dropped)

    def path(self, operation: Operation, *, stream: bool) -> str | None:
        """Where the provider serves it; None: nowhere."""
        try:
            return self._paths[operation, stream]
        except KeyError:
            found = self._paths[operation, stream] = self._find(operation, stream=stream)
            return found

    def _find(self, operation: Operation, *, stream: bool) -> str | None:
        elsewhere = self.endpoint.provider.paths.get(operation)
        if elsewhere is not None:
            return elsewhere
        if operation in RETRIEVAL and operation not in self.dialect.retrieval:
            return None
        below = self.dialect.upstream_path(operation, self.facts.model, stream)
        return None if below is None else self.path_prefix + below

    def head(self, path: str, body: bytes, key: int = 0) -> bytes:
        """Request line and headers, signed with that key; open for more header lines. Raises
        ProviderAuthFailed."""
        known = self._heads.get((path, key))
        if known is not None and known[0] is None:
            return known[1]
        signer = self.signers[key]
        signed = signer.headers()
        if known is None or known[0] != signed:
            head = build_head(
                "POST",
                path,
                self.origin,
                [CONTENT_TYPE, *self._fixed_headers(), *signed],
            )
            known = self._heads[path, key] = (None if signer.constant else signed, head)
        return known[1] + signer.sign("POST", self.origin.authority, path, body)

    def follow_up_head(self, method: str, path: str, body: bytes) -> bytes:
        """The same for a path that is asked for once. `path` is below the base URL, with its query. Of
        several keys the first asks."""
        path, signer = self.path_prefix + path, self.signers[0]
        described = [CONTENT_TYPE] if body else []
        headers = [*described, *self._fixed_headers(), *signer.headers()]
        signed = signer.sign(method, self.origin.authority, path, body)
        return build_head(method, path, self.origin, headers) + signed

    def forwarded(self, headers: Headers, named: Named) -> bytes:
        """Header lines of the client that a provider of the same dialect should see. A spliced request is
        in the version that its client speaks, so that these stand in for the row's own."""
        allowed = self.dialect.forward_headers
        if allowed.isdisjoint(named):
            return self.default_lines
        sent = [header for header in headers if header[0] in allowed]
        said = {name for name, _ in sent}
        lines = [b"%b: %b\r\n" % header for header in sent]
        return b"".join(lines + [line for name, line in self.defaults.items() if name not in said])

    def _fixed_headers(self) -> list[tuple[str, str]]:
        headers = self.endpoint.provider.headers
        return [header for header in headers if header[0].encode("latin-1") not in self.defaults]


class Plane:
    """A snapshot and what was prepared for it. Swapped as one, so that no call sees a mixture."""

    def __init__(
        self,
        snapshot: Snapshot,
        dialects: Mapping[str, Dialect],
        environment: Mapping[str, str],
        now: Callable[[], float] = time.time,
    ):
        """`now`: seconds since the epoch, for signatures that say when they were made."""
        self.snapshot = snapshot
        self._now = now
        self._dialects = dialects
        self._environment = environment
        self._prepared: dict[tuple[str, str], Prepared] = {}
        self._provider_words: Mapping[str, tuple[str, ...]] | None = None

    @property
    def provider_words(self) -> Mapping[str, tuple[str, ...]]:
        """See `routing.provider_words`. Worked out when it is first asked for."""
        if self._provider_words is None:
            self._provider_words = provider_words(self.snapshot.providers.values())
        return self._provider_words

    def prepared(self, endpoint: Endpoint, client_dialect: str) -> Prepared:
        """The endpoint made ready, in the client's own dialect where its provider speaks that. Raises
        UpstreamError where its address or proxy is of no use."""
        key = (endpoint.id, client_dialect)
        found = self._prepared.get(key)
        if found is None:
            if len(self._prepared) >= PREPARED_MOST:
                self._prepared.clear()
            name = endpoint.dialect_for(client_dialect)
            found = self._prepared[key] = self._prepare(endpoint, self._dialects[name])
        return found

    def _prepare(self, endpoint: Endpoint, dialect: Dialect) -> Prepared:
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
        resolved = quirks.resolve(endpoint.quirks, dialect.name)
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
            signers=signers(provider.auth, self._now),
            defaults=_defaults(provider, dialect),
        )


def _defaults(provider: Provider, dialect: Dialect) -> dict[bytes, bytes]:
    encoded = ((name.encode("latin-1"), value.encode("latin-1")) for name, value in provider.headers)
    return {name: b"%b: %b\r\n" % (name, value) for name, value in encoded if name in dialect.forward_headers}
