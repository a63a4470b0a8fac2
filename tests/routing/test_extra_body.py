"""What a document says of every request's body: which values it may hold, and how its levels add up."""

from typing import Any

import pytest

from sekisho.core.provider import BodyEdit
from sekisho.core.route import Snapshot
from sekisho.providers.catalog import Catalog
from sekisho.routing import document
from sekisho.routing.compile import compile_document
from sekisho.wire import json, pointer


def written(value: str) -> str:
    """A value of the document as the body will have it."""
    text = f"providers:\n  a:\n    extra_body:\n      set:\n        /x: {value}\n"
    found = document.read(text.encode(), "test.yaml")
    assert found.problems == ()
    (edit,) = found.providers[0].extra_body
    assert edit.value is not None
    return bytes(edit.value).decode()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", '"text"'),
        ("no", '"no"'),
        ("'1'", '"1"'),
        ('"a\\nb 関"', '"a\\nb 関"'),
        ("${KEY}", '"${KEY}"'),
        ("", "null"),
        ("~", "null"),
        ("True", "true"),
        ("1.50", "1.50"),
        ("-1e3", "-1e3"),
        ("+1", "1"),
        ("007", "7"),
        (".5", "0.5"),
        ("12345678901234567890123", "12345678901234567890123"),
        ("[]", "[]"),
        ("{}", "{}"),
        ("[1, {a: [~, b], 2: c}]", '[1,{"a":[null,"b"],"2":"c"}]'),
    ],
)
def test_any_value_of_yaml_becomes_the_json_that_it_looks_like(value: str, expected: str) -> None:
    assert written(value) == expected


LEVELS = """
providers:
  own:
    like: openai-compatible
    base_url: http://127.0.0.1:1/v1
    extra_body: {set: {/level: provider, /a: 1}, delete: [/user]}
    models:
      acme/fast: {extra_body: {set: {/level: model, /b: 2}}}
      acme/slow: {}
  any:
    like: openai-compatible
    base_url: http://127.0.0.1:2/v1
    extra_body: {set: {/store: false}}
models:
  inner: {targets: [{model: acme/fast, extra_body: {set: {/level: inner, /c: 3}}}, acme/slow]}
  outer: {targets: [{model: inner, extra_body: {set: {/level: outer}}}]}
"""


def compiled(text: str, known: Catalog) -> Snapshot:
    return compile_document(document.read(text.encode(), "test.yaml"), known, {})


def bodies(snapshot: Snapshot, name: str) -> list[Any]:
    """What each target of a route makes of a body with a user."""
    route = snapshot.find(name)
    assert route is not None
    return [edited(target.endpoint.extra_body + target.extra_body) for target in route.targets]


def edited(edits: tuple[BodyEdit, ...]) -> Any:
    members = json.members(b'{"user":"u"}')
    pointer.apply(members, edits)
    return json.decode(json.encode(members))


def test_levels_add_up_and_the_nearest_has_the_last_word(known: Catalog) -> None:
    snapshot = compiled(LEVELS, known)
    assert bodies(snapshot, "acme/slow") == [{"level": "provider", "a": 1}]
    assert bodies(snapshot, "acme/fast") == [{"level": "model", "a": 1, "b": 2}]
    assert bodies(snapshot, "own/acme/fast") == bodies(snapshot, "acme/fast")
    assert bodies(snapshot, "inner") == [
        {"level": "inner", "a": 1, "b": 2, "c": 3},
        {"level": "provider", "a": 1},
    ]
    assert bodies(snapshot, "outer") == [
        {"level": "outer", "a": 1, "b": 2, "c": 3},
        {"level": "outer", "a": 1},
    ]
    assert bodies(snapshot, "any/model") == [{"user": "u", "store": False}]


def test_deletes_come_before_sets_so_that_a_member_can_be_written_anew() -> None:
    text = "providers: {a: {extra_body: {set: {/user/id: 1}, delete: [/user]}}}"
    (provider,) = document.read(text.encode(), "test.yaml").providers
    assert edited(provider.extra_body) == {"user": {"id": 1}}


def test_values_are_not_shown_for_they_may_be_secrets() -> None:
    text = LEVELS.replace("/level: model", "/level: sk-4711")
    assert "4711" not in repr(document.read(text.encode(), "test.yaml"))


def test_a_route_says_what_becomes_of_losses_and_cache_marks(known: Catalog) -> None:
    text = LEVELS.replace("inner: {", "inner: {on_loss: drop, prompt_cache: off, ")
    snapshot = compiled(text, known)
    said = {name: (route.on_loss, route.prompt_cache) for name, route in snapshot.routes.items()}
    assert said["inner"] == ("drop", "off")
    assert said["outer"] == said["acme/fast"] == ("refuse", "pass")


def test_further_dialects_are_those_that_the_document_names(known: Catalog) -> None:
    text = LEVELS.replace("acme/slow: {}", "acme/slow: {}\n    also: [anthropic_messages]")
    snapshot = compiled(text, known)
    assert snapshot.providers["own"].also == ("anthropic_messages",)
    assert snapshot.providers["any"].also == ()
