"""A table of what may be asked over HTTP, and who may ask it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from sekisho.control.http.asked import Answer, Asked
from sekisho.control.http.scopes import Scope, scopes_of, within
from sekisho.control.services.ledger import Ledger
from sekisho.control.services.refusal import Missing, Refused
from sekisho.control.store.engine import StoreError
from sekisho.control.store.thread import StoreThread
from sekisho.core.error import BadRequest, Forbidden, NotFound, SekishoError, Unavailable
from sekisho.core.port import Keys
from sekisho.core.principal import Principal
from sekisho.wire import json


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str
    """`{id}` stands for any one part, as does any other word in braces."""
    scope: Scope
    answer: Callable[[Asked], Answer]
    of_books: bool = False
    """It reads the books, and first has all brought there that has ended."""


class Table:
    """Implements `core.port.Administration` over the database."""

    def __init__(self, routes: Sequence[Route], thread: StoreThread, keys: Keys, ledger: Ledger):
        self.routes = routes
        self._thread = thread
        self._keys = keys
        self._ledger = ledger
        self._by_path: dict[tuple[str, ...], dict[str, Route]] = {}
        for route in routes:
            self._by_path.setdefault(tuple(route.path.split("/")), {})[route.method] = route

    def methods(self, path: str) -> Collection[str]:
        """See `core.port.Administration`."""
        return self._at(path.split("/"))

    async def answer(
        self, method: str, path: str, query: bytes, body: bytes, principal: Principal
    ) -> tuple[int, bytes]:
        """See `core.port.Administration`."""
        parts = path.split("/")
        route = self._at(parts)[method]
        if route.scope not in scopes_of(principal):
            raise Forbidden(
                f"this API key may not do that: it needs `{route.scope}`, which keys made with "
                "`sekisho keys create --admin` have"
            )
        asked = Asked(tuple(parts), query, body, within(principal), principal.name)
        if route.of_books:
            await self._ledger.flush()
        try:
            status, told = await self._thread.run(lambda: route.answer(asked))
        except Refused as error:
            raise _told(error) from None
        except StoreError:
            raise Unavailable("the database cannot be reached at the moment", retry_after=5) from None
        if method != "GET":
            await self._keys.refresh()  # what was changed holds here at once
        return status, json.encode(told)

    def _at(self, parts: Sequence[str]) -> dict[str, Route]:
        """By method; empty: there is no such path."""
        for template, routes in self._by_path.items():
            if len(template) == len(parts) and all(
                said == part or said.startswith("{") for said, part in zip(template, parts, strict=True)
            ):
                return routes
        return {}


def _told(error: Refused) -> SekishoError:
    if isinstance(error, Missing) and error.field == "id":
        return NotFound(str(error), param="id")
    return BadRequest(str(error), param=error.field)
