"""Alerts by webhook: one POST of JSON, whose `text` Slack and its like show."""

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from sekisho.control.services.alerts import Alert, NotTaken
from sekisho.core.clock import Clock
from sekisho.core.error import SekishoError
from sekisho.core.route import Timeouts
from sekisho.core.secret import Secret
from sekisho.upstream.client import Client
from sekisho.upstream.head import CONTENT_TYPE, build_head
from sekisho.upstream.origin import origin_and_path

TIMEOUTS = Timeouts(connect=5.0, first_token=10.0, idle=10.0, total=15.0)
ANSWER = 65_536
"""Bytes of an answer that are read."""


class Webhook:
    """Implements `alerts.Channel`."""

    def __init__(self, url: str, number: int, client: Client, clock: Clock, environment: Mapping[str, str]):
        """`url` may hold `${VAR}`, and is a secret: logs know it by its place in the document, `number`."""
        self.name = f"webhook {number}"
        self._url = Secret(url)
        self._client = client
        self._clock = clock
        self._environment = environment

    async def deliver(self, alert: Alert) -> None:
        """See `alerts.Channel`."""
        body = msgspec.json.encode(replace(alert, text=_escaped(alert.text)))
        try:
            status = await self._post(body)
        except SekishoError as error:
            raise NotTaken(error.code, again=True) from None
        except ValueError:
            raise NotTaken("its URL is none", again=False) from None
        if status >= 300:
            raise NotTaken(f"it answered {status}", again=status >= 500 or status in (408, 429))

    async def _post(self, body: bytes) -> int:
        """The status of the answer. Raises UpstreamError, or ValueError for a URL that is none."""
        origin, path = origin_and_path(self._url.resolve(), self._environment)
        head = build_head("POST", path, origin, [CONTENT_TYPE])
        deadline = self._clock.monotonic() + TIMEOUTS.total
        response = await self._client.send(origin, head, body, TIMEOUTS, deadline)
        try:
            await response.read(ANSWER)
        finally:
            response.close()
        return response.status


def _escaped(text: str) -> str:
    """To Slack these three are control characters: a tag named `<!channel>` would call everybody
    (https://api.slack.com/reference/surfaces/formatting#escaping, 2026-11)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
