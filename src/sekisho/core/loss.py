"""What a writer could not say, collected while it writes."""

from collections.abc import Collection, Iterable

from sekisho.core.contract import Loss
from sekisho.core.message import Vendor
from sekisho.core.request import Request


class Losses:
    """For one request that is written in one dialect. Fields are paths in hub terms."""

    __slots__ = ("_dialect", "found")

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        self.found: list[Loss] = []

    def content(self, field: str, reason: str) -> None:
        """Content, a tool or a format: the call is refused unless the route allows the loss."""
        self.found.append(Loss(field, reason, content=True))

    def knob(self, field: str, reason: str) -> None:
        """A tuning knob: dropped, and named in a response header."""
        self.found.append(Loss(field, reason, content=False))

    def unsaid(self, request: Request, names: Iterable[str], reason: str) -> None:
        """Names those members of `request` that it says and the dialect has no place for: tuning knobs."""
        for name in names:
            if getattr(request, name) is not None:
                self.knob(name, reason)

    def foreign(self, field: str, vendor: Vendor | None, required: Collection[str] = ()) -> None:
        """Names what only other dialects understand, member by member; those in `required` are content."""
        for dialect, members in (vendor or {}).items():
            if dialect == self._dialect or all(name.startswith("_") for name in members):
                continue
            path = f"{field}.vendor.{dialect}" if field else f"vendor.{dialect}"
            reason = f"only the dialect {dialect} knows it"
            for name in members:
                if name in required:
                    self.content(f"{path}.{name}", reason)
                elif not name.startswith("_"):
                    self.knob(f"{path}.{name}", reason)
