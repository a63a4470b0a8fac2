"""Secrets are never compared by `==`, whose time tells how far two of them agree: keys are found by their
digest, and signatures compared in constant time."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "sekisho"
FILES = (
    "pipeline/steps/authenticate.py",
    "pipeline/signature.py",
    "control/services/keycache.py",
    "control/services/keys.py",
    "control/services/principals.py",
    "control/services/signing.py",
)
"""Where what clients present meets what is kept."""
SECRET = frozenset(
    {"credential", "digest", "former_digest", "expected", "signature", "secret_access_key", "key"}
)
EQUAL = (ast.Eq, ast.NotEq)


def compared(tree: ast.AST) -> Iterator[str]:
    """What stands beside `==` and `!=`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and any(isinstance(each, EQUAL) for each in node.ops):
            for side in (node.left, *node.comparators):
                yield side.attr if isinstance(side, ast.Attribute) else getattr(side, "id", "")


@pytest.mark.parametrize("file", FILES)
def test_no_secret_stands_beside_an_equals_sign(file: str) -> None:
    found = set(compared(ast.parse((SOURCE / file).read_text(encoding="utf-8"))))
    assert not found & SECRET


def test_signatures_are_compared_in_constant_time() -> None:
    assert "hmac.compare_digest(" in (SOURCE / "pipeline/signature.py").read_text(encoding="utf-8")
