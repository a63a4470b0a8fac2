"""Paths that name the model, what to do with it, and how to answer."""

import pytest

from sekisho.core.contract import Entry
from sekisho.core.operation import Operation
from sekisho.dialects.gemini_generate import DIALECT

CHAT, COUNT = Operation.CHAT, Operation.COUNT_TOKENS


@pytest.mark.parametrize(
    ("path", "query", "entry"),
    [
        ("/models/gemini-3-pro:generateContent", b"", Entry(CHAT, "gemini-3-pro", stream=False)),
        (
            "/models/gemini-3-pro:streamGenerateContent",
            b"alt=sse&key=k",
            Entry(CHAT, "gemini-3-pro", stream=True, framing="sse"),
        ),
        ("/models/m:streamGenerateContent", b"alt=json", Entry(CHAT, "m", stream=True, framing="json_array")),
        ("/models/m:streamGenerateContent", b"", Entry(CHAT, "m", stream=True, framing="json_array")),
        ("/models/m:countTokens", b"", Entry(COUNT, "m", stream=False)),
        ("/models/author/slug:generateContent", b"", Entry(CHAT, "author/slug", stream=False)),
        ("/models/author%2Fslug:generateContent", b"", Entry(CHAT, "author/slug", stream=False)),
        ("/models/acme/a:free:generateContent", b"", Entry(CHAT, "acme/a:free", stream=False)),
        ("/models/%E9%96%A2%E6%89%80:generateContent", b"", Entry(CHAT, "関所", stream=False)),
        ("/tunedModels/mine:generateContent", b"", Entry(CHAT, "tunedModels/mine", stream=False)),
        ("/publishers/google/models/m:generateContent", b"", Entry(CHAT, "m", stream=False)),
        (
            "/projects/p/locations/global/publishers/google/models/m:countTokens",
            b"",
            Entry(COUNT, "m", stream=False),
        ),
    ],
)
def test_a_path_says_model_operation_and_framing(path: str, query: bytes, entry: Entry) -> None:
    assert DIALECT.match_path(path, query) == entry


@pytest.mark.parametrize(
    "path",
    [
        "/models",
        "/models/m",
        "/models/:generateContent",
        "/models/m:embedContent",
        "/chat/completions",
        "",
        "/",
    ],
)
def test_other_paths_are_not_this_dialects(path: str) -> None:
    assert DIALECT.match_path(path, b"") is None


@pytest.mark.parametrize(
    ("model", "stream", "path"),
    [
        ("gemini-3-pro", False, "/models/gemini-3-pro:generateContent"),
        ("gemini-3-pro", True, "/models/gemini-3-pro:streamGenerateContent?alt=sse"),
        ("tunedModels/mine", False, "/tunedModels/mine:generateContent"),
        ("models/m", False, "/models/m:generateContent"),
        ("author/slug", False, "/models/author/slug:generateContent"),
        ("関所?x=1#y", False, "/models/%E9%96%A2%E6%89%80%3Fx%3D1%23y:generateContent"),
        ("../../v1/files", False, "/models/..%2F..%2Fv1%2Ffiles:generateContent"),
        ("models/../x", False, "/models/..%2Fx:generateContent"),
    ],
)
def test_an_upstream_path_holds_the_model_and_leads_nowhere_else(
    model: str,
    stream: bool,
    path: str,
) -> None:
    assert DIALECT.upstream_path(Operation.CHAT, model, stream) == path


def test_tokens_are_counted_below_the_model() -> None:
    assert DIALECT.upstream_path(COUNT, "m", False) == "/models/m:countTokens"
