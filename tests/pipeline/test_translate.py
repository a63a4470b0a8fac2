"""What a translated answer is called, where its provider has no names for answers."""

from pathlib import Path

from tests.pipeline.world import FakeResponse, World, endpoint, exchange, route

from sekisho.core.exchange import Exchange
from sekisho.core.route import Snapshot
from sekisho.dialects import bedrock_converse, openai_chat
from sekisho.metering.tokens import Tokens
from sekisho.pipeline.answer import Answer, Stream, Whole
from sekisho.pipeline.meter import record_call
from sekisho.pipeline.prepare import Plane
from sekisho.testkit import golden
from sekisho.wire import json, sse

GOLDEN = Path(__file__).parents[1] / "golden"
CASE = next(case for case in golden.cases(GOLDEN, "bedrock_converse") if case.name == "text")
NOVA = endpoint("nova", dialect="bedrock_converse")
DIALECTS = {each.name: each for each in (openai_chat.DIALECT, bedrock_converse.DIALECT)}


async def answered(world: World, call: Exchange, *pieces: bytes) -> Answer:
    world.answers("nova", FakeResponse(pieces))
    plane = Plane(Snapshot(routes={}), DIALECTS, {})
    return await world.attempts().answer(call, plane, route(NOVA))


async def test_an_answer_without_a_name_gets_the_calls_id_and_the_model_that_was_asked_for(
    world: World,
) -> None:
    call = exchange(world)
    answer = await answered(world, call, CASE.reply or b"")
    assert isinstance(answer, Whole)
    told = json.decode(answer.body)
    assert (told["id"], told["model"]) == ("gen-1", "acme/model")
    assert call.facts.upstream_id == ""


async def test_so_does_a_stream(world: World) -> None:
    call = exchange(world, stream=True)
    answer = await answered(world, call, CASE.stream or b"")
    assert isinstance(answer, Stream)
    chunks = [json.decode(frame.data) for frame in sse.FrameDecoder().feed(answer.first)[:-1]]
    assert {(chunk["id"], chunk["model"]) for chunk in chunks} == {("gen-1", "acme/model")}
    record = record_call(call, Tokens(), status=200, outcome="ok", error_code=None, now=world.time)
    assert record.upstream_id is None, "an id that the provider never gave is none"
