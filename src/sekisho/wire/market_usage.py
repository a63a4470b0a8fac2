"""What a key has used, in the shapes of OpenRouter's API document."""

from typing import Any

from sekisho.core.money import NANO
from sekisho.core.port import Spending


def usage_members(spending: Spending) -> dict[str, Any]:
    """USD. Calls run on the operator's own provider keys, and count as usage here, not as that of others."""
    return {
        "usage": spending.total / NANO,
        "usage_daily": spending.day / NANO,
        "usage_weekly": spending.week / NANO,
        "usage_monthly": spending.month / NANO,
        "byok_usage": 0,
        "byok_usage_daily": 0,
        "byok_usage_weekly": 0,
        "byok_usage_monthly": 0,
        "include_byok_in_limit": False,
    }
