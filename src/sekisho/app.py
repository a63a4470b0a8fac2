"""The composition root: builds every part of one gateway process once and hands the parts to each other."""

import os
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from sekisho.control.plane import ControlPlane
from sekisho.control.services.alerts import Alerts
from sekisho.control.services.mail import Mail
from sekisho.control.services.publish import DocumentWatcher, KeptCatalogue
from sekisho.control.services.status_pages import PageAsker, StatusPages
from sekisho.control.services.webhook import Webhook
from sekisho.control.state.address import StateError, read_address
from sekisho.core.clock import Clock
from sekisho.core.contract import Dialect
from sekisho.core.port import Books, Counters
from sekisho.core.record import CallRecord
from sekisho.core.route import Snapshot
from sekisho.dialects import (
    anthropic_messages,
    bedrock_converse,
    gemini_generate,
    openai_chat,
    openai_completions,
    openai_responses,
)
from sekisho.edge.admin import AdminPages
from sekisho.edge.comments import SECONDS
from sekisho.edge.cors import Cors
from sekisho.edge.pages import Pages
from sekisho.edge.respond import Responder
from sekisho.edge.routes import Routes
from sekisho.edge.server import Limits, Server
from sekisho.metering.counters.lost import LostCounters
from sekisho.metering.counters.memory import MemoryCounters
from sekisho.metering.journal import FileJournal
from sekisho.pipeline import budgets
from sekisho.pipeline.admission import GRACE
from sekisho.pipeline.attempts import Attempts
from sekisho.pipeline.build import Pipeline
from sekisho.pipeline.follow_up import FollowUps
from sekisho.pipeline.prepare import Plane
from sekisho.pipeline.probe import Asker
from sekisho.pipeline.probes import Prober
from sekisho.plugins.scorers import Scorers
from sekisho.providers.catalog import Catalog
from sekisho.routing import document
from sekisho.routing.alerts_entry import AlertsEntry
from sekisho.routing.board import Board
from sekisho.routing.compile import compile_document
from sekisho.routing.discover import discover, nothing_found
from sekisho.routing.document import RecordsEntry, ServerEntry
from sekisho.routing.status_entry import StatusEntry
from sekisho.settings import Drain, Settings
from sekisho.telemetry.background import Background
from sekisho.telemetry.metrics import CallMetrics, LabelledGauge
from sekisho.telemetry.siblings import Siblings
from sekisho.upstream.client import Client

if TYPE_CHECKING:
    from sekisho.control.state.budgets import SharedBudgets
    from sekisho.control.state.connection import StateConnection
    from sekisho.control.state.limits import SharedLimits

