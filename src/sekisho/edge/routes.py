"""Path -> what serves it: a dictionary, not a router."""

import os
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from sekisho.core.contract import Dialect, Entry, FollowUp, no_follow_up, no_match
from sekisho.core.error import (
    MethodNotAllowed,
    NotFound,
    NotServed,
    SekishoError,
)
from sekisho.core.exchange import Exchange
from sekisho.edge import market_errors, market_paths
from sekisho.edge.admin import AdminPages
from sekisho.edge.connection import Connection
from sekisho.edge.cors import Cors
from sekisho.edge.message import Request
from sekisho.edge.pages import Page
from sekisho.edge.respond import JSON_TYPE, PageAnswer, Responder, retry_after
from sekisho.pipeline.follow_up import FollowUps

MONEY = "/api/v1"
"""Prefix under which replies carry cost, as OpenRouter's contract has it."""


@dataclass(frozen=True, slots=True)
class Mount:
    dialect: Dialect
    entry: Entry
    show_money: bool = False

    @property
    def methods(self) -> str:
        return "POST"


@dataclass(frozen=True, slots=True)
class Kept:
    """A path about an answer that an earlier call made."""

    dialect: Dialect
    wanted: FollowUp

    @property
    def methods(self) -> str:
        return ", ".join(sorted(self.wanted.methods))


@dataclass(frozen=True, slots=True)
class Administered:
    """A path for admins."""

    allowed: Collection[str]

    @property
    def methods(self) -> str:
        return ", ".join(sorted(self.allowed))


Place = Mount | Kept | Administered


class Routes:
    """The data plane's front: `handle` and `refuse` are what a `Server` needs."""

    def __init__(
        self,
        dialects: Mapping[str, Dialect],
        responder: Responder,
        pages: Callable[[str], Page | None],
        cors: Callable[[], Cors | None],
        follow_ups: FollowUps,
        admin: AdminPages,
    ):
        self._mounts = {
            prefix + path: Mount(dialect, Entry(operation), prefix == MONEY)
            for dialect in dialects.values()
            for prefix in dialect.prefixes
            for path, operation in dialect.paths.items()
        }
        self._matchers = [
            (prefix, dialect)
            for dialect in dialects.values()
            for prefix in dialect.prefixes
            if dialect.match_path is not no_match
        ]
        self._keepers = [
            (prefix, dialect)
            for dialect in dialects.values()
            for prefix in dialect.prefixes
            if dialect.match_follow_up is not no_follow_up
        ]
        self._follow_ups = follow_ups
        self._fallback = next(iter(dialects.values()))
        self._responder = responder
        self._pages = pages
        self._cors = cors
        self._admin = admin
        self._clock = responder.clock
        self._process = os.urandom(8).hex()
        self._count = 0

    def handle(self, request: Request, out: Connection) -> Coroutine[Any, Any, None]:
        """Answer one request. The coroutine raises CancelledError only."""
        cors = self._cors()
        extra = b"" if cors is None else cors.headers(request)
        mount = self._mounts.get(request.path) or self._mount(request.path, request.query)
        if request.method == "POST" and isinstance(mount, Mount):
            return self._responder.call(self._exchange(mount, request), out, extra)
        if request.method == "OPTIONS" and cors is not None:
            return self._responder.page(_preflight(), request, out, self.refuse, extra)
        return self._responder.page(self._page(mount, request), request, out, self.refuse, extra)

    def refuse(self, path: str, error: SekishoError) -> tuple[bytes, bytes]:
        """(header lines, body) for an error that never became a call, in the dialect of the path."""
        mount = self._mount(path, b"")
        dialect = mount.dialect if isinstance(mount, Mount | Kept) else self._fallback
        request_id = self._new_id(self._clock.now())
        headers = JSON_TYPE + b"x-request-id: %b\r\n" % request_id.encode() + retry_after(error)
        if isinstance(error, MethodNotAllowed):
            headers += b"allow: %b\r\n" % _allowed(mount).encode()
        if path.startswith(MONEY) and market_errors.shapes(dialect):
            return headers, market_errors.write(error, request_id)
        return headers, dialect.write_error(error, request_id)

    async def _page(self, mount: Place | None, request: Request) -> PageAnswer:
        page = self._pages(request.path)
        if page is not None and request.method in ("GET", "HEAD"):
            return await page(request)
        if isinstance(mount, Kept) and request.method in mount.wanted.methods:
            return await self._follow(mount, request)
        if isinstance(mount, Administered) and request.method in mount.allowed:
            return await self._admin.answer(request)
        reason = market_paths.unserved(request.path) if page is None and mount is None else None
        if reason is not None:
            raise NotServed(f"{request.path[:200]} is not served here: {reason}")
        if page is not None or mount is not None:
            raise MethodNotAllowed(f"{request.path} takes {_allowed(mount)}, not {request.method}")
        raise NotFound(f"there is no {request.method} {request.path[:200]} here")

    async def _follow(self, kept: Kept, request: Request) -> PageAnswer:
        found = await self._follow_ups.answer(request, kept.dialect, kept.wanted)
        described = b"content-type: %b\r\nx-request-id: %b\r\nx-sekisho-provider: %b\r\n" % (
            found.content_type,
            self._new_id(self._clock.now()).encode(),
            found.provider.encode("latin-1", "replace"),
        )
        return 200, described, found.body

    def _mount(self, path: str, query: bytes) -> Place | None:
        mount = self._mounts.get(path)
        if mount is not None or self._pages(path) is not None:
            return mount
        for prefix, dialect in self._matchers:
            if path.startswith(prefix):
                entry = dialect.match_path(path[len(prefix) :], query)
                if entry is not None:
                    return Mount(dialect, entry)
        for prefix, dialect in self._keepers:
            wanted = dialect.match_follow_up(path[len(prefix) :]) if path.startswith(prefix) else None
            if wanted is not None:
                return Kept(dialect, wanted)
        allowed = self._admin.methods(path)
        return Administered(allowed) if allowed else None

    def _exchange(self, mount: Mount, request: Request) -> Exchange:
        now = self._clock.now()
        return Exchange(
            id=self._new_id(now),
            dialect=mount.dialect,
            entry=mount.entry,
            headers=request.headers,
            named=request.named,
            body=request.body,
            peer=request.peer,
            target=request.target,
            started=now,
            began=self._clock.monotonic(),
            show_money=mount.show_money,
        )

    def _new_id(self, now: float) -> str:
        """Unique over all processes and time. It is no secret: only its own key may ask for a call."""
        self._count += 1
        return f"gen-{int(now)}-{self._process}{self._count:08x}"


def _allowed(mount: Place | None) -> str:
    return "GET, HEAD" if mount is None else mount.methods


async def _preflight() -> PageAnswer:
    return 204, b"", b""
