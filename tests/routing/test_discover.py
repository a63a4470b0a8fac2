import pytest

from sekisho.core.secret import Secret
from sekisho.providers.catalog import Catalog
from sekisho.routing.discover import discover, nothing_found
from sekisho.routing.problem import DocumentError


def test_a_key_in_the_environment_is_all_that_a_provider_needs(known: Catalog) -> None:
    snapshot = discover(
        known, {"ANTHROPIC_API_KEY": "sk-4711", "OPENAI_API_KEY": "sk-4712", "GROQ_API_KEY": ""}
    )
    assert list(snapshot.providers) == ["openai", "anthropic"]
    secret = snapshot.providers["anthropic"].auth.secret
    assert isinstance(secret, Secret)
    assert secret.variables == ("ANTHROPIC_API_KEY",)
    assert "471" not in repr(snapshot.providers)
    assert any(name.startswith("anthropic/claude-") for name in snapshot.routes)


def test_the_id_of_a_dated_version_goes_upstream_as_it_is(known: Catalog) -> None:
    snapshot = discover(known, {"ANTHROPIC_API_KEY": "sk-1"})
    route = snapshot.find("claude-haiku-4-5-20251001")
    assert route is not None
    (target,) = route.targets
    assert target.endpoint.model == "anthropic/claude-haiku-4.5"
    assert target.endpoint.upstream_model == "claude-haiku-4-5-20251001"
    assert target.endpoint.price is not None


def test_customary_addresses_are_honoured(known: Catalog) -> None:
    snapshot = discover(known, {"OPENAI_API_KEY": "sk-1", "OPENAI_BASE_URL": "http://127.0.0.1:8080/v1/"})
    assert snapshot.providers["openai"].base_url == "http://127.0.0.1:8080/v1"


def test_an_address_that_is_no_url_is_a_problem_and_not_a_crash(known: Catalog) -> None:
    with pytest.raises(
        DocumentError, match=r"environment:1:1 providers\.openai\.base_url: must start with http"
    ):
        discover(known, {"OPENAI_API_KEY": "sk-1", "OPENAI_BASE_URL": "127.0.0.1:8080"})


def test_a_provider_whose_address_lacks_a_part_is_left_out(known: Catalog) -> None:
    environment = {"CLOUDFLARE_API_TOKEN": "t"}
    assert discover(known, environment).providers == {}
    environment["CLOUDFLARE_ACCOUNT_ID"] = "abc"
    assert "/abc/" in discover(known, environment).providers["cloudflare"].base_url


def test_aws_credentials_alone_are_no_wish_for_bedrock(known: Catalog) -> None:
    environment = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "us-east-1"}
    assert discover(known, environment).providers == {}
    environment["AWS_BEARER_TOKEN_BEDROCK"] = "key"
    assert list(discover(known, environment).providers) == ["bedrock"]
    del environment["AWS_REGION"]
    assert discover(known, environment).providers == {}


def test_nothing_found_is_an_empty_snapshot_and_a_message_that_says_what_to_set(known: Catalog) -> None:
    snapshot = discover(known, {})
    assert (snapshot.routes, snapshot.providers) == ({}, {})
    assert "OPENAI_API_KEY" in nothing_found(known)
    assert "--config" in nothing_found(known)


def test_every_row_compiles_as_it_is(known: Catalog) -> None:
    environment = {name: "x" for row in known.rows.values() for name in (*row.env, *row.variables)}
    environment["AWS_REGION"] = "us-east-1"
    discovered = discover(known, environment).providers
    assert set(discovered) == {name for name, row in known.rows.items() if row.env and row.retired is None}