DIALECTS: Mapping[str, Dialect] = {
    dialect.name: dialect
    for dialect in (
        openai_chat.DIALECT,
        anthropic_messages.DIALECT,
        bedrock_converse.DIALECT,
        gemini_generate.DIALECT,
        openai_completions.DIALECT,
        openai_responses.DIALECT,
    )
}
ALONE = (
    "providers have budgets, and more than one worker would each count for itself: set SEKISHO_STATE_URL to "
    "a Valkey or Redis that they share, or run one worker"
)
BESIDE = (
    "serves on the same database, and each would count limits or budgets for itself: set the same "
    "SEKISHO_STATE_URL, a Valkey or Redis, for both, stop it, or take the limits away (`sekisho keys list`)"
)
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Options:
    """What `sekisho serve` was asked."""

    host: str
    port: int
    config: Path | None = None
    worker: int | None = None
    """Number of this process among several on one port; None: it is alone."""
    grace: float = GRACE
    """Seconds for which what a call holds outlasts its route's total, if nobody settles it."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """One version of the document, compiled."""

    snapshot: Snapshot
    server: ServerEntry
    records: RecordsEntry
    alerts: AlertsEntry = field(default_factory=AlertsEntry)
    status: StatusEntry = field(default_factory=StatusEntry)


def configuration(
    text: bytes,
    source: str,
    known: Catalog,
    environment: Mapping[str, str],
    scorers: Scorers | None = None,
) -> Configuration:
    """Compile a document's text. Raises DocumentError with every problem located.

    `scorers` keep what they have made, for the next version.
    """
    parsed = document.read(text, source)
    snapshot = compile_document(parsed, known, environment, (scorers or Scorers()).find)
    return Configuration(snapshot, parsed.server, parsed.records, parsed.alerts, parsed.status)


def _state_at(url: str) -> "StateConnection":
    """Raises StateError for a URL that is none."""
    # Here, since Redis's client takes a tenth of a second and six megabytes of every process that has it.
    from sekisho.control.state.connection import StateConnection  # noqa: PLC0415 - most do without

    return StateConnection(read_address(url))


class Gateway:
    """One process: `start`, and `stop` after it."""

    def __init__(
        self,
        settings: Settings,
        options: Options,
        environment: Mapping[str, str] = os.environ,
        fixed: Configuration | None = None,
    ):
        """`fixed`: what to serve instead of a document. Raises StateError for a state URL that is none."""
        self._fixed = fixed
        self._settings = settings
        self._options = options
        self._environment = environment
        self._clock = Clock()
        self._background = Background()
        self._metrics = CallMetrics()
        self._board = Board(self._clock.monotonic)
        self._state = _state_at(settings.state_url) if settings.state_url else None
        self._limits: SharedLimits | None = None
        self._budgets: SharedBudgets | None = None
        self._cors: Cors | None = None
        self.first_admin_key: str | None = None
        """Made by `start` where there was no key at all: to be shown once and never logged."""

    async def start(self) -> int:
        """Everything up; returns the port. Raises DocumentError, OSError, StoreError or StateError: a gateway
        that cannot do its work does not pretend to."""
        settings, options, clock = self._settings, self._options, self._clock
        watcher, first = self._read_configuration()
        if self._state is not None:
            await self._state.start()
        self._journal = FileJournal(settings.data_dir / "journal", clock=clock)
        self._control = ControlPlane(settings, self._background, clock)
        await self._control.start()
        self.first_admin_key = self._control.first_admin_key
        await self._check_beside(first.snapshot)
        self._client = Client(clock=clock.monotonic)
        self._alerts = Alerts()
        self._status_pages = self._page_reader()
        counters = await self._counters()
        self._pipeline = Pipeline(
            plane=Plane(first.snapshot, DIALECTS, self._environment, clock.now),
            keys=self._control.keys,
            attempts=self._attempts(counters),
            clock=clock,
        )
        siblings = Siblings(settings.data_dir / "run", options.worker, self._metrics)
        siblings.inherit()
        self._pages = Pages(self._pipeline, self._control.books, siblings.render)
        self._responder = responder = Responder(self._pipeline, self._journal, self._observe, clock)
        follow_ups = FollowUps(self._pipeline, self._control.books, self._journal, self._observe)
        administrations = {
            "/admin/v1/": self._control.administration,
            "/api/v1/": self._control.marketplace,
        }
        admin = AdminPages(self._pipeline, administrations)
        routes = Routes(DIALECTS, responder, self._pages.find, lambda: self._cors, follow_ups, admin)
        await budgets.count(self._board.spent, first.snapshot.providers.values(), self._control.books)
        self._server = Server(routes.handle, routes.refuse, Limits(), clock)
        self._apply(first)
        self._watch_parts()
        self._background.start("probes", self._prober().run)
        self._background.start("alerts", self._alerts.run)
        self._background.start("status pages", self._status_pages.run)
        self._share_health()
        if watcher is not None:
            self._background.start("document", partial(watcher.run, self._publish))
        if options.worker is not None:
            self._background.start("metrics", siblings.run)
        shared = options.worker is not None
        port = await self._server.listen(options.host, options.port, share_port=shared)
        self._pages.ready = True
        return port

    def _attempts(self, counters: Counters) -> Attempts:
        attempts = Attempts(self._client, self._clock, random.Random(), self._board, counters=counters)
        attempts.admission.grace = self._options.grace
        return attempts

    @property
    def books(self) -> Books:
        """The books of the running gateway."""
        return self._control.books

    async def stop(self, drain: Drain = Drain()) -> None:
        """Say that no new calls are wanted, then take none; let the running ones end, and bring every record
        home."""
        self._pages.draining = True
        await self._server.drain(drain.limit, drain.delay)
        if self._limits is not None:
            await self._limits.stop()
        if self._budgets is not None:
            await self._budgets.stop()
        await self._background.stop()
        await self._journal.close()
        await self._control.close()
        await self._client.close()
        if self._state is not None:
            await self._state.close()

    async def _check_beside(self, snapshot: Snapshot) -> None:
        """Raises StateError where another process would count the same limits apart from this one."""
        beside = self._control.beside
        if not beside:
            return
        if snapshot.limits_configured or await self._control.counted.limits():
            await self._background.stop()
            await self._journal.close()
            await self._control.close()
            raise StateError(f"{beside[0].text} {BESIDE}")
        names = [each.text for each in beside]
        log.warning("not_alone", beside=names, remedy="set SEKISHO_STATE_URL, or limits will refuse calls")

    async def _counters(self) -> Counters:
        """Shared with all processes of the state URL, or of this process alone, as the books have them.
        Several processes without one have none: limits that are made while they run refuse calls."""
        if self._settings.state_url is not None:
            return await self._shared_counters(self._settings.state_url)
        if self._options.worker is not None or self._control.beside:
            return LostCounters()
        counters = MemoryCounters(self._clock.now, self._alerts.tell)
        counted = self._control.counted
        entries, _ = await counted.used(await counted.limits(), self._clock.now())
        for limit, counter, then, amount in entries:
            counters.restore(limit, [(counter, then, amount)])
        return counters

    async def _shared_counters(self, state_url: str) -> Counters:
        from sekisho.control.state.limits import SharedLimits  # noqa: PLC0415 - see `_state_at`

        self._limits = shared = SharedLimits(
            read_address(state_url), self._control.counted, self._alerts.tell
        )
        await shared.start(self._background)
        for name, (text, read) in shared.gauges().items():
            self._metrics.gauge(name, text, read)
        return shared.counters

    def _prober(self) -> Prober:
        asker = Asker(self._pipeline.attempts, openai_chat.DIALECT, self._journal, self._observe)
        return Prober(asker, self._board, lambda: self._pipeline.plane, random.Random())

    def _page_reader(self) -> StatusPages:
        asker = PageAsker(self._client, self._clock, self._environment)
        first = self._options.worker in (None, 0)  # of several workers one asks, for all
        return StatusPages(asker, self._settings.status_dir, self._board, random.Random(), asks=first)

    def _observe(self, record: CallRecord) -> None:
        self._metrics.observe(record)
        self._board.observe(record)

    def _read_configuration(self) -> tuple[DocumentWatcher[Configuration] | None, Configuration]:
        if self._fixed is not None:
            return None, self._fixed
        catalogue, path, scorers = KeptCatalogue(self._settings.catalog_dir), self._options.config, Scorers()

        def compiled(text: bytes) -> Configuration:
            known = catalogue.now()
            if path is None:
                return Configuration(discover(known, self._environment), ServerEntry(), RecordsEntry())
            return configuration(text, str(path), known, self._environment, scorers)

        watcher = DocumentWatcher(path, compiled, catalogue.file)
        first = watcher.load()
        if path is None and not first.snapshot.providers:
            log.warning("no_providers", reason=nothing_found(catalogue.now()))
        return watcher, first

    async def _publish(self, new: Configuration) -> None:
        """Calls under way finish on what they started with."""
        several = self._options.worker is not None or self._control.beside
        if several and self._state is None and new.snapshot.limits_configured:
            log.error("document_refused", problems=ALONE, serving="the last good document")
            return
        providers = new.snapshot.providers.values()
        await budgets.count(self._board.spent, providers, self._control.books)
        self._pipeline.plane = Plane(new.snapshot, DIALECTS, self._environment, self._clock.now)
        self._board.spent.keep(providers)
        self._board.keep({endpoint.id for endpoint in new.snapshot.endpoints()})
        self._apply(new)
        log.info("document_published", revision=new.snapshot.revision, models=len(new.snapshot.routes))

    def _apply(self, new: Configuration) -> None:
        self._control.upkeep.keep = new.records.keep
        webhooks = (
            Webhook(url, number, self._client, self._clock, self._environment)
            for number, url in enumerate(new.alerts.webhooks)
        )
        mails = () if new.alerts.email is None else (Mail(new.alerts.email),)
        self._alerts.channels = (*webhooks, *mails)
        self._status_pages.configure(new.status, new.snapshot.providers.values())
        entry = new.server
        self._cors = Cors(frozenset(entry.cors)) if entry.cors else None
        self._responder.comment_seconds = SECONDS if entry.comments is None else entry.comments
        wanted = {
            "body_bytes": entry.body_limit,
            "head_seconds": entry.header_timeout,
            "body_seconds": entry.body_timeout,
        }
        changes = {name: value for name, value in wanted.items() if value is not None}
        self._server.limits = replace(Limits(), **changes)  # type: ignore[arg-type]

    def _share_health(self) -> None:
        """With all processes of the same state URL."""
        state = self._state
        if state is None:
            return
        from sekisho.control.state.budgets import SharedBudgets  # noqa: PLC0415 - see `_state_at`
        from sekisho.control.state.health import SharedHealth  # noqa: PLC0415

        shared = SharedHealth(
            state, {"endpoint": self._board, "key": self._pipeline.attempts.keys}, self._clock.monotonic
        )
        self._budgets = SharedBudgets(state, self._board.spent, self._control.counted)
        self._background.start("state", state.run)
        self._background.start("budgets", self._budgets.run)
        self._background.start("health told", shared.tell_others)
        self._background.start("health heard", shared.hear_others)
        self._metrics.gauge("state_ready", "1: the shared state is there.", lambda: state.ready)
        self._metrics.gauge(
            "state_failures", "Attempts to reach the shared state that failed.", lambda: state.failures
        )

    def _watch_parts(self) -> None:
        server, journal = self._server, self._journal
        board = self._board
        self._metrics.labelled_gauge(
            "endpoints",
            LabelledGauge("Endpoints that were called, by health.", ("provider", "state"), board.states),
        )
        self._metrics.labelled_gauge(
            "calls_underway", LabelledGauge("Attempts under way.", ("provider",), board.underway)
        )
        self._metrics.labelled_gauge(
            "budget_left",
            LabelledGauge("Share of the provider's budget.", ("provider",), board.spent.shares_left),
        )
        self._metrics.gauge("connections", "Open client connections.", lambda: len(server.connections))
        self._metrics.gauge("journal_failures", "Journal writes that failed.", lambda: journal.failures)
        self._metrics.gauge(
            "journal_waiting_bytes", "Records not yet on disk.", lambda: journal.waiting_bytes
        )
        self._metrics.gauge(
            "ledger_failures", "Loads that the database refused.", lambda: self._control.ledger.failures
        )
        self._metrics.gauge("alert_failures", "Alerts not taken.", lambda: self._alerts.failures)
        self._metrics.gauge("journal_lost", "Records lost to a full disk.", lambda: journal.lost)
