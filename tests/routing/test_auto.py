"""`auto` in a document: what it makes, and what is wrong with it, where."""

from pathlib import Path

import pytest

from sekisho.core.error import Forbidden
from sekisho.core.operation import Operation
from sekisho.core.principal import Principal
from sekisho.core.route import Auto, Snapshot
from sekisho.core.tier import Judgement, Sample
from sekisho.pipeline.auto import choice
from sekisho.pipeline.steps.access import check_access, may_use
from sekisho.plugins import scorers
from sekisho.providers.catalog import Catalog
from sekisho.routing import document
from sekisho.routing.compile import compile_document
from sekisho.routing.problem import DocumentError

PROVIDERS = """
providers:
  here:
    like: openai-compatible
    base_url: http://127.0.0.1:9001/v1
    api_key: k
    models: {acme/small: {}, acme/large: {}, acme/coder: {}}
"""


def compiled(text: str, known: Catalog) -> Snapshot:
    parsed = document.read((PROVIDERS + text).encode(), "c.yaml")
    return compile_document(parsed, known, {}, scorers.Scorers().find)


def auto_of(text: str, known: Catalog, name: str = "sekisho/auto") -> Auto:
    route = compiled(text, known).find(name)
    assert route is not None
    assert route.auto is not None
    return route.auto


def led(auto: Auto, tier: str, score: float) -> str:
    return choice(auto, Judgement(tier=tier, score=score)).name  # type: ignore[arg-type]


def test_tiers_that_are_mapped_have_their_models_and_the_others_the_default(known: Catalog) -> None:
    auto = auto_of("auto: {default: acme/small, coding: acme/coder, reasoning: acme/large}", known)
    assert [led(auto, tier, 0.99) for tier in ("lookup", "coding", "reasoning", "vision")] == [
        "acme/small",
        "acme/coder",
        "acme/large",
        "acme/small",
    ]


def test_a_threshold_divides_what_is_not_mapped(known: Catalog) -> None:
    auto = auto_of(
        "auto: {default: acme/small, strong: acme/large, threshold: 0.3, coding: acme/coder}", known
    )
    assert [led(auto, "general", score) for score in (0.0, 0.29, 0.3, 1.0)] == [
        "acme/small",
        "acme/small",
        "acme/large",
        "acme/large",
    ]
    assert led(auto, "coding", 0.0) == "acme/coder"


def test_a_name_of_its_own_leads_to_virtual_models_as_well(known: Catalog) -> None:
    text = """
models:
  smart: {targets: [acme/large, acme/small]}
  helper: {auto: {default: acme/small, reasoning: smart}}
"""
    auto = auto_of(text, known, "helper")
    assert led(auto, "reasoning", 0.9) == "smart"


def test_clients_of_openrouter_find_it_by_the_name_that_they_know(known: Catalog) -> None:
    snapshot = compiled("auto: {default: acme/small}", known)
    assert snapshot.find("openrouter/auto") is snapshot.find("sekisho/auto") is not None
    assert compiled("", known).find("openrouter/auto") is None
    own = "  openrouter: {like: openai-compatible, base_url: http://127.0.0.1:1/v1}\n"
    route = compiled(own + "auto: {default: acme/small}", known).find("openrouter/auto")
    assert route is not None
    assert route.auto is None, "a provider serves it"


def test_where_it_is_not_asked_for_nothing_is_made_of_it(known: Catalog) -> None:
    snapshot = compiled("", known)
    assert snapshot.find("sekisho/auto") is None
    assert snapshot.scorer is None


def test_scores_are_kept_of_all_calls_where_records_say_so(known: Catalog) -> None:
    assert compiled("records: {scores: true}", known).scorer is not None


