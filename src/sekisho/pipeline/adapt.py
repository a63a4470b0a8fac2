"""What a route and an endpoint have to say of every request, whoever wrote its body."""

from collections.abc import Iterable, Sequence

from sekisho.core.contract import Loss, Members
from sekisho.core.error import Unsupported, UpstreamError
from sekisho.core.route import Route, Target
from sekisho.pipeline.prepare import Prepared
from sekisho.wire import pointer


def is_due(prepared: Prepared, route: Route, target: Target) -> bool:
    """Whether there is anything to do to the members of a request."""
    return prepared.adapts or bool(target.extra_body) or route.prompt_cache != "pass"


class Adaptation:
    """For one request on its way to one target."""

    __slots__ = ("_edits", "_on_loss", "_prepared", "_prompt_cache", "due")

    def __init__(self, prepared: Prepared, route: Route, target: Target):
        self._prepared = prepared
        self._on_loss = route.on_loss
        self._prompt_cache = route.prompt_cache
        self._edits = target.endpoint.extra_body + target.extra_body
        self.due = is_due(prepared, route, target)
        """Whether the body must be decoded into members at all for `adapt`."""

    def adapt(self, members: Members) -> tuple[str, ...]:
        """Cache marks, then quirks, then the operator's edits; returns the knobs that were lost.

        Raises UpstreamError where an edit does not fit the request: another target may do.
        """
        marks = self._prepared.dialect.cache_marks
        if self._prompt_cache == "off":
            marks.strip(members)
        elif self._prompt_cache == "auto":
            marks.place(members, self._prepared.facts)
        dropped = self._prepared.adapt(members) if self._prepared.quirks.applies else ()
        self.edit(members)
        return dropped

    def edit(self, members: Members) -> None:
        """The operator's edits alone. Raises UpstreamError, as `adapt`."""
        try:
            pointer.apply(members, self._edits)
        except pointer.Unfit as error:
            raise UpstreamError(f"the configured extra_body does not fit this request: {error}") from None

    def dropped(self, written: Sequence[Loss], signatures: Iterable[Loss]) -> tuple[str, ...]:
        """The fields that the client is told of, those that it just set before its history's.

        Raises Unsupported, naming every content that would be lost, unless the route allows it.
        """
        lost = [loss for loss in written if loss.content]
        if lost and self._on_loss == "refuse":
            named = "; ".join(f"{loss.field} ({loss.reason})" for loss in lost)
            raise Unsupported(
                f"the provider's API cannot express: {named}. Leave it out, or choose another model",
                param=lost[0].field,
            )
        fields = dict.fromkeys(loss.field for loss in written)
        # A part that is gone as a whole need not be named for its signature as well.
        more = (loss.field for loss in signatures if loss.field.removesuffix(".signature") not in fields)
        return (*fields, *more)
