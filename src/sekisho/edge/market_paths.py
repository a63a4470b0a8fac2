"""Paths of OpenRouter's API document that are not served, and why."""

from collections.abc import Mapping
from types import MappingProxyType

PREFIX = "/api/v1/"
_REPORTS = "`sekisho report` and `sekisho export` tell what was spent, and by whom"
_HOLDERS = "organisations, teams and people are managed below /admin/v1"
_FILES = "files, images, speech and video are not passed on yet"
UNSERVED: Mapping[str, str] = MappingProxyType(
    {
        "analytics": _REPORTS,
        "audio": _FILES,
        "auth": "nobody signs in here: keys are made at /keys, below /admin/v1, or with `sekisho keys`",
        "benchmarks": "its sources are none of the catalogue's; `sekisho models` ranks by the sets it has",
        "byok": "the keys of providers stand in the configuration document",
        "classifications": "prompts are not classified",
        "credits/coinbase": "nothing is sold here",
        "datasets": "what others call is not known here",
        "files": _FILES,
        "generation/content": "prompts and answers are not kept",
        "generation/feedback": "nobody here reads feedback",
        "guardrails": "keys are limited with `sekisho keys`, or below /admin/v1",
        "images": _FILES,
        "observability": "calls are not sent on to observability services",
        "organization": _HOLDERS,
        "scim": _HOLDERS,
        "videos": _FILES,
        "workspaces": _HOLDERS,
    }
)


def unserved(path: str) -> str | None:
    """Why a path is not served; None: it is no such path."""
    if not path.startswith(PREFIX):
        return None
    first, _, rest = path[len(PREFIX) :].partition("/")
    two = f"{first}/{rest.partition('/')[0]}"
    return UNSERVED.get(two) or UNSERVED.get(first)
