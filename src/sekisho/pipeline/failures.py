"""What went wrong in one call so far, and whether another target can still help."""

from sekisho.core.error import (
    BadRequest,
    BodyTooLarge,
    BudgetUsedUp,
    ClientError,
    ContentFiltered,
    ContextTooLong,
    Forbidden,
    SekishoError,
    Throttled,
    Unsupported,
    UpstreamError,
)
from sekisho.core.exchange import Exchange
from sekisho.core.preference import NONE
from sekisho.core.principal import Principal
from sekisho.core.provider import Endpoint
from sekisho.core.route import Route, Target
from sekisho.pipeline.notes import history
from sekisho.routing.plan import Plan


class Failures:
    """Of one call. To be cleared at its end: the errors' tracebacks lead back to whoever holds this."""

    __slots__ = ("_passed_over", "_retry_after", "_route", "_too_small", "last")

    def __init__(self, route: Route):
        self._route = route
        self._retry_after: float | None = None
        self._too_small: list[Endpoint] = []
        """Those that the prompt did not fit."""
        self._passed_over: set[str] = set()
        """Those that failed so that another try of theirs would not help."""
        self.last: UpstreamError | Unsupported | BodyTooLarge | None = None
        """What the call ends with if nothing helps: a provider's failure rather than what a target cannot
        express."""

    def add(self, error: UpstreamError | Unsupported | BodyTooLarge, target: Target) -> None:
        if error.retry != "same":
            self._passed_over.add(target.endpoint.id)
        if self._route.parts and isinstance(error, UpstreamError) and error.retry == "never":
            self._pass_over_model(target)
        if not isinstance(error, UpstreamError):
            self.last = self.last or error
            return
        self.last = error
        if isinstance(error, ContextTooLong) and not self._route.parts:
            self._too_small.append(target.endpoint)
        if isinstance(error, Throttled) and error.retry_after is not None:
            known = self._retry_after
            self._retry_after = error.retry_after if known is None else min(known, error.retry_after)

    @property
    def final(self) -> bool:
        """No other target can help."""
        return self.ends(self.last)

    def ends(self, error: BaseException | None) -> bool:
        """Whether no other target can help after this."""
        if self._route.parts:  # whoever names several models wants another one after any error
            return False
        if not isinstance(error, UpstreamError) or error.retry != "never":
            return False
        if isinstance(error, ContentFiltered):
            return self._route.on_refusal == "stop"
        return not isinstance(error, ContextTooLong)

    def leaves(self, target: Target) -> bool:
        """Whether this target may still help: after a prompt that was too long, only one whose context is
        larger, or of another model and not known; and none that failed for good."""
        if self.last is None:
            return True
        endpoint = target.endpoint
        return endpoint.id not in self._passed_over and all(
            _may_be_larger(endpoint, small) for small in self._too_small
        )

    def _pass_over_model(self, target: Target) -> None:
        for part in self._route.parts:
            ids = {each.endpoint.id for each in part.targets}
            if target.endpoint.id in ids:
                self._passed_over |= ids

    def error(self, exchange: Exchange) -> SekishoError | None:
        """What to tell the client; None: nothing has gone wrong yet."""
        error = self.last
        if isinstance(error, UpstreamError):
            error.attempts, error.history = len(exchange.attempts), history(exchange)
            if isinstance(error, Throttled):
                error.retry_after = self._retry_after  # the soonest of all
        return error

    def clear(self) -> None:
        self.last = None


def _may_be_larger(endpoint: Endpoint, small: Endpoint) -> bool:
    if endpoint.context_length is None or small.context_length is None:
        return endpoint.model != small.model
    return endpoint.context_length > small.context_length


def throttled(target: Target, wait: float) -> Throttled:
    """For a call whose last targets all asked to be left alone, this one for so long the least."""
    error = Throttled(
        "the provider asked to be left alone for longer than this call may wait", retry_after=wait
    )
    error.provider = target.endpoint.provider.name
    return error


def nothing_allowed(
    plan: Plan, route: Route, principal: Principal, *, asked: str | None, now: float
) -> ClientError | BudgetUsedUp:
    """For a plan without targets. `asked`: where the request itself had a say in it. `now`: seconds since the
    epoch."""
    reasons = "; ".join(f"{target.endpoint.provider.name} {reason}" for target, reason in plan.rejected[:20])
    if plan.reopens is not None:
        message = f"no target of `{route.name}` may be used: {reasons}. Wait, or choose another model"
        return BudgetUsedUp(message, param="model", retry_after=plan.reopens - now)
    message = f"no target of `{route.name}` may be used: {reasons}. Ask for less, or choose another model"
    if asked is not None:
        return BadRequest(message, param=asked)
    if principal.prefer is not NONE:
        return Forbidden(f"with this API key, {message}", param="model")
    return Unsupported(message, param="model")
