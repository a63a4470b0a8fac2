"""Virtual models: names of the document's own, resolved to endpoints."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

from sekisho.core.preference import contradiction
from sekisho.core.route import Route, Snapshot, Target
from sekisho.routing.ask import Ask
from sekisho.routing.comparable import embeds, models_of
from sekisho.routing.constraints import forbidden
from sekisho.routing.document import TargetEntry, VirtualEntry
from sekisho.routing.names import nearest_of
from sekisho.routing.problem import Findings, Path
from sekisho.wire.pointer import clash


class Virtuals:
    """Resolves virtual models against the routes of the providers, and notes what does not resolve.

    A virtual model may stand for others. Each is resolved after those that it names, and a target that
    comes up twice counts once, so that no nesting of names can blow up a plan.
    """

    def __init__(self, entries: Iterable[VirtualEntry], served: Snapshot, broken: frozenset[str]):
        self.problems = Findings()
        self._entries = {entry.name: entry for entry in entries}
        self._served = served
        self._broken = broken
        """Providers that have problems of their own: a target that names one is not reported as well."""
        self._routes: dict[str, Route] = {}

    def resolve(self) -> Mapping[str, Route]:
        """Routes by name, in the document's order."""
        for name in self._in_order():
            self._routes[name] = self._route(self._entries[name])
        self._check_degrade()
        return {name: self._routes[name] for name in self._entries if name in self._routes}

    def find(self, name: str) -> tuple[Route | None, str]:
        """(what a name leads to once all are resolved, why it leads nowhere): empty where that is reported
        elsewhere."""
        found = self._routes.get(name) or self._served.find(name)
        known = found is not None or name in self._entries
        return found, "" if known else self._unserved(name)

    def _in_order(self) -> tuple[str, ...]:
        names = dict(self._entries)
        while True:
            graph = {
                name: [
                    target.model
                    for target in entry.targets
                    if target.model in names and not self._means_served(target, name)
                ]
                for name, entry in names.items()
            }
            try:
                return tuple(TopologicalSorter(graph).static_order())
            except CycleError as error:
                cycle: list[str] = error.args[1][::-1]
                path = ("models", cycle[0], "targets", str(self._position(cycle[0], cycle[1])))
                self.problems.append((path, f"goes in a circle: {' -> '.join(cycle)}"))
                for name in cycle[1:]:
                    del names[name]

    def _position(self, name: str, target: str) -> int:
        return [item.model for item in self._entries[name].targets].index(target)

    def _route(self, entry: VirtualEntry) -> Route:
        targets: dict[str, Target] = {}
        for index, item in enumerate(entry.targets):
            path = ("models", entry.name, "targets", str(index))
            found, reason = self._find(item, entry.name)
            if reason:
                self.problems.append((path, reason))
            if item.extra_body:
                self._check_edits(item, found, targets, path)
            for target in found:
                own = replace(
                    target,
                    weight=target.weight * item.weight,
                    quality=target.quality if item.quality is None else item.quality,
                    extra_body=target.extra_body + item.extra_body,
                )
                targets.setdefault(target.endpoint.id, own)
        self._check_prefer(entry, tuple(targets.values()))
        self._check_comparable(entry, tuple(targets.values()))
        self._check_hedge(entry, targets)
        return Route(
            name=entry.name,
            targets=tuple(targets.values()),
            select=entry.select,
            prefer=entry.prefer,
            timeouts=entry.timeouts,
            retry=entry.retry,
            on_loss=entry.on_loss,
            on_refusal=entry.on_refusal,
            prompt_cache=entry.prompt_cache,
            rescue=entry.rescue,
            hedge=entry.hedge,
            coalesce=entry.coalesce,
            degrade=entry.degrade,
            virtual=True,
        )

    def _check_degrade(self) -> None:
        """Every name must lead somewhere, and none of them back."""
        for name, entry in self._entries.items():
            path = ("models", name, "degrade")
            seen, at = [name], entry.degrade
            if at is not None and at not in self._entries and self._served.find(at) is None:
                self.problems.append((path, self._unserved(at)))
                continue
            while at is not None and at not in seen:
                seen.append(at)
                at = self._entries[at].degrade if at in self._entries else None
            if at == name:
                self.problems.append((path, f"goes in a circle: {' -> '.join([*seen, at])}"))

    def _check_prefer(self, entry: VirtualEntry, targets: Sequence[Target]) -> None:
        prefer, path = entry.prefer, ("models", entry.name, "prefer")
        for member, names in (("only", prefer.only), ("ignore", prefer.ignore), ("order", prefer.order)):
            for index, name in enumerate(names or ()):
                if name not in self._served.providers and name not in self._broken:
                    self.problems.append(((*path, member, str(index)), self._no_provider(name)))
                    return
        rejected = forbidden(targets, Ask(prefer=prefer))
        if targets and len(rejected) == len(targets) and contradiction(prefer) is None:
            told = (f"{target.endpoint.provider.name} {reason}" for target, reason in rejected[:5])
            self.problems.append((path, f"leaves none of the targets: {'; '.join(told)}"))

    def _check_comparable(self, entry: VirtualEntry, targets: Sequence[Target]) -> None:
        models = models_of(targets)
        if len(models) > 1 and any(embeds(target.endpoint) for target in targets):
            told = ", ".join(models[:5])
            reason = f"are of several models, whose embeddings cannot be compared with each other: {told}"
            self.problems.append((("models", entry.name, "targets"), reason))

    def _check_hedge(self, entry: VirtualEntry, targets: Mapping[str, Target]) -> None:
        path = ("models", entry.name, "hedge")
        if entry.hedge is None:
            return
        if len(targets) == 1:
            self.problems.append((path, "needs a second target to ask; add one, or leave it out"))
        elif not entry.prefer.fallbacks:
            self.problems.append((path, "does not go with `prefer.fallbacks: false`; leave one of them out"))

    def _check_edits(
        self, item: TargetEntry, found: Iterable[Target], before: Mapping[str, Target], path: Path
    ) -> None:
        for target in found:
            name = f"{target.endpoint.provider.name}/{target.endpoint.model}"
            if target.endpoint.id in before:
                reason = f"{name} is a target already, so that these would never be made"
            elif clashing := clash(target.endpoint.extra_body + target.extra_body + item.extra_body):
                reason = f"does not go with that of {name}: {clashing}"
            else:
                continue
            self.problems.append(((*path, "extra_body"), reason))
            return

    def _means_served(self, item: TargetEntry, name: str) -> bool:
        """A model that names itself means what the providers would answer to that name, which it hides."""
        return item.model == name and self._served.find(name) is not None

    def _find(self, item: TargetEntry, name: str) -> tuple[tuple[Target, ...], str]:
        """The targets behind an item of the model `name`, or why there are none."""
        own = self._means_served(item, name)
        if item.model in self._entries and item.model not in self._routes and not own:
            return (), ""  # part of a circle, which is reported as such
        named = None if own else self._routes.get(item.model)
        named = named or self._served.find(item.model)
        if item.provider is None:
            return (named.targets, "") if named else ((), self._unserved(item.model))
        return self._pinned(item.model, item.provider, named)

    def _pinned(self, model: str, provider: str, named: Route | None) -> tuple[tuple[Target, ...], str]:
        if provider in self._broken:
            return (), ""
        if provider not in self._served.providers:
            return (), self._no_provider(provider)
        for route in (named, self._served.find(f"{provider}/{model}")):
            targets = route.targets if route else ()
            own = tuple(target for target in targets if target.endpoint.provider.name == provider)
            if own:
                return own, ""
        if named is None:
            return (), self._unserved(model)
        others = dict.fromkeys(target.endpoint.provider.name for target in named.targets)
        return (), f"{provider} does not serve {model}; {', '.join(others)} does"

    def _no_provider(self, name: str) -> str:
        near = nearest_of(name, self._served.providers, limit=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        return f"there is no provider {name} in this document{hint}"

    def _unserved(self, model: str) -> str:
        if model.partition("/")[0] in self._broken:
            return ""
        near = nearest_of(model, {**self._served.routes, **self._served.aliases, **self._entries})
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        return f"no provider of this document serves {model}{hint}"
