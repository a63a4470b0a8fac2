"""Nothing is said twice where two models meet, and nothing that was not said is lost."""

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sekisho.pipeline.overlap import ENOUGH, WHITE_MOST, Overlap

WORDS = st.lists(st.text("abcdefghijk", min_size=3, max_size=9), min_size=4, max_size=40, unique=True)
JAPANESE = st.lists(
    st.text("関所旅人荷検道中安全守本日御用件", min_size=2, max_size=6), min_size=4, max_size=20
)


def joined(said: str, pieces: list[str], *, prefilled: bool = False) -> str:
    """What the client has at the end."""
    overlap = Overlap(said, prefilled=prefilled)
    return said + "".join(map(overlap.feed, pieces)) + overlap.finish()


def pieces(text: str, cuts: list[int]) -> list[str]:
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[start:end] for start, end in pairwise(places)]


@st.composite
def broken(draw: st.DrawFn) -> tuple[str, int]:
    """(a text, where it broke off)"""
    text = " ".join(draw(WORDS)) if draw(st.booleans()) else "、".join(draw(JAPANESE))
    return text, draw(st.integers(1, len(text) - 1))


@given(broken(), st.lists(st.integers(0, 400)), st.integers(0, 400))
def test_a_repeated_tail_is_taken_off_however_the_pieces_are_cut(
    found: tuple[str, int], cuts: list[int], back: int
) -> None:
    text, at = found
    said = text[:at]
    tail = said.rstrip()[-back:].lstrip() if back else ""
    assume(sum(1 if letter.isascii() else 3 for letter in tail) >= ENOUGH)
    continuation = tail + text[len(said.rstrip()) :]
    assert joined(said, pieces(continuation, cuts)) == text


@given(broken(), st.lists(st.integers(0, 400)))
def test_a_continuation_that_repeats_nothing_comes_whole(found: tuple[str, int], cuts: list[int]) -> None:
    text, at = found
    said, rest = text[:at], text[at:]
    assume(rest.strip()[:2] not in said)  # else nobody can tell whether it repeats something
    assert joined(said, pieces(rest, cuts), prefilled=True) == text
    if said[-1:].isspace() or rest[:1].isspace():  # otherwise a word may go on as it began
        assert joined(said, pieces(rest, cuts)) == text


@given(broken(), st.lists(st.integers(0, 400)))
def test_a_server_that_gives_a_prefill_back_is_not_heard_twice(
    found: tuple[str, int], cuts: list[int]
) -> None:
    text, at = found
    assume(len(text[:at].rstrip()) >= 8)
    white = text[:at][len(text[:at].rstrip()) :]
    assert joined(text[:at], pieces(text, cuts), prefilled=True) == text
    assert joined(text[:at], pieces(white + text[at:], cuts), prefilled=True) == text


@given(st.text(max_size=60), st.lists(st.text(max_size=20)), st.booleans())
def test_only_what_the_client_has_is_ever_taken_off(said: str, said_next: list[str], prefilled: bool) -> None:
    whole = joined(said, said_next, prefilled=prefilled)
    continuation = "".join(said_next)
    new = whole[len(said) :]
    taken = len(continuation) - len(new)
    assert taken >= 0
    # What is left is the end of the continuation, but for white space before a repetition.
    assert continuation.endswith(new) or new.strip() == continuation[taken:].strip()
    assert "".join(continuation[:taken].split()) in "".join(said.split())


@pytest.mark.parametrize(
    ("said", "continuation", "whole"),
    [
        ("The quick brown fo", "fox jumps", "The quick brown fox jumps"),
        ("The quick brown fo", "x jumps", "The quick brown fox jumps"),
        ("I eat a ban", "ana", "I eat a banana"),
        ("1, 2, 1", "1, 12", "1, 2, 11, 12"),
        ("Hello, ", " world", "Hello, world"),
        ("Hello,\n", "\n\nworld", "Hello,\n\nworld"),
        ("Hello,", " world", "Hello, world"),
        ("the quick brown ", "quick brown fox", "the quick brown fox"),
        ("The gate stands in Hakone", "\n\nThe gate stands in Hakone, by the lake", None),
        ("関所は旅人と荷を検め", "旅人と荷を検め、道中を守った", "関所は旅人と荷を検め、道中を守った"),
        ("いろ", "いろな人", "いろいろな人"),
        ("    return None\n    ", "    return 1", "    return None\n    return 1"),
        ("", "  Anew", "  Anew"),
        ("\n\n", "\n\nAnew", "\n\nAnew"),
        ("x = foo(bar)\n", "y = foo(bar)\n", "x = foo(bar)\ny = foo(bar)\n"),
        ("So:\n| 0 | 0 | 0 | 0 | 0 |\n", "| 0 | 0 | 0 | 0 | 0 |\n", None),
        ("Yes.\nNo\n", "No\nYes.", None),
        ("So:\n```python\nx = 1\n", "```python\ny = 2\n```", "So:\n```python\nx = 1\ny = 2\n```"),
        ("```python\nx = foo(1", "```python\nx = foo(1)\n```", "```python\nx = foo(1)\n```"),
        ("```python\nx = 1\n```\nAnd ", "```python\ny\n```", None),
        ("```\nx = 1\n", "```\nThat is it.", None),
        ("```sh\nls\n", "```\nThat is it.", None),
        ("```sh\nls\n", "```", None),
        ("He said: ", "\n\n- one", None),
        ("It is ", "It is what it is.", "It is what it is."),
    ],
)
def test_where_two_models_meet(said: str, continuation: str, whole: str | None) -> None:
    expected = whole or said + continuation
    assert joined(said, [continuation]) == expected
    assert joined(said, list(continuation)) == expected


def test_white_space_alone_is_not_held_back_for_ever() -> None:
    overlap = Overlap("said", prefilled=False)
    assert overlap.feed(" " * WHITE_MOST) == " " * WHITE_MOST
    assert overlap.feed("more") == "more"


def test_a_whole_answer_that_is_repeated_costs_linear_time() -> None:
    said = "".join(f"{number} " for number in range(100_000))
    overlap = Overlap(said, prefilled=False)
    shown = [overlap.feed(f"{number} ") for number in range(100_003)]
    assert "".join(shown) + overlap.finish() == "100000 100001 100002 "
