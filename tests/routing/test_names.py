import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.core.route import Route, Snapshot
from sekisho.routing.names import nearest, nearest_of

KNOWN = [f"author{index % 50}/some-model-{index}-instruct" for index in range(3000)]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("gpt-4o-mni", "gpt-4o-mini"),
        ("GPT-4O-MINI", "gpt-4o-mini"),
        ("claude-haiku-4-5", "anthropic/claude-haiku-4.5"),
        ("anthropic/claude-haiku", "anthropic/claude-haiku-4.5"),
        ("openai/gpt4o-mini", "openai/gpt-4o-mini"),
    ],
)
def test_a_slip_finds_the_name_that_was_meant(word: str, expected: str) -> None:
    known = [*KNOWN, "openai/gpt-4o-mini", "gpt-4o-mini", "anthropic/claude-haiku-4.5", "acme/fast"]
    assert nearest_of(word, known)[0] == expected


@pytest.mark.parametrize("word", ["", "x", "zzzzqqqq", "関所", "x" * 1_000_000, "author1/" * 100_000])
def test_hostile_and_hopeless_names_are_answered_too(word: str) -> None:
    assert len(nearest_of(word, KNOWN)) <= 3


@given(st.text(), st.lists(st.text()))
def test_only_known_names_are_suggested_and_each_once(word: str, known: list[str]) -> None:
    found = nearest_of(word, known)
    assert set(found) <= set(known)
    assert len(found) == len(set(found)) <= 3


def test_a_404_suggests_routes_and_aliases() -> None:
    routes = {name: Route(name, ()) for name in ("openai/gpt-4o-mini", "support-bot")}
    snapshot = Snapshot(routes=routes, aliases={"gpt-4o-mini": "openai/gpt-4o-mini"})
    assert nearest("gpt-4o-min", snapshot) == ["gpt-4o-mini", "openai/gpt-4o-mini"]
    assert nearest("suport-bot", snapshot) == ["support-bot"]
