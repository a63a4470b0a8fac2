"""The names beside the public ones: what else a client may call a model."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from sekisho.core.provider import Endpoint
from sekisho.core.route import Route
from sekisho.routing.latest import latest
from sekisho.routing.served import Served

T = TypeVar("T")
MakeRoute = Callable[[str, Sequence[Endpoint]], Route]
Named = Iterable[tuple[str, str]]
"""(another name, what it stands for)"""


class Names:
    """Names derived from everything that is served. A name that could mean two things means neither."""

    def __init__(self, served: Sequence[Served], make_route: MakeRoute, public: frozenset[str]):
        self._served = served
        self._make_route = make_route
        self._public = public

    def aliases(self) -> dict[str, str]:
        """Bare slugs, then providers' own ids, then the latest of each family -> public name."""
        slugs = [(served.names[-1], served.endpoint.model) for served in self._served]
        newest = latest(served.endpoint.model for served in self._served)
        return self._without_public({**newest, **_certain(slugs, self._own_ids())})

    def pinned(self) -> dict[str, Route]:
        """Names of one provider's model, and of dated versions -> hidden routes."""
        versions = self._versions()
        dated = {name: self._make_route(name, endpoints) for name, endpoints in versions.items()}
        bare = _certain(((name.partition("/")[2], name) for name in versions), ())
        return {
            **self._without_public(dated),
            **self._without_public({version: dated[name] for version, name in bare.items()}),
            **self._at_each_provider(),
        }

    def _own_ids(self) -> Iterator[tuple[str, str]]:
        for served in self._served:
            model = served.endpoint.model
            for own in served.ids:
                yield own, model
                if "/" not in own:
                    yield f"{_author(model)}/{own}", model

    def _versions(self) -> dict[str, list[Endpoint]]:
        """`author/version` -> that version at every provider that has it."""
        found: dict[str, list[Endpoint]] = {}
        for served in self._served:
            for version in served.versions:
                name = version if "/" in version else f"{_author(served.endpoint.model)}/{version}"
                found.setdefault(name, []).append(served.version(version))
        return found

    def _at_each_provider(self) -> dict[str, Route]:
        """`provider/...`: the model's public name above its slug above the provider's id for it."""
        routes: dict[str, Route] = {}
        names: list[tuple[str, str]] = []
        ids: list[tuple[str, str]] = []
        for served in self._served:
            provider, model = served.endpoint.provider.name, served.endpoint.model
            pinned = f"{provider}/{model}"
            routes[pinned] = self._make_route(pinned, [served.endpoint])
            for version in served.versions:
                name = f"{provider}/{version}"
                routes[name] = self._make_route(name, [served.version(version)])
            names.extend((f"{provider}/{name}", pinned) for name in served.names)
            ids.extend((f"{provider}/{own}", pinned) for own in served.ids)
        sure = _certain(names, ids)
        routes.update({name: routes[pinned] for name, pinned in sure.items() if name not in routes})
        return self._without_public(routes)

    def _without_public(self, names: dict[str, T]) -> dict[str, T]:
        return {name: value for name, value in names.items() if name not in self._public}


def _author(model: str) -> str:
    return model.partition("/")[0]


def _certain(first: Named, second: Named) -> dict[str, str]:
    """What each name stands for, without those that stand for several things. What `second` says counts
    only for names that `first` does not know."""
    meanings: dict[str, set[str]] = {}
    for name, meaning in first:
        meanings.setdefault(name, set()).add(meaning)
    known = frozenset(meanings)
    for name, meaning in second:
        if name not in known:
            meanings.setdefault(name, set()).add(meaning)
    return {name: meaning for name, (meaning, *others) in meanings.items() if not others}
