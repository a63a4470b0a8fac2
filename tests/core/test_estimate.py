from hypothesis import given
from hypothesis import strategies as st

from sekisho.core.estimate import measure, tokens


@given(st.text())
def test_every_character_is_measured_once(text: str) -> None:
    narrow, wide = measure(text)
    assert narrow + wide == len(text)
    assert narrow == sum(character.isascii() for character in text)


@given(st.text(), st.text())
def test_measures_of_pieces_add_up(one: str, two: str) -> None:
    assert tuple(map(sum, zip(measure(one), measure(two), strict=True))) == measure(one + two)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_an_estimate_is_rounded_up_and_never_zero_for_something(narrow: int, wide: int) -> None:
    estimate = tokens(narrow, wide)
    assert estimate * 20 >= 5 * narrow + 16 * wide > (estimate - 1) * 20


def test_lone_surrogates_are_counted_not_refused() -> None:
    assert measure("a\ud83d") == (1, 1)
