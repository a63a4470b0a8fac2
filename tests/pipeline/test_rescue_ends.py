"""Where answers of two targets end: stop sequences, half characters, fallbacks that have nothing to say."""

import pytest
from tests.pipeline.breaking import (
    CLAUDE,
    COUNTED,
    FIRST,
    HEAD,
    A,
    B,
    C,
    anthropic,
    ask,
    booked,
    claude,
    cut,
    rest,
    said,
    streaming,
)
from tests.pipeline.world import DONE, MESSAGES, FakeResponse, World, delta, exchange, route

from sekisho.core.error import Malformed, UpstreamTimeout
from sekisho.core.reply import Finish
from sekisho.core.usage import Usage
from sekisho.pipeline.ends import Stops, looks_whole


@pytest.mark.parametrize("pieces", [("one, ", "and so on"), ("o", "n", "e, and so on"), ("one",)])
async def test_a_stop_sequence_that_two_targets_say_together_ends_the_answer(
    world: World, pieces: tuple[str, ...]
) -> None:
    call = streaming(world, stop=["in Hakone"])
    world.answers("a", FakeResponse([*FIRST, delta("in Hak"), cut()]))
    world.answers("b", rest(*pieces))
    reply = await ask(world, call, route(A, B))
    assert said(reply).startswith("The gate stands in in Hak")
    assert "Hakone" not in said(reply)
    assert reply.choices[0].finish.reason == "stop_sequence"
    record = booked(world, call)
    assert (record.provider, record.finish) == ("b", "stop_sequence")
    assert record.usage is not None


async def test_a_client_of_anthropics_is_told_which_stop_sequence_it_was(world: World) -> None:
    begun = anthropic({"type": "text", "text": ""}, [{"type": "text_delta", "text": "Gates: Hak"}])
    world.answers("claude", FakeResponse([begun.partition(b"event: content_block_stop")[0], cut()]))
    world.answers("b", rest("one", ", Arai"))
    call = exchange(world, dialect=MESSAGES, stream=True, max_tokens=500, stop_sequences=["Hakone"])
    reply = await ask(world, call, route(CLAUDE, B))
    assert said(reply) == "Gates: Hak"
    assert reply.choices[0].finish == Finish(reason="stop_sequence", stop_sequence="Hakone")


def test_a_stop_sequence_that_one_target_says_alone_is_its_own_affair() -> None:
    for before, text in (("in Hakone", " is"), ("in ", "Hakone"), ("in Hak", "odate, then Hakone")):
        assert Stops(before, ("Hakone", "x")).crossed(text) is None
    assert Stops("", ("Hakone",)).crossed("Hakone") is None
    assert Stops("関", ("関所",)).crossed("所") == "関所"


async def test_who_has_nothing_to_say_in_the_middle_of_a_sentence_has_failed(world: World) -> None:
    call = streaming(world)
    world.answers("a", FakeResponse([*FIRST, cut()]))
    world.answers("b", FakeResponse([HEAD, delta("stands in "), delta(finish="stop"), COUNTED, DONE]))
    world.answers("c", rest("Hakone."))
    assert said(await ask(world, call, route(A, B, C))) == "The gate stands in Hakone."
    assert [attempt.code for attempt in booked(world, call).attempts] == [
        "upstream_truncated",
        "upstream_malformed",
        None,
    ]
    world.answers("a", FakeResponse([*FIRST, cut()]))
    world.answers("b", FakeResponse([HEAD, delta(finish="stop"), COUNTED, DONE]))
    with pytest.raises(Malformed, match="nothing, in the middle"):
        await ask(world, streaming(world), route(A, B))


@pytest.mark.parametrize("last", ["Hakone.", "箱根。", "```\n", "Hakone!)", "関所🏯"])
async def test_who_has_nothing_to_say_to_a_text_that_may_be_whole_has_not(world: World, last: str) -> None:
    world.answers("a", FakeResponse([*FIRST, delta(last), cut()]))
    world.answers("b", FakeResponse([HEAD, delta(finish="stop"), COUNTED, DONE]))
    assert said(await ask(world, streaming(world), route(A, B))) == f"The gate stands in {last}"


def test_texts_that_stop_in_the_middle_do_not_look_whole() -> None:
    for text in ("The gate", "The gate ", "箱根の", "Gates:", "first, ", "(", "12"):
        assert not looks_whole(text)


@pytest.mark.parametrize("end", [cut(), None, UpstreamTimeout("silence")], ids=["cut", "clean", "silent"])
async def test_a_last_target_that_leaves_out_only_the_terminator_has_answered(
    world: World, end: object
) -> None:
    call = streaming(world)
    world.answers("a", FakeResponse([*FIRST, cut()]))
    said_then = [HEAD, delta("Hakone."), delta(finish="stop"), COUNTED, *([end] if end else [])]
    world.answers("b", FakeResponse(said_then))  # type: ignore[arg-type]
    assert said(await ask(world, call, route(A, B))) == "The gate stands in Hakone."
    assert booked(world, call).outcome == "ok"


async def test_what_was_held_back_of_a_target_that_breaks_off_too_is_said_by_the_next(world: World) -> None:
    call = streaming(world)
    world.answers("a", FakeResponse([*FIRST, cut()]))
    world.answers("b", FakeResponse([HEAD, delta("The gate st"), cut()]))
    world.answers("c", rest("stands in Hakone."))
    assert said(await ask(world, call, route(A, B, C))) == "The gate stands in Hakone."


HALVES = {
    "of UTF-8": delta("箱根").partition("箱".encode())[0] + "箱".encode()[:1],
    "of a surrogate pair": delta("x").replace(b'"x"', b'"\\ud83c"'),
}


@pytest.mark.parametrize("half", HALVES)
async def test_half_a_character_at_the_cut_never_reaches_the_client(world: World, half: str) -> None:
    world.answers("a", FakeResponse([*FIRST, HALVES[half], cut()]))
    world.answers("b", rest("🏯 of Hakone."))
    assert said(await ask(world, streaming(world), route(A, B))) == "The gate stands in 🏯 of Hakone."


async def test_a_count_that_comes_before_the_cut_is_no_bill_for_the_whole(world: World) -> None:
    call = streaming(world)
    counted = COUNTED.replace(b'"completion_tokens":5', b'"completion_tokens":3')
    world.answers("a", FakeResponse([*FIRST, counted, cut()]))
    world.answers("b", rest("Hakone."))
    reply = await ask(world, call, route(A, B))
    first, last = booked(world, call).attempts
    assert first.usage is not None
    assert last.usage == Usage(input=9, output=5)
    assert (first.usage.input, first.usage.estimated) == (9, True)
    assert reply.usage is not None
    assert reply.usage.output == first.usage.output + 5


async def test_a_claude_that_is_asked_to_go_on_gets_the_stop_sequences_too(world: World) -> None:
    world.answers("a", FakeResponse([*FIRST, cut()]))
    world.answers("claude", claude("Hakone."))
    await ask(world, streaming(world, stop=["Arai"]), route(A, CLAUDE))
    assert world.sent[1].members["stop_sequences"] == ["Arai"]
