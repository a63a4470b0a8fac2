"""The table of what admins can ask below `/admin/v1`."""

from collections.abc import Sequence

from sekisho.control.http.credits import CreditPages
from sekisho.control.http.holders import HolderPages
from sekisho.control.http.keys import KeyPages
from sekisho.control.http.scopes import Scope
from sekisho.control.http.table import Route
from sekisho.control.services.credits import CreditService
from sekisho.control.services.holders import HolderService
from sekisho.control.services.keys import KeyService
from sekisho.control.services.terms import Kind
from sekisho.control.store.engine import Store
from sekisho.core.clock import Clock


def routes(store: Store, clock: Clock) -> Sequence[Route]:
    """All of them."""

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
