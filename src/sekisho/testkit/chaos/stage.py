"""A configuration as it is, but for its providers: they are the wall's."""

from collections.abc import Mapping
from dataclasses import replace

from msgspec import structs

from sekisho.core.preference import NONE, Preferences
from sekisho.core.provider import Auth, AwsSigning, Provider
from sekisho.core.route import Route, Snapshot, Timeouts
from sekisho.core.secret import Secret
from sekisho.testkit.chaos.wall import Wall
from sekisho.testkit.provider import ACCESS_KEY_ID, SECRET_ACCESS_KEY

FAST = Timeouts(connect=1.0, first_token=2.0, idle=1.0, total=10.0)
"""For `--fast`; otherwise a route's own limits hold."""
PREFIXES: Mapping[str, str] = {"gemini_generate": "/v1beta", "bedrock_converse": ""}
"""What base URLs end in, where it is not `/v1`."""
DOCUMENT = """
providers:
  alpha:
    like: openai-compatible
    base_url: http://127.0.0.1:9/v1
    api_key: none
    models:
      rehearsal/model: {upstream: m, context_length: 100000, price: {input: 1, output: 2}}
  beta:
    like: anthropic-compatible
    base_url: http://127.0.0.1:9/v1
    api_key: none
    models:
      rehearsal/model: {upstream: claude-haiku-4-5, context_length: 200000, price: {input: 3, output: 5}}
      rehearsal/other: {upstream: claude-opus-4-6, context_length: 200000, price: {input: 7, output: 9}}
models:
  rehearsal: {targets: [{model: rehearsal/model, provider: alpha}, {model: rehearsal/model, provider: beta}]}
  rehearsal-no-prefill: {targets: [{model: rehearsal/model, provider: alpha}, rehearsal/other]}
"""
"""What is rehearsed where there is no configuration: two providers, one of each API."""
NO_PREFILL = "-no-prefill"
"""A route of this name beside the one that is rehearsed takes its place where prefills are refused."""


def route_of(snapshot: Snapshot) -> Route | None:
    """What there is most to rehearse with: the first virtual model with several targets, else the model that
    most providers serve."""
    routes = [route for route in snapshot.routes.values() if route.auto is None]
    virtual = [route for route in routes if route.virtual and len(route.targets) > 1]
    return next(iter(virtual), None) or max(routes, key=lambda route: len(route.targets), default=None)


async def moved(route: Route, case: str, wall: Wall) -> Route:
    """The route under the name of a case, its providers those of the wall. It leads nowhere else."""
    copies: dict[str, Provider] = {}
    targets = []
    for target in route.targets:
        provider = target.endpoint.provider
        if provider.name not in copies:
            gate = await wall.open(provider.name)
            copies[provider.name] = copied(provider, _name(case, provider.name), gate.base_url)
        endpoint = replace(target.endpoint, provider=copies[provider.name])
        targets.append(replace(target, endpoint=endpoint))
    prefer = renamed(route.prefer, case)
    return replace(route, name=case, targets=tuple(targets), prefer=prefer, auto=None)


def copied(provider: Provider, name: str, url: str) -> Provider:
    """The same provider in all but its place: a scripted one at this address answers, and no key leaves the
    configuration."""
    return replace(
        provider,
        name=name,
        base_url=url + PREFIXES.get(provider.dialect, "/v1"),
        auth=harmless(provider.auth),
        proxy=None,
        ca_file=None,
    )


def _name(case: str, provider: str) -> str:
    return f"{case}.{provider}"


def harmless(auth: Auth) -> Auth:
    """No key leaves the configuration, not even for the wall; as many as there are take turns."""
    aws = auth.aws and AwsSigning(
        Secret(ACCESS_KEY_ID), Secret(SECRET_ACCESS_KEY), None, auth.aws.region, auth.aws.service
    )
    further = tuple(Secret(f"chaos-{number}") for number in range(len(auth.further)))
    return replace(auth, secret=auth.secret and Secret("chaos"), aws=aws, further=further)


def renamed(prefer: Preferences, case: str) -> Preferences:
    """The same of a case's providers. NONE stays what it is: planning knows it by that."""
    if prefer is NONE:
        return prefer
    return structs.replace(
        prefer,
        only=prefer.only and tuple(_name(case, name) for name in prefer.only),
        ignore=tuple(_name(case, name) for name in prefer.ignore),
        order=tuple(_name(case, name) for name in prefer.order),
    )
