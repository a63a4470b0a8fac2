"""Warnings that a provider is going to switch a model off."""

from datetime import UTC, datetime

import structlog

from sekisho.core.provider import Endpoint, Retirement

HEADER_NAME = "x-sekisho-retires"
log = structlog.get_logger()


class Retiring:
    """Tells the client with every call, and the log once a day for each model."""

    def __init__(self) -> None:
        self._logged: dict[str, str] = {}

    def line(self, endpoint: Endpoint, retires: Retirement, now: float) -> str:
        """The response header's line. `now`: seconds since the epoch."""
        today = datetime.fromtimestamp(now, UTC).date().isoformat()
        if self._logged.get(endpoint.id) != today:
            self._logged[endpoint.id] = today
            log.warning(
                "model_retires",
                model=endpoint.model,
                provider=endpoint.provider.name,
                date=retires.date,
                over=retires.date <= today,
                use=retires.use,
                source=retires.source,
            )
        instead = f"; use={retires.use}" if retires.use else ""
        return f"{HEADER_NAME}: {retires.date}{instead}\r\n"
