"""Documents of the right words in odd places: a snapshot or located problems, nothing else."""

import json
from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from sekisho.core.route import Snapshot
from sekisho.providers import catalog
from sekisho.routing import document
from sekisho.routing.compile import compile_document
from sekisho.routing.plan import plan
from sekisho.routing.problem import DocumentError

load = cache(catalog.load)

PROVIDERS = st.sampled_from(
    ["openai", "anthropic", "own", "own-2", "ollama", "github", "cloudflare", "nobody"]
)
MODELS = st.sampled_from(
    [
        "gpt-4o-mini",
        "openai/gpt-4o-mini",
        "own/x",
        "x",
        "a/x",
        "own/openai/gpt-4o-mini",
        "bot",
        "bot-2",
        "ollama/y",
    ]
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), MODELS, PROVIDERS
)
ANY = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MODELS, inner, max_size=3)
)
PRICES = st.fixed_dictionaries(
    {"input": st.just(1)}, optional={"output": st.decimals().map(str) | st.just(0.5)}
)
MODEL = st.fixed_dictionaries(
    {}, optional={"upstream": MODELS, "price": PRICES | ANY, "quirks": ANY, "max_output": ANY}
)
PROVIDER = st.fixed_dictionaries(
    {},
    optional={
        "like": st.sampled_from(["openai-compatible", "openai", "vllm", "nothing"]),
        "base_url": st.sampled_from(["http://127.0.0.1:1", "${URL}", "${EMPTY}", "https://${HOST}/v1", "//"])
        | SCALARS,
        "api_key": st.sampled_from(["${KEY}", "${EMPTY}", "sk", "${"]) | SCALARS,
        "headers": st.dictionaries(
            st.text(max_size=4), st.sampled_from(["${KEY}", "${URL} x", "v"]), max_size=2
        ),
        "proxy": st.sampled_from(["${URL}", "${HOST}", "http://proxy:1"]) | SCALARS,
        "models": st.dictionaries(MODELS, MODEL | ANY, max_size=4) | ANY,
    },
)
TARGET = MODELS | st.fixed_dictionaries({"model": MODELS}, optional={"provider": PROVIDERS, "weight": ANY})
VIRTUAL = st.fixed_dictionaries(
    {"targets": st.lists(TARGET, max_size=4)}, optional={"select": ANY, "timeouts": ANY}
)
DOCUMENT = st.fixed_dictionaries(
    {},
    optional={
        "providers": st.dictionaries(PROVIDERS, PROVIDER | SCALARS, max_size=4) | ANY,
        "models": st.dictionaries(MODELS, VIRTUAL, max_size=4) | ANY,
        "server": ANY,
    },
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
        assert plan(route)
    names = [*found.routes, *found.aliases, *found.pinned, *(f"{name}/any" for name in found.open_providers)]
    assert all(found.find(name) is not None for name in names)
