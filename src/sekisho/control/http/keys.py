"""API keys over HTTP. A key's text is in the answer that makes it, and in no other."""

from typing import Any

import msgspec
from msgspec import UNSET

from sekisho.control.http.asked import Answer, Asked, page, page_length
from sekisho.control.http.holders import confined
from sekisho.control.services import shown
from sekisho.control.services.keys import KeyPage, KeyService
from sekisho.control.services.refusal import Refused
from sekisho.control.services.terms import ApiKey, KeyDraft
from sekisho.core.clock import Clock

FILTERS = ("organisation", "team", "project", "owner")
DAY = 86400.0


class Rotation(msgspec.Struct, forbid_unknown_fields=True):
    overlap_seconds: float = DAY
    """How long the old text is taken as well."""


class KeyPages:
    """Waits for the database. Raises Refused, and BadRequest."""

    def __init__(self, service: KeyService, clock: Clock):
        self._service = service
        self._now = clock.now

    def list(self, asked: Asked) -> Answer:
        parameters = asked.parameters(("limit", "after", *FILTERS))
        most = page_length(parameters)
        belonging = {name: parameters[name] for name in FILTERS if name in parameters}
        if asked.within is not None:
            belonging["organisation"] = asked.within
        found = self._service.list(KeyPage(most + 1, parameters.get("after"), belonging))
        return 200, page([self._shown(each) for each in found], most)

    def create(self, asked: Asked) -> Answer:
        draft = asked.read(KeyDraft)
        if draft.name is UNSET:
            raise Refused("`name` is missing", "name")
        draft.organisation = confined(asked, draft.organisation)
        key, text = self._service.create(draft.name, draft)
        return 201, {**self._shown(key), "key": text}

    def show(self, asked: Asked) -> Answer:
        key = self.own(asked)
        return 200, {**self._shown(key), "effective": shown.effective(self._service.effective(key))}

    def update(self, asked: Asked) -> Answer:
        draft = asked.read(KeyDraft)
        return 200, self._shown(self._service.update(self.own(asked).id, draft))

    def rotate(self, asked: Asked) -> Answer:
        overlap = asked.read(Rotation).overlap_seconds if asked.body else DAY
        key, text = self._service.rotate(self.own(asked).id, overlap)
        return 200, {**self._shown(key), "key": text}

    def revoke(self, asked: Asked) -> Answer:
        return 200, self._shown(self._service.revoke(self.own(asked).id))

    def own(self, asked: Asked) -> ApiKey:
        found = self._service.get(asked.id)
        if asked.within not in (None, found.organisation):
            raise self._service.missing(asked.id)
        return found

    def _shown(self, key: ApiKey) -> dict[str, Any]:
        return shown.key(key, self._now())
