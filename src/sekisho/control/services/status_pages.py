"""Reads providers' public status pages in the background, and says who of them reports an incident.

No call waits for it. What a page said is kept in a folder that all processes of an installation read: one of
them asks the pages, or nobody does and `sekisho status update` brings what they said from elsewhere. A page
that is down, or says what cannot be, changes nothing of what is kept of it.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

import msgspec
import structlog

from sekisho.core.clock import Clock
from sekisho.core.error import SekishoError
from sekisho.core.provider import Provider
from sekisho.core.route import Timeouts
from sekisho.core.secret import Secret
from sekisho.providers.status import feeds, kept
from sekisho.providers.status.feeds import Feed
from sekisho.providers.status.incident import BadFeed
from sekisho.providers.status.kept import History
from sekisho.providers.status.reading import MOST_BYTES, read
from sekisho.routing.board import Board
from sekisho.routing.status_entry import StatusEntry
from sekisho.upstream.client import Client
from sekisho.upstream.head import build_head
from sekisho.upstream.origin import origin_and_path

TICK = 5.0
"""Seconds between two looks at what is due, and at what is kept."""
LONGEST = 3_600.0
"""Seconds to which the interval of a page that fails grows; it doubles with every failure."""
TIMEOUTS = Timeouts(connect=10.0, first_token=20.0, idle=20.0, total=60.0)
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class PageAsker:
    """Asks pages. `clock` is the client's."""

    client: Client
    clock: Clock
    environment: Mapping[str, str]

    async def ask(self, feed: Feed, url: str, before: History | None) -> History:
        """`before` with what the page says now. Raises BadFeed, UpstreamError, or ValueError for an address
        that is none."""
        origin, path = origin_and_path(Secret(url).resolve(), self.environment)
        head = build_head("GET", path, origin, [("accept", "application/json"), *_conditions(before, url)])
        deadline = self.clock.monotonic() + TIMEOUTS.total
        response = await self.client.send(origin, head, b"", TIMEOUTS, deadline)
        try:
            now = self.clock.now()
            if response.status == 304 and before is not None:
                return msgspec.structs.replace(before, checked=now)
            if response.status != 200:
                raise BadFeed(f"answered {response.status}")
            text = await response.read(MOST_BYTES)
            versions = (_text(response.header(b"etag")), _text(response.header(b"last-modified")))
        finally:
            response.close()
        reading = await asyncio.to_thread(read, text, feed, now)
        found = kept.merged(before, reading, feed, url, now)
        return msgspec.structs.replace(found, etag=versions[0], modified=versions[1])


@dataclass(slots=True)
class _Turn:
    """Of one page."""

    due: float
    """Monotonic seconds."""
    failures: int = 0
    """In a row."""


class StatusPages:
    """`configure` it, and keep `run` running. `asks`: this process is the one that asks pages."""

    def __init__(self, asker: PageAsker, folder: Path, board: Board, random: Random, *, asks: bool):
        self._asker = asker
        self._folder = folder
        self._board = board
        self._random = random
        self._asks = asks
        self._entry = StatusEntry()
        self._feeds: Mapping[str, Feed] = {}
        self._providers: tuple[Provider, ...] = ()
        self._turns: dict[str, _Turn] = {}
        self._open: frozenset[tuple[str, str]] = frozenset()
        """Pages and ids of the incidents that were told to the log."""

    def configure(self, entry: StatusEntry, providers: Iterable[Provider]) -> None:
        """From now on."""
        if entry != self._entry:
            self._turns = {}  # another address, or another interval, counts at once
        self._entry = entry
        self._providers = tuple(providers)
        found = feeds.load().of_rows(provider.row for provider in self._providers)
        self._feeds = {feed.name: feed for feed in found}

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.gather(*(self._poll(feed, turn) for feed, turn in self._due()))
            await self._judge()
            await asyncio.sleep(TICK)

    def _due(self) -> list[tuple[Feed, _Turn]]:
        every = self._entry.every
        if every is None or not self._asks:
            self._turns = {}
            return []
        now = self._asker.clock.monotonic()
        found = []
        for name, feed in self._feeds.items():
            turn = self._turns.setdefault(name, _Turn(due=now))
            if now >= turn.due:
                pause = min(max(LONGEST, every), every * 2**turn.failures)
                turn.due = now + pause * self._random.uniform(0.9, 1.0)
                found.append((feed, turn))
        return found

    async def _poll(self, feed: Feed, turn: _Turn) -> None:
        url = dict(self._entry.pages).get(feed.name, feed.url)
        try:
            before = await asyncio.to_thread(self._kept, feed.name)
            found = await self._asker.ask(feed, url, before)
            await asyncio.to_thread(kept.keep, self._folder, found)
        except (SekishoError, ValueError, OSError) as error:
            turn.failures = min(turn.failures + 1, 16)
            reason = error.code if isinstance(error, SekishoError) else str(error)
            log.warning("status_page_failed", page=feed.name, reason=reason, in_a_row=turn.failures)
        else:
            if turn.failures:
                log.info("status_page_answers", page=feed.name, failures=turn.failures)
            turn.failures = 0

    async def _judge(self) -> None:
        """Who reports an incident, by all that is kept."""
        entry = self._entry
        if entry.every is None and not entry.avoid:
            self._board.troubled = frozenset()
            return
        now = self._asker.clock.now()
        histories = await asyncio.to_thread(lambda: [self._kept(name) for name in self._feeds])
        found = [each for each in histories if each is not None]
        self._tell(found, now)
        providers = self._providers if entry.avoid else ()
        self._board.troubled = kept.troubled(found, self._feeds, providers, now)

    def _tell(self, histories: Iterable[History], now: float) -> None:
        severe = {(each.provider, incident) for each in histories for incident in each.open_severe(now)}
        for page, incident in severe:
            if (page, incident.id) not in self._open:
                log.warning("provider_incident", page=page, severity=incident.severity, title=incident.title)
        opened = frozenset((page, incident.id) for page, incident in severe)
        for page, ended in self._open - opened:
            log.info("provider_incident_over", page=page, incident=ended)
        self._open = opened

    def _kept(self, name: str) -> History | None:
        try:
            return kept.read(self._folder, name)
        except (BadFeed, OSError) as error:
            log.warning("status_history_unreadable", page=name, reason=str(error))
            return None


def _conditions(before: History | None, url: str) -> list[tuple[str, str]]:
    """Headers that ask for something newer than what is kept from this address."""
    if before is None or before.source != url:
        return []
    asked = (("if-none-match", before.etag), ("if-modified-since", before.modified))
    return [(name, value) for name, value in asked if value]


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