@pytest.mark.parametrize(
    ("text", "where", "reason"),
    [
        ("auto: {coding: acme/coder}", "8:7 auto", "needs `default`"),
        ("auto: {default: acme/smal}", "8:17 auto.default", "did you mean acme/small"),
        ("auto: {default: acme/small, coding: acme/codr}", "8:37 auto.coding", "did you mean acme/coder"),
        ("auto: {default: acme/small, codign: acme/coder}", "8:29 auto.codign", "did you mean `coding`"),
        ("auto: {default: acme/small, strong: acme/large}", "8:7 auto", "`strong` and `threshold` together"),
        ("auto: {default: acme/small, threshold: 0.3}", "8:7 auto", "`strong` and `threshold` together"),
        (
            "auto: {default: acme/small, strong: acme/large, threshold: 30}",
            "8:60 auto.threshold",
            "parts of 1",
        ),
        ("auto: {default: acme/small, scorer: mine}", "8:37 auto.scorer", "no installed package"),
        ("auto: {default: sekisho/auto}", "8:17 auto.default", "leads on by itself"),
        (
            "models: {a: {auto: {default: b}}, b: {auto: {default: acme/small}}}",
            "8:30 models.a.auto.default",
            "leads on by itself",
        ),
        (
            "models: {a: {auto: {default: acme/small}, targets: [acme/small]}}",
            "8:13 models.a",
            "`auto` stands alone",
        ),
        (
            "auto: {default: acme/small}\nmodels: {sekisho/auto: {targets: [acme/small]}}",
            "8:1 auto",
            "stands under `models` as well",
        ),
        ("models: {a: {targets: [b]}, b: {auto: {default: acme/small}}}", "models.a.targets.0", "serves b"),
        ("records: {scores: maybe}", "8:19 records.scores", "must be true or false"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, where: str, reason: str, known: Catalog) -> None:
    with pytest.raises(DocumentError) as caught:
        compiled(text, known)
    assert f"{where}: " in str(caught.value)
    assert reason in str(caught.value)
    assert len(caught.value.problems) == 1


def test_a_key_may_use_the_name_if_it_may_use_one_of_its_models(known: Catalog) -> None:
    route = compiled("auto: {default: acme/small, coding: acme/coder}", known).find("sekisho/auto")
    assert route is not None
    one = Principal(key_id="k", name="k", organisation="default", allowed_models=frozenset({"acme/coder"}))
    none = Principal(key_id="k", name="k", organisation="default", allowed_models=frozenset({"sekisho/auto"}))
    assert may_use(one, route)
    with pytest.raises(
        Forbidden, match="leads to acme/small, acme/coder, none of which this API key may use"
    ):
        check_access(none, route, Operation.CHAT)


# --- scorers of other packages ------------------------------------------------------------------------


PACKAGE = """
from sekisho.core.tier import Judgement

def coding():
    return lambda sample: Judgement(tier="coding", score=0.5)

def broken():
    raise OSError("weights.bin is missing")
"""
ENTRY_POINTS = """
[sekisho.scorers]
always-coding = mine:coding
broken = mine:broken
absent = mine:absent
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with scorers, as it lies on the disk when it is installed."""
    (tmp_path / "mine.py").write_text(PACKAGE)
    described = tmp_path / "mine-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("installed")
def test_a_scorer_of_another_package_is_made_once_and_judges(known: Catalog) -> None:
    auto = auto_of("auto: {default: acme/small, scorer: always-coding}", known)
    assert auto.scorer(Sample(text="hello")).tier == "coding"
    found = scorers.Scorers()
    assert found.find("always-coding") is found.find("always-coding")


@pytest.mark.usefixtures("installed")
def test_a_scorer_that_cannot_be_made_is_a_problem_of_the_document(known: Catalog) -> None:
    for name, reason in (
        ("broken", "the scorer broken cannot be made: OSError: weights.bin is missing"),
        ("absent", "the scorer absent cannot be made: AttributeError"),
        ("always-codin", "did you mean always-coding"),
    ):
        with pytest.raises(DocumentError, match=reason):
            compiled(f"auto: {{default: acme/small, scorer: {name}}}", known)


def test_signs_are_short() -> None:
    with pytest.raises(ValueError, match="8 signs of at most 64 characters"):
        Judgement(tier="coding", score=0.5, signs=("a" * 65,))


@pytest.mark.parametrize(("tier", "score"), [("coding", 1.5), ("coding", float("nan")), ("chat", 0.5)])
def test_a_judgement_that_is_none_is_refused(tier: str, score: float) -> None:
    with pytest.raises(ValueError, match="a scorer"):
        Judgement(tier=tier, score=score)  # type: ignore[arg-type]
