"""Tells whoever is to know that a limit is used to some percent: one POST to each webhook."""

import asyncio
from collections import deque
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec
import structlog

from sekisho.control.services import limits
from sekisho.core.admission import Crossed
from sekisho.core.clock import Clock
from sekisho.core.error import SekishoError
from sekisho.core.route import Timeouts
from sekisho.core.secret import Secret
from sekisho.upstream.client import Client
from sekisho.upstream.head import CONTENT_TYPE, build_head
from sekisho.upstream.origin import origin_of

PAUSES = (1.0, 5.0, 30.0, 120.0, 600.0)
"""Seconds before each further try."""
MOST = 200
"""Alerts that are on their way or wait; more are dropped, and said so."""
TIMEOUTS = Timeouts(connect=5.0, first_token=10.0, idle=10.0, total=15.0)
ANSWER = 65_536
"""Bytes of an answer that are read."""
log = structlog.get_logger()


class Alert(msgspec.Struct, frozen=True):
    """As JSON, what a webhook gets. `text` is what Slack and its like show."""

    text: str
    limit: str
    definition: str
    """As limits are written."""
    level: str
    holder: str
    percent: int


class Alerts:
    """`tell` it, and keep `run` running. `webhooks` may change meanwhile."""

    def __init__(self, client: Client, clock: Clock, environment: Mapping[str, str]):
        self._client = client
        self._clock = clock
        self._environment = environment
        self._waiting: deque[Alert] = deque()
        self._woken = asyncio.Event()
        self._underway: set[asyncio.Task[None]] = set()
        self.webhooks: tuple[str, ...] = ()
        """URLs; they may hold `${VAR}`, and are secrets."""
        self.failures = 0
        """Alerts that some webhook never took."""

    def tell(self, crossed: Crossed) -> None:
        """Does not wait."""
        alert = _alert(crossed)
        log.warning("limit_crossed", limit=alert.limit, holder=alert.holder, percent=alert.percent)
        if not self.webhooks:
            return
        if len(self._waiting) + len(self._underway) >= MOST:
            self.failures += 1
            log.error(
                "alert_dropped", limit=alert.limit, percent=alert.percent, reason="too many are waiting"
            )
            return
        self._waiting.append(alert)
        self._woken.set()

    async def run(self) -> None:
        """For ever."""
        try:
            while True:
                await self._woken.wait()
                self._woken.clear()
                while self._waiting:
                    alert = self._waiting.popleft()
                    for number, webhook in enumerate(self.webhooks):
                        task = asyncio.create_task(self._deliver(alert, webhook, number))
                        self._underway.add(task)
                        task.add_done_callback(self._underway.discard)
        finally:
            for task in self._underway:
                task.cancel()

    async def _deliver(self, alert: Alert, webhook: str, number: int) -> None:
        """To one webhook, which logs know by its place in the document: its URL is a secret."""
        reason = ""
        for pause in (0.0, *PAUSES):
            await asyncio.sleep(pause)
            try:
                status = await self._post(webhook, msgspec.json.encode(alert))
            except SekishoError as error:
                reason = error.code
            except ValueError:
                reason = "its URL is none"
                break
            else:
                if status < 300:
                    return
                reason = f"it answered {status}"
                if status < 500 and status not in (408, 429):
                    break
        self.failures += 1
        log.error("alert_not_taken", webhook=number, limit=alert.limit, percent=alert.percent, reason=reason)

    async def _post(self, webhook: str, body: bytes) -> int:
        """The status of the answer. Raises UpstreamError, or ValueError for a URL that is none."""
        parts = urlsplit(Secret(webhook).resolve())
        origin, _ = origin_of(
            f"{parts.scheme}://{parts.netloc}", proxy=None, ca_file=None, environment=self._environment
        )
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        head = build_head("POST", path, origin, [CONTENT_TYPE])
        deadline = self._clock.monotonic() + TIMEOUTS.total
        response = await self._client.send(origin, head, body, TIMEOUTS, deadline)
        try:
            await response.read(ANSWER)
        finally:
            response.close()
        return response.status


def _alert(crossed: Crossed) -> Alert:
    limit = crossed.limit
    definition = limits.write(limit)
    one = f" by one {limit.each}" if limit.each else ""
    return Alert(
        text=f"Sekisho: {crossed.percent} % of `{definition}` used{one}: {limit.level} {limit.holder}",
        limit=limit.id,
        definition=definition,
        level=limit.level,
        holder=limit.holder,
        percent=crossed.percent,
    )
