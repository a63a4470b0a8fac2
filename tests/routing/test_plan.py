from sekisho.core.provider import Auth, Endpoint, Provider
from sekisho.core.route import Route, Target
from sekisho.routing.plan import PLANNED, SELECTORS, plan


def test_an_ordered_plan_is_the_routes_targets_as_they_stand() -> None:
    provider = Provider(
        "local", "openai-compatible", "Local", "openai_chat", "http://127.0.0.1", Auth("none")
    )
    targets = tuple(
        Target(Endpoint(f"a/{name}", provider, name), weight) for name, weight in (("x", 1), ("y", 9))
    )
    assert plan(Route("bot", targets)) is targets


def test_no_selector_is_both_available_and_planned() -> None:
    assert not SELECTORS.keys() & set(PLANNED)
