"""Documents of the right words in odd places: a snapshot or located problems, nothing else."""

import json
from functools import cache
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from sekisho.core.route import Snapshot
from sekisho.providers import catalog
from sekisho.routing import document
from sekisho.routing.ask import PLAIN
from sekisho.routing.board import Board
from sekisho.routing.compile import compile_document
from sekisho.routing.plan import plan
from sekisho.routing.problem import DocumentError

load = cache(catalog.load)

PROVIDERS = st.sampled_from(["openai", "anthropic", "own", "own-2", "ollama", "github", "cloudflare"])
MODELS = st.sampled_from(
    ["gpt-4o-mini", "openai/gpt-4o-mini", "own/x", "x", "a/x", "own/a/x", "bot", "ollama/y"]
)
SERVED = MODELS.filter(lambda name: name.count("/") < 2)
PRICE = st.fixed_dictionaries({"input": st.just(1), "output": st.sampled_from([0, 0.5, 1e-9])})
MODEL = st.fixed_dictionaries(
    {},
    optional={"upstream": MODELS, "price": PRICE, "quirks": st.just(["no_done"]), "max_output": st.just(9)},
)
OPTIONS = {
    "api_key": st.sampled_from(["${KEY}", "${EMPTY}", "sk"]),
    "headers": st.dictionaries(st.sampled_from(["x-a", "X-B"]), st.sampled_from(["${KEY}", "${URL} x", "v"])),
    "proxy": st.sampled_from(["http://proxy:1"] * 6 + ["${URL}", "http://${HOST}"]),
    "models": st.dictionaries(SERVED, MODEL, max_size=3),
}
ADDRESS = st.sampled_from(["http://127.0.0.1:1"] * 8 + ["${URL}", "${EMPTY}", "https://${HOST}/v1"])
OWN = st.fixed_dictionaries({"like": st.just("openai-compatible"), "base_url": ADDRESS}, optional=OPTIONS)
KNOWN = st.fixed_dictionaries({}, optional=OPTIONS)
TARGET = MODELS | st.fixed_dictionaries(
    {"model": MODELS}, optional={"provider": PROVIDERS, "weight": st.just(2)}
)
VIRTUAL = st.fixed_dictionaries({"targets": st.lists(TARGET, min_size=1, max_size=3)})
DOCUMENT = st.fixed_dictionaries(
    {
        "providers": st.fixed_dictionaries(
            {}, optional={"openai": KNOWN, "ollama": KNOWN, "cloudflare": KNOWN, "own": OWN, "own-2": OWN}
        ),
        "models": st.dictionaries(st.sampled_from(["bot", "bot-2", "x", "a/x"]), VIRTUAL, max_size=2),
    }
)
VALUES = st.sampled_from(
    ["", "http://host/v1", "host", "関所", "a\r\nb", "/../", "user@host", "http://[", "x"]
)


def outcome(text: str, environment: dict[str, str]) -> Snapshot | DocumentError:
    try:
        return compile_document(document.read(text.encode(), "any.yaml"), load(), environment)
    except DocumentError as error:
        return error


@given(DOCUMENT, st.fixed_dictionaries({"URL": VALUES, "HOST": VALUES, "KEY": VALUES, "EMPTY": st.just("")}))
def test_any_document_is_a_snapshot_or_located_problems(
    content: dict[str, object], environment: dict[str, str]
) -> None:
    found = outcome(json.dumps(content), environment)
    if isinstance(found, DocumentError):
        assert any(problem.level == "error" for problem in found.problems)
        return
    for name, route in found.routes.items():
        assert route.name == name
        assert plan(route, PLAIN, Board(lambda: 0.0), Random(1)).targets
    names = [*found.routes, *found.aliases, *found.pinned, *(f"{name}/any" for name in found.open_providers)]
    assert all(found.find(name) is not None for name in names)
