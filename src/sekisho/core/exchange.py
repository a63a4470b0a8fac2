"""The state of one call while it lasts. One object a call, owned by its task, never shared or reused."""

import msgspec

from sekisho.core.admission import Admitted, Refusal
from sekisho.core.contract import Dialect, Entry, Facts, Headers, Members, Named
from sekisho.core.explanation import AutoRecord, PlanRecord
from sekisho.core.limit import Claim
from sekisho.core.pace import Pace
from sekisho.core.preference import NONE, Preferences
from sekisho.core.principal import Principal
from sekisho.core.provider import Endpoint
from sekisho.core.record import AttemptRecord
from sekisho.core.route import PromptCache
from sekisho.core.usage import Usage

ANONYMOUS = Principal(key_id="", name="", organisation="")


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """The beginning of an answer, by a target whose stream broke off and was gone on with by another."""

    attempt: int
    """Its place in `attempts`."""
    endpoint: Endpoint
    usage: Usage
    service_tier: str | None


class Exchange(msgspec.Struct, kw_only=True, eq=False):
    id: str
    dialect: Dialect
    """The client's."""
    entry: Entry
    """What the path asks for."""
    method: str = "POST"
    headers: Headers
    named: Named
    """The same headers, for looking them up."""
    body: bytes
    peer: str = ""
    """The address that it came from."""
    target: bytes = b""
    """Path and query as they came, which a signature covers."""
    started: float
    """Seconds since the epoch."""
    began: float
    """The same moment on the monotonic clock."""
    hops: int = 0
    """How many gateways of this kind the call has come through."""
    show_money: bool = False
    """The path is one whose replies carry cost."""
    show_reasoning: bool = True
    """False: the body asks, on such a path, not to be told what the model thought."""

    members: Members = {}
    prompt_tokens: int | None = None
    """Our estimate, where `members` are not kept until the end of the call."""
    model: str = ""
    stream: bool = False
    principal: Principal = ANONYMOUS
    user: str | None = None
    """This and the next two as in the record."""
    session: str | None = None
    tags: tuple[str, ...] = ()

    wishes: Preferences = NONE
    """What the body asks of the targets, on paths where it may."""

    plugins: frozenset[str] = frozenset()
    """What the body asks to have done beside the call, in OpenRouter's words."""
    compression: str | None = None
    """What the prompt lost so that it fits a target, for people; None: nothing. See `pipeline.compress`."""
    healing: str | None = None
    """What became of the answer's JSON; None: nobody looked at it. See `pipeline.heal`."""
    preset: str | None = None
    """That was applied: `slug@version`."""

    claims: tuple[Claim, ...] = ()
    """That are held for it, and still to be settled. Of the call's own exchange alone."""
    extensions: tuple[str, ...] = ()
    """Further holds for it, of which nothing is left once it is settled."""
    admitted: Admitted | None = None
    """With what the limits had left."""
    refusal: Refusal | None = None
    """Of the limit that had no room."""
    degraded: str | None = None
    """The route that it was sent to instead of the one that was asked for, whose limits were reached."""

    auto: AutoRecord | None = None
    """What a scorer made of it, where one was asked."""
    plan: PlanRecord | None = None
    """What there was to choose from; None: nothing."""
    prompt_cache: PromptCache = "pass"
    """The route's policy."""
    endpoint: Endpoint | None = None
    """That answered, or was last tried."""
    attempts: list[AttemptRecord] = []
    pace: Pace | None = None
    """Of the stream under way, or of the last one."""
    asked: bool = False
    """The target of the attempt under way, or the one that answered, has the request: it may cost money."""
    left: bool = False
    """Its client has gone, and it is made to its end for the books alone."""
    answering: int | None = None
    """Place in `attempts` of the one that the facts are of."""
    pieces: list[Piece] = []
    """Of the answer, before the one that the facts are of."""
    hedged: float | None = None
    """Seconds for which a target had not answered when a second one was asked beside it."""
    outrun: tuple[int | None, ...] = ()
    """What each attempt cost that another one was faster than, in nano-USD; None: it has no price."""
    coalesced: str | None = None
    """Id of the identical call whose answer it got, and which is billed for it."""
    facts: Facts = msgspec.field(default_factory=Facts)
    dropped: tuple[str, ...] = ()
    """Tuning knobs that the target could not express."""
    first_token: float | None = None
    """Monotonic."""
