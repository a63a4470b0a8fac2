"""Organisations, teams, projects, people and service accounts over HTTP."""

from typing import Any

from msgspec import UNSET

from sekisho.control.http.asked import Answer, Asked, page, page_length
from sekisho.control.services import shown
from sekisho.control.services.holders import HolderService, Page
from sekisho.control.services.refusal import Missing, Refused
from sekisho.control.services.terms import Holder, HolderDraft


class HolderPages:
    """Of one kind. Waits for the database. Raises Refused, and BadRequest."""

    def __init__(self, service: HolderService):
        self._service = service

    def list(self, asked: Asked) -> Answer:
        parameters = asked.parameters(("limit", "after", "organisation"))
        most = page_length(parameters)
        organisation = asked.within or parameters.get("organisation")
        found = self._service.list(Page(most + 1, parameters.get("after"), organisation))
        return 200, page([shown.holder(each) for each in found], most)

    def create(self, asked: Asked) -> Answer:
        draft = asked.read(HolderDraft)
        if draft.name is UNSET:
            raise Refused("`name` is missing", "name")
        if self._service.kind != "organisation":
            draft.organisation = confined(asked, draft.organisation)
        return 201, shown.holder(self._service.create(draft.name, draft))

    def show(self, asked: Asked) -> Answer:
        return 200, shown.holder(self.own(asked))

    def update(self, asked: Asked) -> Answer:
        draft = asked.read(HolderDraft)
        return 200, shown.holder(self._service.update(self.own(asked).id, draft))

    def own(self, asked: Asked) -> Holder:
        found = self._service.get(asked.id)
        if asked.within not in (None, found.organisation):
            raise self._service.missing(asked.id)
        return found


def confined(asked: Asked, organisation: Any, field: str = "organisation") -> Any:
    """The organisation for something new: the caller's own, where it may use no other. Raises Missing, naming
    the field."""
    if asked.within is None:
        return organisation
    if organisation not in (UNSET, asked.within):
        raise Missing(f"no organisation has the id or name {organisation[:200]!r}", field)
    return asked.within
