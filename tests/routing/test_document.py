"""Documents as texts: what is read from the good ones, and that the bad ones are refused in one way only."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sekisho.core.money import Rates
from sekisho.core.route import Hedge, RetryPolicy, Timeouts
from sekisho.routing import document
from sekisho.routing.document import Document, ProviderEntry, ServerEntry, TargetEntry
from sekisho.routing.problem import DocumentError

EXAMPLE = b"""\
# sekisho.yaml
providers:
  openai: {api_key: ${OPENAI_API_KEY}}
  bedrock-tokyo: {like: bedrock, region: ap-northeast-1}
  local:
    like: openai-compatible
    base_url: http://127.0.0.1:9001/v1/
    api_key: "Key ${LOCAL_KEY}"
    headers: {X-Team: platform}
    models:
      gpt-4o-mini: {}
      acme/fast: {upstream: gpt-4o-mini, price: {input: 0.15, output: 0.60, request: 0.001}}
models:
  support-bot:
    targets: [openai/gpt-4o-mini, {model: anthropic/claude-haiku-4.5, provider: bedrock-tokyo, weight: 2}]
    select: ordered
    timeouts: {connect: 500ms, first_token: 10s, total: 5m}
    retry: {attempts: 3}
server:
  cors: [https://App.example, "*"]
  body_limit: 64MiB
records: {keep: 90d}
"""


def read(text: str) -> Document:
    return document.read(text.encode(), "test.yaml")


def problems(text: str) -> list[str]:
    found = outcome(text.encode(), "test.yaml")
    assert found.problems
    return [str(problem) for problem in found.problems]


def test_the_example_says_what_it_seems_to_say() -> None:
    found = document.read(EXAMPLE, "sekisho.yaml")
    openai, tokyo, local = found.providers
    assert openai == ProviderEntry("openai", api_keys=("${OPENAI_API_KEY}",))
    assert (tokyo.like, tokyo.region) == ("bedrock", "ap-northeast-1")
    assert (local.base_url, local.api_keys) == ("http://127.0.0.1:9001/v1", ("Key ${LOCAL_KEY}",))
    assert local.headers == (("x-team", "platform"),)
    assert [model.name for model in local.models] == ["gpt-4o-mini", "acme/fast"]
    price = local.models[1].price
    assert price is not None
    assert price.base == Rates(input=150_000_000, output=600_000_000, request=1_000_000)
    (bot,) = found.models
    assert bot.targets == (
        TargetEntry("openai/gpt-4o-mini"),
        TargetEntry("anthropic/claude-haiku-4.5", "bedrock-tokyo", 2.0),
    )
    assert bot.timeouts == Timeouts(connect=0.5, first_token=10.0, total=300.0)
    assert bot.retry == RetryPolicy(3)
    assert found.server == ServerEntry(cors=("https://app.example", "*"), body_limit=64 << 20)
    assert found.records.keep == 90 * 86_400


@pytest.mark.parametrize(
    "text", ["", "# nothing yet\n", "---\n", "{}", "null", "providers:\nmodels:\n", "\ufeff"]
)
def test_a_document_without_content_is_valid(text: str) -> None:
    found = read(text)
    assert (found.providers, found.models, found.server) == ((), (), ServerEntry())


def test_words_that_yaml_1_1_takes_for_booleans_and_dates_stay_text() -> None:
    text = "providers: {a: {region: no, models: {on: {upstream: 2024-01-01}, '4.1': {upstream: 1:30}}}}"
    (provider,) = read(text).providers
    assert provider.region == "no"
    assert [(model.name, model.upstream) for model in provider.models] == [
        ("on", "2024-01-01"),
        ("4.1", "1:30"),
    ]


def test_anchors_may_be_used_to_say_a_thing_once() -> None:
    text = "models:\n  a: {targets: &both [x/y, x/z], timeouts: &slow {idle: 2m}}\n"
    text += "  b: {targets: *both, timeouts: *slow}\n"
    first, second = read(text).models
    assert (first.targets, first.timeouts) == (second.targets, second.timeouts)


def test_references_in_flow_style_leave_columns_true() -> None:
    (problem,) = problems("providers: {a: {api_key: ${A_KEY}, region: [x]}}")
    assert problem == "test.yaml:1:44 providers.a.region: must be a single value, but is a list"


def test_a_path_of_the_text_is_located_and_one_that_it_lacks_falls_back_to_its_parent() -> None:
    found = document.read(EXAMPLE, "sekisho.yaml")
    located = found.problem(("providers", "local", "base_url"), "is down")
    assert str(located) == "sekisho.yaml:7:15 providers.local.base_url: is down"
    lacking = found.problem(("providers", "openai", "base_url"), "is missing", "warning")
    assert str(lacking) == "sekisho.yaml:3:3 providers.openai.base_url: warning: is missing"


@pytest.mark.parametrize(
    "key",
    ["sk-live-4711 ${", "$SECRET_4711", "4711", "!4711", "*4711", "{4711: 1}", "[4711]", '"4711\\u0007"'],
)
def test_a_problem_never_repeats_what_may_be_a_secret(key: str) -> None:
    found = problems(f"providers:\n  openai:\n    api_key: {key}\n")
    assert found
    assert not any("4711" in problem for problem in found)


def test_entries_do_not_print_their_secrets() -> None:
    text = "providers: {a: {api_key: sk-4711, headers: {x-key: sk-4711}, proxy: 'http://u:4711@proxy:3128'}}"
    assert "4711" not in repr(read(text))


def outcome(text: bytes, source: str = "any.yaml") -> Document | DocumentError:
    """Both have `problems`; a text that is no YAML makes no document."""
    try:
        return document.read(text, source)
    except DocumentError as error:
        return error


PIECES = st.sampled_from(
    [
        *(
            "providers:",
            "models:",
            "server:",
            "local:",
            "a/b:",
            "targets:",
            "price:",
            "timeouts:",
            "input:",
            "cors:",
        ),
        *(
            "\n  ",
            "\n    ",
            "\n      ",
            "\n",
            " ",
            "\t",
            "- ",
            "? ",
            "{",
            "}",
            "[",
            "]",
            ", ",
            ": ",
            "&a ",
            "*a",
            "!x ",
        ),
        *(
            "${VAR}",
            "${",
            "5s",
            "1e999999999",
            "-.inf",
            ".nan",
            "0.1",
            "~",
            "true",
            "|",
            ">",
            "'",
            '"',
            "\\",
            "%",
            "#",
        ),
        *(
            "<<: ",
            "---",
            "...",
            "\r",
            "\u0085",
            "\u2028",
            "関所",
            "http://[",
            "like: openai",
            "https://example.org",
        ),
    ]
)


@given(st.one_of(st.binary(), st.text().map(str.encode), st.lists(PIECES).map("".join).map(str.encode)))
@example(b"%YAML 1." + b"9" * 5000 + b"\n---\na: 1")
@example(b'providers: {a: {api_key: "\\UFFFFFFFF"}}')
@example(b"\xff\xfe\x00")
@example(b"- " * 5000)
@example(b"models: {a: {targets: [{weight: 1e-999999999, model: b}]}}")
def test_whatever_the_text_it_is_a_document_or_located_problems(text: bytes) -> None:
    found = outcome(text)
    assert found.problems or not isinstance(found, DocumentError)
    breaks = sum(text.count(mark) for mark in (b"\n", b"\r", b"\x85", b"\xe2\x80\xa8", b"\xe2\x80\xa9"))
    assert all(1 <= problem.line <= breaks + 1 for problem in found.problems)
    assert all(problem.column >= 1 and problem.message for problem in found.problems)


def test_a_document_of_more_than_a_megabyte_is_refused() -> None:
    (problem,) = problems("#" * (1 << 20) + "\n")
    assert problem == "test.yaml:1:1: the document is larger than 1 MiB"


@pytest.mark.parametrize(
    ("written", "hedge"),
    [("true", Hedge()), ("false", None), ("2s", Hedge(after=2.0)), ("250ms", Hedge(after=0.25))],
)
def test_a_hedge_is_a_switch_or_a_duration(written: str, hedge: Hedge | None) -> None:
    (found,) = read(f"models: {{m: {{targets: [a, b], hedge: {written}}}}}").models
    assert found.hedge == hedge


@pytest.mark.parametrize("written", ["", "2", "soon", "[1s]", "{after: 2s}", "0s"])
def test_a_hedge_that_is_neither_is_told(written: str) -> None:
    (said,) = problems(f"models:\n  m:\n    targets: [a, b]\n    hedge: {written}\n")
    assert said.startswith("test.yaml:4:")
    assert "models.m.hedge: " in said


def test_a_denied_country_is_denied_however_it_is_written() -> None:
    text = "models: {a: {targets: [b/c], prefer: {denied_origins: [%s]}}}"
    (route,) = read(text % "cn, Ru, NO").models
    assert route.prefer.denied_origins == ("CN", "RU", "NO")
    (problem,) = problems(text % "CN, China")
    assert "models.a.prefer.denied_origins.1: 'China' is no country: write two letters" in problem
