"""`tests/golden/documents`: each document beside the problems that it has, word for word.

Compiled against the catalogue of this installation with one key in the environment.
"""

from pathlib import Path

import pytest

from sekisho.providers import catalog
from sekisho.routing import document
from sekisho.routing.compile import examine
from sekisho.routing.problem import DocumentError, Problem

FOLDER = Path(__file__).parents[1] / "golden" / "documents"
ENVIRONMENT = {"OPENAI_API_KEY": "sk-1"}


def problems(path: Path) -> tuple[Problem, ...]:
    try:
        return examine(document.read(path.read_bytes(), path.name), catalog.load(), ENVIRONMENT).warnings
    except DocumentError as error:
        return error.problems


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_problem_of_a_document_is_told_at_once_and_located(path: Path) -> None:
    told = "".join(f"{problem}\n" for problem in problems(path))
    assert told == path.with_suffix(".txt").read_text("utf-8")
