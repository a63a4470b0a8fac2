"""`/api/v1/keys`: keys in the shapes of OpenRouter's API document. A key's hash is its id here."""

from typing import Any

from msgspec import UNSET

from sekisho.control.http.asked import Answer, Asked, whole
from sekisho.control.http.holders import confined
from sekisho.control.services import shown
from sekisho.control.services.market_keys import RESETS, Change, Made, MarketKeys, Seen
from sekisho.core.money import NANO
from sekisho.core.principal import DEFAULT_ORGANISATION
from sekisho.wire.market_usage import usage_members

LARGEST_SKIP = 2**31


class MarketKeyPages:
    """A workspace is an organisation. Waits for the database. Raises Refused, and BadRequest."""

    def __init__(self, service: MarketKeys):
        self._service = service

    def list(self, asked: Asked) -> Answer:
        said = asked.parameters(("include_disabled", "offset", "workspace_id"))
        organisation = confined(asked, said.get("workspace_id", UNSET), "workspace_id")
        keys = self._service.list(
            DEFAULT_ORGANISATION if organisation is UNSET else organisation,
            skip=whole(said, "offset", 0, (0, LARGEST_SKIP)),
            disabled=said.get("include_disabled") == "true",
        )
        return 200, {"data": [_shown(key) for key in keys]}

    def create(self, asked: Asked) -> Answer:
        made = asked.read(Made)
        organisation = confined(asked, made.workspace_id, "workspace_id")
        key, text = self._service.create(
            made, DEFAULT_ORGANISATION if organisation is UNSET else organisation
        )
        return 201, {"data": _shown(key), "key": text}

    def show(self, asked: Asked) -> Answer:
        return 200, {"data": _shown(self._service.get(asked.id, asked.within))}

    def update(self, asked: Asked) -> Answer:
        change = asked.read(Change)
        return 200, {"data": _shown(self._service.update(asked.id, asked.within, change))}

    def delete(self, asked: Asked) -> Answer:
        self._service.revoke(asked.id, asked.within)
        return 200, {"deleted": True}


def _shown(seen: Seen) -> dict[str, Any]:
    key, budget = seen.key, seen.budget
    return {
        "hash": key.id,
        "name": key.name,
        "label": f"{key.prefix}...",
        "disabled": key.disabled is not None,
        "limit": None if budget is None else budget.amount / NANO,
        "limit_remaining": None if seen.left is None else seen.left / NANO,
        "limit_reset": None if budget is None or budget.period is None else RESETS[budget.period],
        **usage_members(seen.spending),
        "created_at": shown.time(key.created),
        "updated_at": None,
        "expires_at": shown.time(key.expires),
        "creator_user_id": key.owner,
        "workspace_id": key.organisation,
        # Newer than the document, and demanded by OpenRouter's SDKs.
        "external_user": None,
        "last_used_at": None,
    }
