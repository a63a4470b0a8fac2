"""What is asked of an earlier answer goes where it was made; streams are relayed, and booked once."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from tests.pipeline.world import FakeResponse, World, endpoint, route

from sekisho.core.error import NotFound, Throttled, Truncated, UpstreamError
from sekisho.core.money import Price, Rates
from sekisho.core.port import Spending
from sekisho.core.principal import Principal, Signatory
from sekisho.core.record import SETTLEMENT, CallRecord
from sekisho.core.route import Snapshot
from sekisho.core.usage import Usage
from sekisho.dialects import openai_chat, openai_responses
from sekisho.pipeline.build import Pipeline
from sekisho.pipeline.follow_up import Followed, FollowUps
from sekisho.pipeline.prepare import Plane
from sekisho.wire import json

DIALECT = openai_responses.DIALECT
DIALECTS = {each.name: each for each in (openai_chat.DIALECT, DIALECT)}
EVENTS = [(b"content-type", b"text/event-stream; charset=utf-8")]
USAGE = {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}


def event(kind: str, **members: object) -> bytes:
    body = json.encode({"type": kind, "sequence_number": 1, **members})
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), body)


def response(status: str, **members: object) -> dict[str, object]:
    return {"id": "resp_1", "object": "response", "status": status, "model": "m", "output": [], **members}


DONE = event("response.completed", response=response("completed", usage=USAGE))


@dataclass
class Request:
    method: str = "GET"
    target: bytes = b"/v1/responses/resp_1?stream=true"
    headers: list[tuple[bytes, bytes]] = field(default_factory=lambda: [(b"authorization", b"Bearer k")])
    body: bytes = b""
    peer: str = ""

    @property
    def named(self) -> dict[bytes, bytes]:
        return dict(self.headers)


class Owner:
    """The keys, the books and the journal at once, as far as a follow-up sees them."""

    def __init__(self, record: CallRecord) -> None:
        self.records = [record]
        self.observed: list[CallRecord] = []

    def find(self, digest: bytes) -> Principal | None:
        return Principal(key_id="key_1", name="test")

    def signatories(self, key_id: str) -> list[Signatory]:
        return []

    async def refresh(self) -> None: ...

    async def generation(self, call_id: str) -> CallRecord | None:
        return next((record for record in self.records if record.id == call_id), None)

    async def answered(self, key_id: str, upstream_id: str) -> CallRecord | None:
        found = (record for record in self.records if record.upstream_id == upstream_id)
        return next((record for record in found if record.key_id == key_id), None)

    async def spending(self, key_id: str) -> Spending:
        return Spending()

    def append(self, record: CallRecord, release: Callable[[], None]) -> None:
        self.records.append(record)
        release()


def made(**members: object) -> CallRecord:
    plain: dict[str, object] = {
        "id": "gen-1",
        "started": 1.0,
        "key_id": "key_1",
        "operation": "chat",
        "dialect": DIALECT.name,
        "requested_model": "acme/a",
        "model": "acme/a",
        "provider": "a",
        "upstream_model": "m",
        "upstream_id": "resp_1",
        "finish": "queued",
        "status": 200,
        "outcome": "ok",
    }
    return CallRecord(**plain | members)


async def ask(
    world: World, owner: Owner, request: Request | None = None, path: str = "/responses/resp_1"
) -> Followed:
    price = Price(base=Rates(input=1_000_000, output=2_000_000), source="test")
    known = endpoint("a", dialect=DIALECT.name, price=price)
    snapshot = Snapshot(routes={"acme/a": route(known)}, providers={"a": known.provider})
    pipeline = Pipeline(Plane(snapshot, DIALECTS, {}), owner, world.attempts(), world.clock)
    wanted = DIALECT.match_follow_up(path)
    assert wanted is not None
    return await FollowUps(pipeline, owner, owner, owner.observed.append).answer(
        request or Request(), DIALECT, wanted
    )


async def relayed(followed: Followed) -> bytes:
    assert not isinstance(followed.body, bytes)
    return b"".join([piece async for piece in followed.body])


async def test_a_stream_is_relayed_as_it_comes_and_settles_a_background_answer_once(world: World) -> None:
    owner = Owner(made())
    begun = event("response.created", response=response("queued"))
    for _ in range(2):
        script = FakeResponse([begun[:20], begun[20:] + DONE[:9], DONE[9:]], headers=EVENTS)
        world.answers("a", script)
        assert await relayed(await ask(world, owner)) == begun + DONE
        assert script.closed
    assert world.sent[0].head.startswith(b"GET /v1/responses/resp_1?stream=true HTTP/1.1\r\n")
    assert b"x-sekisho-hops: 1\r\n" in world.sent[0].head
    first, settled = owner.records
    assert (settled.id, settled.operation, settled.started) == ("gen-1-settlement", SETTLEMENT, first.started)
    assert settled.usage == Usage(input=7, output=3)
    assert settled.cost == 13
    assert owner.observed == [settled]


@pytest.mark.parametrize(
    "record", [made(usage=Usage(input=7)), made(outcome="cancelled"), made(operation="chat", usage=Usage())]
)
async def test_what_was_booked_is_not_booked_again(world: World, record: CallRecord) -> None:
    owner = Owner(record)
    world.answers("a", FakeResponse([DONE], headers=EVENTS))
    await relayed(await ask(world, owner))
    assert owner.records == [record]


@pytest.mark.parametrize(
    "body",
    [
        json.encode(response("in_progress")),
        json.encode(response("failed", error={"code": "server_error", "message": "x"})),
        b"not JSON",
    ],
)
async def test_an_answer_without_a_final_count_is_relayed_and_not_booked(world: World, body: bytes) -> None:
    owner = Owner(made())
    world.answers("a", FakeResponse([body]))
    assert (await ask(world, owner)).body == body
    assert len(owner.records) == 1


async def test_a_stream_from_the_middle_of_an_answer_is_relayed_all_the_same(world: World) -> None:
    owner = Owner(made())
    odd = b'data: {"type":"response.output_text.delta","delta":7,"output_index":"x"}\n\n'
    world.answers("a", FakeResponse([odd, DONE], headers=EVENTS))
    assert await relayed(await ask(world, owner)) == odd + DONE


async def test_a_stream_that_breaks_off_says_so_and_is_not_booked(world: World) -> None:
    owner = Owner(made())
    script = FakeResponse([b"data: ", Truncated("gone")], headers=EVENTS)
    world.answers("a", script)
    with pytest.raises(Truncated):
        await relayed(await ask(world, owner))
    assert script.closed
    assert len(owner.records) == 1


async def test_a_client_that_leaves_closes_the_providers_stream(world: World) -> None:
    script = FakeResponse([DONE, DONE], headers=EVENTS)
    world.answers("a", script)
    followed = await ask(world, Owner(made()))
    assert not isinstance(followed.body, bytes)
    assert await anext(followed.body) == DONE
    await followed.body.aclose()
    assert script.closed


@pytest.mark.parametrize(
    "record",
    [
        made(upstream_id="resp_2"),
        made(key_id="key_2"),
        made(dialect="openai_chat"),
        made(provider="gone"),
        made(provider=None),
    ],
)
async def test_what_this_key_did_not_make_here_is_not_found_and_not_asked_for(
    world: World, record: CallRecord
) -> None:
    with pytest.raises(NotFound, match="resp_1"):
        await ask(world, Owner(record))
    assert world.sent == []


async def test_a_providers_errors_keep_their_meaning(world: World) -> None:
    owner = Owner(made())
    for status, kind in ((404, NotFound), (429, Throttled), (302, UpstreamError)):
        world.answers("a", FakeResponse([b"{}"], status=status))
        with pytest.raises(kind):
            await ask(world, owner)
    assert [sent.head.partition(b" HTTP")[0] for sent in world.sent] == [
        b"GET /v1/responses/resp_1?stream=true"
    ] * 3


async def test_a_body_and_strange_letters_in_a_query_go_along(world: World) -> None:
    owner = Owner(made())
    world.answers("a", FakeResponse([json.encode(response("cancelled"))]))
    request = Request("POST", "/v1/responses/resp_1/cancel?x=関".encode(), body=b"{}")
    await ask(world, owner, request, "/responses/resp_1/cancel")
    (sent,) = world.sent
    assert sent.head.startswith(b"POST /v1/responses/resp_1/cancel?x=%E9%96%A2 HTTP/1.1\r\n")
    assert b"content-type: application/json\r\n" in sent.head
    assert sent.body == b"{}"
