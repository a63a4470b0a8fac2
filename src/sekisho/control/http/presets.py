"""`/api/v1/presets`, in the shapes of OpenRouter's API document. Every key reads those of its organisation;
admins add versions, of which the latest is applied."""

from typing import Any

from sekisho.control.http.asked import Answer, Asked, whole
from sekisho.control.services import shown
from sekisho.control.services.presets import Kept, PresetService, Version
from sekisho.core.principal import DEFAULT_ORGANISATION

LARGEST = 2**31 - 1
USUAL, LONGEST = 50, 100
"""Entries of a page."""


class PresetPages:
    """Waits for the database. Raises Refused, and BadRequest."""

    def __init__(self, service: PresetService):
        self._service = service

    def list(self, asked: Asked) -> Answer:
        found, total = self._service.list(_organisation(asked), *_page(asked))
        return 200, {"data": [_preset(each) for each in found], "total_count": total}

    def show(self, asked: Asked) -> Answer:
        return 200, {"data": _whole(self._service.get(_organisation(asked), asked.id))}

    def versions(self, asked: Asked) -> Answer:
        found, total = self._service.versions(_organisation(asked), asked.id, *_page(asked))
        return 200, {"data": [_version(each) for each in found], "total_count": total}

    def version(self, asked: Asked) -> Answer:
        number = whole({"version": asked.path[3]}, "version", 1, (1, LARGEST))
        return 200, {"data": _version(self._service.version(_organisation(asked), asked.id, number))}

    def from_chat(self, asked: Asked) -> Answer:
        return self._add(asked, "openai_chat")

    def from_messages(self, asked: Asked) -> Answer:
        return self._add(asked, "anthropic_messages")

    def from_responses(self, asked: Asked) -> Answer:
        return self._add(asked, "openai_responses")

    def _add(self, asked: Asked, dialect: str) -> Answer:
        body = asked.read(dict[str, Any])
        made = self._service.add(_organisation(asked), asked.id, dialect, body, asked.who)
        return 200, {"data": _whole(made)}


def _organisation(asked: Asked) -> str:
    return asked.within or DEFAULT_ORGANISATION


def _page(asked: Asked) -> tuple[int, int]:
    """How many to skip, and to show at most."""
    said = asked.parameters(("offset", "limit"))
    return whole(said, "offset", 0, (0, LARGEST)), whole(said, "limit", USUAL, (1, LONGEST))


def _whole(kept: Kept) -> dict[str, Any]:
    return {**_preset(kept), "designated_version": _version(kept.latest)}


def _preset(kept: Kept) -> dict[str, Any]:
    latest = kept.latest
    return {
        "id": _id(latest),
        "creator_user_id": None,
        "workspace_id": latest.organisation,
        "name": latest.slug,
        "slug": latest.slug,
        "description": None,
        "status": "active",
        "designated_version_id": _version_id(latest),
        "created_at": shown.time(kept.made),
        "updated_at": shown.time(latest.made),
        "status_updated_at": None,
    }


def _version(found: Version) -> dict[str, Any]:
    return {
        "id": _version_id(found),
        "preset_id": _id(found),
        "creator_id": found.made_by,
        "version": found.version,
        "system_prompt": found.system_prompt,
        "config": found.config,
        "created_at": shown.time(found.made),
        "updated_at": shown.time(found.made),
    }


def _id(found: Version) -> str:
    return f"{found.organisation}/{found.slug}"


def _version_id(found: Version) -> str:
    return f"{_id(found)}@{found.version}"
