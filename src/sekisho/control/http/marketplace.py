"""The table of what the control plane answers below `/api/v1`, in the shapes of OpenRouter's API document."""

from collections.abc import Sequence

from sekisho.control.http.activity import ActivityPages
from sekisho.control.http.market_keys import MarketKeyPages
from sekisho.control.http.presets import PresetPages
from sekisho.control.http.table import Route
from sekisho.control.services.activity import ActivityService
from sekisho.control.services.market_keys import MarketKeys
from sekisho.control.services.presets import PresetService
from sekisho.control.store.engine import Store
from sekisho.core.clock import Clock


def routes(store: Store, clock: Clock) -> Sequence[Route]:
    """All of them."""
    activity = ActivityPages(ActivityService(store, clock), clock)
    presets = PresetPages(PresetService(store, clock))
    keys = MarketKeyPages(MarketKeys(store, clock))
    return (
        Route("GET", "keys", "keys:read", keys.list, of_books=True),
        Route("POST", "keys", "keys:write", keys.create),
        Route("GET", "keys/{hash}", "keys:read", keys.show, of_books=True),
        Route("PATCH", "keys/{hash}", "keys:write", keys.update, of_books=True),
        Route("DELETE", "keys/{hash}", "keys:write", keys.delete),
        Route("GET", "activity", "activity:read", activity.activity, of_books=True),
        Route("GET", "datasets/rankings-daily", "activity:read", activity.rankings, of_books=True),
        Route("GET", "presets", "presets:read", presets.list),
        Route("GET", "presets/{slug}", "presets:read", presets.show),
        Route("GET", "presets/{slug}/versions", "presets:read", presets.versions),
        Route("GET", "presets/{slug}/versions/{version}", "presets:read", presets.version),
        Route("POST", "presets/{slug}/chat/completions", "presets:write", presets.from_chat),
        Route("POST", "presets/{slug}/messages", "presets:write", presets.from_messages),
        Route("POST", "presets/{slug}/responses", "presets:write", presets.from_responses),
    )
