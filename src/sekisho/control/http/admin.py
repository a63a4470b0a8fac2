"""The table of what admins can ask, and who may ask it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from sekisho.control.http.asked import Asked
from sekisho.control.http.credits import CreditPages
from sekisho.control.http.holders import Answer, HolderPages
from sekisho.control.http.keys import KeyPages
from sekisho.control.http.scopes import Scope, scopes_of, within
from sekisho.control.services.credits import CreditService
from sekisho.control.services.holders import HolderService
from sekisho.control.services.keys import KeyService
from sekisho.control.services.ledger import Ledger
from sekisho.control.services.refusal import Missing, Refused
from sekisho.control.services.terms import Kind
from sekisho.control.store.engine import Store, StoreError
from sekisho.control.store.thread import StoreThread
from sekisho.core.clock import Clock
from sekisho.core.error import BadRequest, Forbidden, NotFound, SekishoError, Unavailable
from sekisho.core.port import Keys
from sekisho.core.principal import Principal
from sekisho.wire import json


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str
    """`{id}` stands for any one part."""
    scope: Scope
    answer: Callable[[Asked], Answer]
    of_books: bool = False
    """It reads the books, and first has all brought there that has ended."""


class Administration:
    """Implements `core.port.Administration` over the database."""

    def __init__(self, store: Store, thread: StoreThread, clock: Clock, keys: Keys, ledger: Ledger):
        self._thread = thread
        self._ledger = ledger
        self._keys = keys
        self.routes = _routes(store, clock)
        self._by_path: dict[str, dict[str, Route]] = {}
        for route in self.routes:
            self._by_path.setdefault(route.path, {})[route.method] = route

    def methods(self, path: str) -> Collection[str]:
        """See `core.port.Administration`."""
        return self._by_path.get(_template(path), {})

    async def answer(
        self, method: str, path: str, query: bytes, body: bytes, principal: Principal
    ) -> tuple[int, bytes]:
        """See `core.port.Administration`."""
        route = self._by_path[_template(path)][method]
        if route.scope not in scopes_of(principal):
            raise Forbidden(
                f"this API key may not do that: it needs `{route.scope}`, which keys made with "
                "`sekisho keys create --admin` have"
            )
        named = path.split("/")[1] if "/" in path else ""
        asked = Asked(named, query, body, within(principal), principal.name)
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


def _routes(store: Store, clock: Clock) -> Sequence[Route]:
    def holders(kind: Kind) -> HolderPages:
        return HolderPages(HolderService(store, clock, kind))

    organisations, teams = holders("organisation"), holders("team")
    keys = KeyPages(KeyService(store, clock), clock)
    credit = CreditService(store, clock)
    return (
        *_of("organisations", organisations, "organisations:read", "organisations:write"),
        *_credits("organisations", CreditPages(credit, "organisation", organisations.own)),
        *_of("teams", teams, "teams:read", "teams:write"),
        *_credits("teams", CreditPages(credit, "team", teams.own)),
        *_of("projects", holders("project"), "projects:read", "projects:write"),
        *_of("people", holders("person"), "people:read", "people:write"),
        *_of("accounts", holders("account"), "accounts:read", "accounts:write"),
        *_of("keys", keys, "keys:read", "keys:write"),
        *_credits("keys", CreditPages(credit, "key", keys.own)),
        Route("DELETE", "keys/{id}", "keys:write", keys.revoke),
        Route("POST", "keys/{id}/rotate", "keys:write", keys.rotate),
    )


def _of(plural: str, pages: HolderPages | KeyPages, read: Scope, write: Scope) -> Sequence[Route]:
    return (
        Route("GET", plural, read, pages.list),
        Route("POST", plural, write, pages.create),
        Route("GET", f"{plural}/{{id}}", read, pages.show),
        Route("PATCH", f"{plural}/{{id}}", write, pages.update),
    )


def _credits(plural: str, pages: CreditPages) -> Sequence[Route]:
    path = f"{plural}/{{id}}/credits"
    return (
        Route("GET", path, "credits:read", pages.show, of_books=True),
        Route("POST", path, "credits:write", pages.add),
    )


def _template(path: str) -> str:
    return "/".join("{id}" if at == 1 else part for at, part in enumerate(path.split("/")))


def _told(error: Refused) -> SekishoError:
    if isinstance(error, Missing) and error.field == "id":
        return NotFound(str(error), param="id")
    return BadRequest(str(error), param=error.field)
