"""The document, the catalogue and the environment -> one snapshot.

Public names are `author/slug`. Every provider that serves a model is a target of its route, in the order
of the document. Beside the routes, which are listed, a snapshot knows other names for them: bare slugs and
providers' own ids where they are unique, `provider/...` for one provider alone, and ids of dated versions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sekisho.core.provider import Endpoint, Provider
from sekisho.core.route import Route, Snapshot, Target, Timeouts
from sekisho.core.secret import REFERENCE
from sekisho.core.tier import Scorer
from sekisho.providers.aws import NoRegion
from sekisho.providers.catalog import Catalog, Overrides, Row, provider_from
from sekisho.routing import values
from sekisho.routing.auto import Autos, FindScorer, built_in
from sekisho.routing.auto_entry import BUILT_IN, NAME, OTHER_NAME
from sekisho.routing.document import Document, ProviderEntry
from sekisho.routing.names import nearest_of
from sekisho.routing.naming import Names
from sekisho.routing.problem import DocumentError, Level, Path, Problem, Wrong
from sekisho.routing.served import Served, Shelf
from sekisho.routing.virtual import Virtuals

Environment = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Compiled:
    snapshot: Snapshot
    warnings: tuple[Problem, ...]
    """What works, but perhaps not as it was meant (a key whose variable is not set)."""


def compile_document(
    document: Document, catalog: Catalog, environment: Environment, scorers: FindScorer = built_in
) -> Snapshot:
    """The snapshot that calls are routed by. Raises DocumentError with every problem located.

    Pure: the same arguments give equal snapshots. Keys stay references; addresses, headers and proxies
    are filled in from `environment`.
    """
    return examine(document, catalog, environment, scorers).snapshot


def examine(
    document: Document, catalog: Catalog, environment: Environment, scorers: FindScorer = built_in
) -> Compiled:
    """`compile_document`, with the warnings. Raises DocumentError if there is any error."""
    return _Compiler(document, catalog, environment, scorers).run()


class _Compiler:
    def __init__(self, document: Document, catalog: Catalog, environment: Environment, scorers: FindScorer):
        self._document = document
        self._scorers = scorers
        self._catalog = catalog
        self._environment = environment
        self._problems: list[Problem] = list(document.problems)
        self._providers: dict[str, Provider] = {}
        self._served: list[Served] = []
        self._open: list[Provider] = []
        self._broken: set[str] = set()
        self._timeouts = {entry.name: entry.timeouts for entry in document.providers if entry.timeouts}

    def run(self) -> Compiled:
        if not self._document.providers and not self._problems:
            self._report((), "there are no providers, so that no model can be served", "warning")
        for entry in self._document.providers:
            if not self._is_wrong(("providers", entry.name)):
                self._add(entry)
        if any(self._is_wrong((section,)) for section in ("providers", "models", "auto")):
            raise DocumentError(self._problems)  # what names lead to cannot be told before that is mended
        served = self._assemble()
        self._report_shadows(served)
        virtuals = Virtuals(self._document.models, served, frozenset(self._broken))
        routes = {**served.routes, **virtuals.resolve()}
        autos = Autos(self._document.autos, virtuals.find, self._scorers)
        routes |= autos.resolve()
        for path, message in (*virtuals.problems, *autos.problems):
            self._report(path, message)
        if any(problem.level == "error" for problem in self._problems):
            raise DocumentError(self._problems)
        aliases = dict(served.aliases)
        if NAME in routes and served.find(OTHER_NAME) is None and OTHER_NAME not in routes:
            aliases[OTHER_NAME] = NAME
        snapshot = replace(served, routes=routes, aliases=aliases, scorer=self._scorer())
        return Compiled(snapshot, tuple(self._problems))

    def _scorer(self) -> Scorer | None:
        """For calls that name their model: the one that `auto` has, so that scores can be compared."""
        if not self._document.records.scores:
            return None
        named = (entry.scorer for entry in self._document.autos if entry.name == NAME)
        return self._scorers(next(named, BUILT_IN))

    def _report(self, path: Path, message: str, level: Level = "error") -> None:
        self._problems.append(self._document.problem(path, message, level))

    def _is_wrong(self, path: Path) -> bool:
        """Whether reading the document found a problem at or below `path`."""
        start = ".".join(path)
        return any(
            problem.path == start or problem.path.startswith(f"{start}.")
            for problem in self._document.problems
        )

    # --- providers --------------------------------------------------------------------------------

    def _add(self, entry: ProviderEntry) -> None:
        row = self._row(entry)
        provider = self._provider(entry, row) if row is not None else None
        if row is None or provider is None:
            self._broken.add(entry.name)
            return
        self._providers[entry.name] = provider
        self._warn_of_key(entry, row, provider)
        shelf = Shelf(provider, entry, self._catalog)
        served = shelf.serve()
        for path, message in shelf.problems:
            self._report(path, message)
        self._served.extend(served)
        if row.open and not entry.models:
            self._open.append(provider)
        elif not served:
            self._report(("providers", entry.name), "serves no model; name some under `models`", "warning")

    def _row(self, entry: ProviderEntry) -> Row | None:
        like = entry.like or entry.name
        row = self._catalog.rows.get(like)
        if row is None:
            near = nearest_of(like, self._catalog.rows, limit=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            if entry.like:
                self._report(("providers", entry.name, "like"), f"the catalogue has no provider {like}{hint}")
            else:
                remedy = "for a server of your own write `like: openai-compatible` and its `base_url`"
                self._report(("providers", entry.name), f"is not in the catalogue{hint} ({remedy})")
        elif row.retired is not None:
            message = f"{row.label} switched this API off on {row.retired}"
            self._report(("providers", entry.name), message, "warning")
        return row

    def _provider(self, entry: ProviderEntry, row: Row) -> Provider | None:
        path = ("providers", entry.name)
        proxy = self._proxy(entry)
        overrides = Overrides(
            base_url=entry.base_url,
            also=self._also(entry),
            extra_body=entry.extra_body,
            api_keys=entry.api_keys,
            headers=self._headers(entry),
            region=entry.region,
            proxy=proxy,
            ca_file=entry.ca_file,
            budget=entry.budget,
            probe=entry.probe,
            policy=entry.policy,
        )
        try:
            provider = provider_from(row, entry.name, overrides, self._environment)
            values.checked_url(provider.base_url)
        except NoRegion as error:
            self._report((*path, "region"), str(error))
            return None
        except (ValueError, Wrong) as error:
            self._report((*path, "base_url"), str(error))
            return None
        return provider

    def _also(self, entry: ProviderEntry) -> tuple[str, ...] | None:
        for index, name in enumerate(entry.also or ()):
            if name not in (known := self._catalog.dialects):
                near = nearest_of(name, known, limit=1)
                hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(known)}"
                self._report(("providers", entry.name, "also", str(index)), f"is not a known API{hint}")
        return entry.also

    def _headers(self, entry: ProviderEntry) -> tuple[tuple[str, str], ...]:
        """Headers filled in; without those whose variables are not set."""
        known = []
        for name, template in entry.headers:
            path = ("providers", entry.name, "headers", name)
            missing = self._unset(template)
            value = REFERENCE.sub(lambda match: self._environment.get(match[1], ""), template)
            if missing:
                message = f"the environment variable {missing[0]} is not set, so that the header is not sent"
                self._report(path, message, "warning")
            elif not (value.isascii() and value.isprintable()):
                self._report(path, "what its variable holds is no header value: it must be printable ASCII")
            else:
                known.append((name, value))
        return tuple(known)

    def _proxy(self, entry: ProviderEntry) -> str | None:
        if entry.proxy is None:
            return None
        path = ("providers", entry.name, "proxy")
        missing = self._unset(entry.proxy)
        if missing:
            self._report(path, f"the environment variable {missing[0]} is not set")
            return None
        try:
            return values.checked_proxy(REFERENCE.sub(lambda match: self._environment[match[1]], entry.proxy))
        except Wrong as error:
            self._report(path, str(error))
            return None

    def _warn_of_key(self, entry: ProviderEntry, row: Row, provider: Provider) -> None:
        named = [name for secret in provider.auth.secrets for name in secret.variables]
        missing = [name for name in named if not self._environment.get(name)]
        path: Path = ("providers", entry.name)
        if missing and entry.api_keys:
            what = "that key is of no use" if len(entry.api_keys) > 1 else "calls to this provider fail"
            for name in missing:
                message = f"the environment variable {name} is not set; {what} until it is"
                self._report((*path, "api_key"), message, "warning")
        elif missing:
            wanted = " or ".join(dict.fromkeys((*row.env, missing[0])))
            message = f"has no `api_key`, and {wanted} is not set; calls fail until it is"
            self._report(path, message, "warning")

    def _unset(self, template: str) -> list[str]:
        return [name for name in REFERENCE.findall(template) if not self._environment.get(name)]

    # --- names ------------------------------------------------------------------------------------

    def _assemble(self) -> Snapshot:
        targets: dict[str, list[Endpoint]] = {}
        for served in self._served:
            targets.setdefault(served.endpoint.model, []).append(served.endpoint)
        routes = {name: self._route(name, endpoints) for name, endpoints in targets.items()}
        names = Names(self._served, self._route, frozenset(routes))
        facts = (served.endpoint.facts for served in self._served)
        return Snapshot(
            routes=routes,
            aliases=names.aliases(),
            pinned=names.pinned(),
            open_providers={provider.name: self._open_route(provider) for provider in self._open},
            providers=self._providers,
            models={known.id: known for known in facts if known is not None},
            limits_configured=any(provider.budget for provider in self._providers.values()),
            revision=self._document.revision,
        )

    def _route(self, name: str, endpoints: Sequence[Endpoint]) -> Route:
        """Its limits are those of the first provider that has any of its own."""
        own = (self._timeouts.get(endpoint.provider.name) for endpoint in endpoints)
        timeouts = next((limits for limits in own if limits is not None), Timeouts())
        targets = tuple(map(Target, endpoints))
        return Route(name, targets, "balanced" if len(targets) > 1 else "ordered", timeouts=timeouts)

    def _open_route(self, provider: Provider) -> Route:
        endpoint = Endpoint(
            model="",
            provider=provider,
            upstream_model="",
            quirks=provider.quirks,
            extra_body=provider.extra_body,
        )
        return self._route(provider.name, [endpoint])

    def _report_shadows(self, served: Snapshot) -> None:
        virtuals = [(entry.name, ("models", entry.name)) for entry in self._document.models]
        meant = {entry.name: {target.model for target in entry.targets} for entry in self._document.models}
        seen: set[str] = set()
        for name, path in (*virtuals, *[(entry.name, entry.path) for entry in self._document.autos]):
            if name in seen:
                self._report(
                    path, f"makes {name}, which stands under `models` as well; leave one of them out"
                )
            seen.add(name)
            hidden = served.find(name)
            if hidden is None:
                continue
            names = ", ".join(dict.fromkeys(target.endpoint.provider.name for target in hidden.targets))
            if name in served.routes:
                self._report(path, f"is already the name of a model of {names}; choose another")
            elif name not in meant.get(name, ()):
                self._report(path, f"hides {hidden.name}, which {names} would answer to", "warning")
