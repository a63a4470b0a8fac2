"""Texts are cut into pieces that count like the whole, so that no text takes more than linear time."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.metering.vocabulary import PIECE, Vocabularies, Vocabulary, pieces

TEXTS = Path(__file__).parents[1] / "golden" / "tokens" / "text"


@given(st.text(), st.integers(1, 4))
def test_pieces_make_the_text_again_and_none_is_long(unit: str, times: int) -> None:
    text = unit * (times * PIECE // max(1, len(unit)))
    cut = list(pieces(text))
    assert "".join(cut) == text
    assert all(len(piece) <= PIECE for piece in cut)
    assert all(cut) or not text


@pytest.mark.parametrize("name", ["o200k_base", "qwen3", "deepseek_v3", "llama3"])
@pytest.mark.parametrize("path", sorted(TEXTS.glob("*.txt")), ids=lambda path: path.stem)
def test_a_long_text_counts_in_pieces_as_it_does_whole(
    name: str, path: Path, vocabularies: Vocabularies
) -> None:
    vocabulary = vocabularies.load(name)
    text = path.read_text() * (1 + 5 * PIECE // len(path.read_text()))
    whole = vocabulary.count(text)
    assert sum(map(vocabulary.count, pieces(text))) == pytest.approx(whole, rel=0.0015)


def test_lone_surrogates_are_counted_not_refused(vocabularies: Vocabularies) -> None:
    vocabulary = vocabularies.load("o200k_base")
    assert vocabulary.count("a\ud83d") == vocabulary.count("a?")


def test_a_vocabulary_is_read_once() -> None:
    read: list[str] = []

    class Letters:
        def encode_ordinary(self, text: str) -> list[int]:
            return [0] * len(text)

        def clear_cache(self) -> None:
            raise AssertionError

    def letters(name: str) -> Vocabulary:
        read.append(name)
        return Vocabulary(Letters(), keeps_words=False)

    vocabularies = Vocabularies(letters)
    assert vocabularies.get("a") is None
    assert vocabularies.load("a") is vocabularies.load("a") is vocabularies.get("a")
    assert read == ["a"]
    for _ in range(3_000):
        vocabularies.load("a").count("x" * PIECE)  # a vocabulary that keeps no words has none to forget


@pytest.fixture(scope="module")
def vocabularies() -> Vocabularies:
    return Vocabularies()
