"""What was paid ahead, over HTTP."""

from collections.abc import Callable

import msgspec

from sekisho.control.http.asked import Answer, Asked
from sekisho.control.services import shown
from sekisho.control.services.credits import CreditService
from sekisho.control.services.refusal import Refused
from sekisho.control.services.terms import Terms
from sekisho.core.limit import Level
from sekisho.core.money import nano_from_usd


class CreditDraft(msgspec.Struct, forbid_unknown_fields=True):
    usd: str
    """Below 0: taken back."""
    note: str = ""


class CreditPages:
    """Of one level. Waits for the database. Raises Refused, and BadRequest."""

    def __init__(self, service: CreditService, level: Level, own: Callable[[Asked], Terms]):
        """`own`: the holder that a path names, where the caller may see it."""
        self._service = service
        self._level = level
        self._own = own

    def show(self, asked: Asked) -> Answer:
        holder = self._own(asked).id
        found = self._service.balance(self._level, holder)
        entries = [shown.credit(each) for each in self._service.list(self._level, holder)]
        return 200, {"balance": None if found is None else shown.balance(found), "data": entries}

    def add(self, asked: Asked) -> Answer:
        holder, draft = self._own(asked).id, asked.read(CreditDraft)
        try:
            amount = nano_from_usd(draft.usd)
        except ValueError as error:
            raise Refused(str(error), "usd") from None
        return 201, shown.credit(self._service.add(self._level, holder, amount, asked.who, draft.note))
