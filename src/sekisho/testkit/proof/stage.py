"""What a proof is served with: models of its own with exact prices, beside a route of the configuration."""

from collections.abc import Mapping
from dataclasses import replace

from sekisho.core.route import Route, Snapshot
from sekisho.testkit.chaos import stage

CENT, TENTH, FREE, DEAR = "proof/cent", "proof/tenth", "proof/free", "proof/dear"
PAIR, HEDGED = "proof-pair", "proof-hedged"
DOCUMENT = """
providers:
  proof:
    like: openai-compatible
    base_url: http://127.0.0.1:9/v1
    api_key: none
    models:
      proof/cent: {upstream: cent, price: &cent {input: 0, output: 0, request: 0.01}}
      proof/free: {upstream: free, price: {input: 0, output: 0}}
      proof/dear: {upstream: dear, price: {input: 0, output: 0, request: 100}}
  proof-a:
    like: openai-compatible
    base_url: http://127.0.0.1:9/v1
    api_key: none
    models:
      proof/pair: {upstream: pair, price: *cent}
      proof/tenth: {upstream: tenth, price: {input: 0, output: 0, request: 0.001}}
  proof-b:
    like: anthropic-compatible
    base_url: http://127.0.0.1:9/v1
    api_key: none
    models: {proof/pair: {upstream: claude-haiku-4-5, price: *cent}}
models:
  proof-pair: {targets: [{model: proof/pair, provider: proof-a}, {model: proof/pair, provider: proof-b}]}
  proof-hedged:
    targets: [{model: proof/pair, provider: proof-a}, {model: proof/pair, provider: proof-b}]
    hedge: 100ms
"""
"""Every call costs a cent, a tenth of one, or nothing; so that what it costs is known even of an answer that
nobody heard the end of. One model is too dear for every budget: asking for it tells what one has left."""


def staged(own: Snapshot, route: Route | None, addresses: Mapping[str, str], *, fast: bool) -> Snapshot:
    """The proof's own snapshot with a route of the configuration, all at these addresses, by provider.

    The proof's own routes have short limits of time; the other one too if it is to be fast.
    """
    routes = {
        each.name: _moved(replace(each, timeouts=stage.FAST), addresses) for each in own.routes.values()
    }
    if route is not None:
        timeouts = stage.FAST if fast else route.timeouts
        routes[route.name] = _moved(replace(route, timeouts=timeouts), addresses)
    serving = (target.endpoint.provider for each in routes.values() for target in each.targets)
    return Snapshot(routes=routes, providers={each.name: each for each in serving}, revision=own.revision)


def _moved(route: Route, addresses: Mapping[str, str]) -> Route:
    targets = []
    for target in route.targets:
        provider = target.endpoint.provider
        url = addresses[provider.name] + stage.PREFIXES.get(provider.dialect, "/v1")
        # What a provider may cost, and how it is watched, are no matter of keys' limits.
        moved = replace(stage.copied(provider, provider.name, url), budget=None, probe=None)
        targets.append(replace(target, endpoint=replace(target.endpoint, provider=moved)))
    return replace(route, targets=tuple(targets))


def is_own(name: str) -> bool:
    """Whether the route of this name is the proof's."""
    return name.startswith(("proof/", "proof-"))
