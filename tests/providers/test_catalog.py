import pytest

from sekisho.core.provider import Endpoint, Provider
from sekisho.providers import catalog
from sekisho.providers.aws import NoRegion
from sekisho.providers.catalog import Overrides, Row, provider_from
from sekisho.providers.quirks import QUIRKS

ROWS = catalog.rows()
DIALECTS = {
    "openai_chat",
    "openai_responses",
    "openai_completions",
    "anthropic_messages",
    "gemini_generate",
    "bedrock_converse",
}
ENVIRONMENT = {
    "CLOUDFLARE_ACCOUNT_ID": "abc",
    "CLOUDFLARE_GATEWAY_ID": "main",
    "AZURE_RESOURCE_NAME": "acme",
    "AWS_REGION": "eu-central-1",
}


def build(name: str, overrides: Overrides | None = None, **environment: str) -> Provider:
    return provider_from(ROWS[name], "mine", overrides or Overrides(), {**ENVIRONMENT, **environment})


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_every_row_is_complete_and_makes_a_provider(row: Row) -> None:
    assert {row.dialect, *row.also, *row.models_in.values()} <= DIALECTS
    assert row.dialect not in row.also
    assert row.docs.startswith("https://")
    assert set(row.quirks) <= QUIRKS.keys()
    assert row.open or row.prices or row.lists_of or row.retired, "nothing could ever be called"
    local = row.auth == "none" or row.base_url is None
    assert local == (not row.env)
    assert local or row.origin
    made = provider_from(row, "mine", Overrides(base_url=row.base_url or "http://127.0.0.1:1"), ENVIRONMENT)
    assert "$" not in made.base_url
    assert made.row == row.name


def test_a_provider_is_its_row_with_a_reference_to_the_key() -> None:
    made = build("anthropic", ANTHROPIC_API_KEY="secret-key")
    assert made.dialect == "anthropic_messages"
    assert made.base_url == "https://api.anthropic.com/v1", "the dialect adds /messages"
    assert made.headers == (("anthropic-version", "2023-06-01"),)
    assert (made.auth.scheme, made.auth.header) == ("header", "x-api-key")
    assert made.auth.secret is not None
    assert made.auth.secret.variables == ("ANTHROPIC_API_KEY",)
    assert "secret-key" not in repr(made)
    assert made.policy.origin == "US"


def test_of_several_variables_the_one_that_is_set_holds_the_key() -> None:
    second = build("gemini", GOOGLE_API_KEY="x").auth.secret
    neither = build("gemini").auth.secret
    assert second is not None
    assert neither is not None
    assert second.variables == ("GOOGLE_API_KEY",)
    assert neither.variables == ("GEMINI_API_KEY",)


def test_gemini_is_asked_in_its_own_language() -> None:
    made = build("gemini", GEMINI_API_KEY="k")
    assert made.dialect == "gemini_generate"
    assert made.base_url == "https://generativelanguage.googleapis.com/v1beta", "the dialect adds /models/..."
    assert (made.auth.scheme, made.auth.header) == ("header", "x-goog-api-key")
    own = build("gemini-compatible", Overrides(base_url="http://127.0.0.1:1/v1beta", api_keys=("k",)))
    assert (own.dialect, own.auth.header) == ("gemini_generate", "x-goog-api-key")


def test_what_the_operator_says_wins_over_the_row() -> None:
    overrides = Overrides(
        base_url="http://127.0.0.1:9001/v1/",
        api_keys=("literal",),
        headers=(("Anthropic-Version", "2099-01-01"), ("x-team", "a")),
        quirks=("no_done",),
        region="JP",
        ca_file="ca.pem",
    )
    made = build("anthropic", overrides)
    assert made.base_url == "http://127.0.0.1:9001/v1"
    assert made.headers == (("anthropic-version", "2099-01-01"), ("x-team", "a"))
    assert made.quirks == ("no_done",)
    assert (made.policy.region, made.policy.origin) == ("JP", "US")
    assert made.auth.secret is not None
    assert made.auth.secret.resolve() == "literal"


def test_a_server_of_ones_own_needs_no_key_and_takes_one() -> None:
    assert build("ollama").auth.scheme == "none"
    assert build("ollama", Overrides(api_keys=("k",))).auth.scheme == "bearer"


def test_a_gateway_key_goes_where_the_gateway_looks_for_it() -> None:
    made = build("cloudflare-gateway", Overrides(api_keys=("k",)))
    assert made.base_url == "https://gateway.ai.cloudflare.com/v1/abc/main/compat"
    assert made.auth.header == "cf-aig-authorization"
    assert made.auth.secret is not None
    assert made.auth.secret.resolve() == "Bearer k"


def test_bedrock_is_where_the_document_says_or_else_the_environment() -> None:
    assert build("bedrock").base_url == "https://bedrock-runtime.eu-central-1.amazonaws.com"
    said = build("bedrock", Overrides(region="ap-northeast-1"))
    assert said.base_url == "https://bedrock-runtime.ap-northeast-1.amazonaws.com"
    assert said.auth.aws is not None
    assert (said.auth.aws.region, said.auth.aws.service) == ("ap-northeast-1", "bedrock")
    second = provider_from(ROWS["bedrock"], "mine", Overrides(), {"AWS_DEFAULT_REGION": "us-west-2"})
    assert second.base_url == "https://bedrock-runtime.us-west-2.amazonaws.com"


def test_bedrock_signs_unless_it_is_given_a_key() -> None:
    signed = build("bedrock", AWS_ACCESS_KEY_ID="AKIA", AWS_SECRET_ACCESS_KEY="hidden").auth
    assert signed.scheme == "sigv4"
    named = [secret.variables for secret in signed.secrets]
    assert named == [("AWS_ACCESS_KEY_ID",), ("AWS_SECRET_ACCESS_KEY",)]
    assert "hidden" not in repr(signed)
    temporary = build("bedrock", AWS_SESSION_TOKEN="t").auth
    assert temporary.secrets[-1].variables == ("AWS_SESSION_TOKEN",)
    by_environment = build("bedrock", AWS_BEARER_TOKEN_BEDROCK="k", AWS_ACCESS_KEY_ID="AKIA").auth
    assert (by_environment.scheme, by_environment.aws) == ("bearer", None)
    assert by_environment.secret is not None
    assert by_environment.secret.variables == ("AWS_BEARER_TOKEN_BEDROCK",)
    own = build("bedrock-compatible", Overrides(base_url="https://vpce.example", api_keys=("k",))).auth
    assert own.scheme == "bearer"


@pytest.mark.parametrize("row", ["bedrock", "bedrock-compatible"])
@pytest.mark.parametrize("region", [None, "US-East-1", "evil.example/"])
def test_signing_needs_a_region_that_is_one(row: str, region: str | None) -> None:
    overrides = Overrides(base_url=ROWS[row].base_url or "https://vpce.example", region=region)
    with pytest.raises(NoRegion):
        provider_from(ROWS[row], "mine", overrides, {})


def test_an_address_with_a_variable_that_is_not_set_is_refused_by_its_name() -> None:
    with pytest.raises(ValueError, match="CLOUDFLARE_ACCOUNT_ID is not set"):
        provider_from(ROWS["cloudflare"], "mine", Overrides(), {})
    with pytest.raises(ValueError, match="needs a base_url"):
        build("openai-compatible")


def test_a_variable_inside_an_address_cannot_lead_it_elsewhere() -> None:
    made = build("cloudflare", CLOUDFLARE_ACCOUNT_ID="../x?y@evil.example/")
    assert made.base_url == (
        "https://api.cloudflare.com/client/v4/accounts/..%2Fx%3Fy%40evil.example%2F/ai/v1"
    )
    whole = build("openai-compatible", Overrides(base_url="${BASE}/v1"), BASE="http://127.0.0.1:1/a")
    assert whole.base_url == "http://127.0.0.1:1/a/v1"


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ("", "missing required field `label`"),
        ('label = 1\ndialect = "d"\ndocs = "u"', r"Expected `str`, got `int` - at `\$.label`"),
        ('label = "A"\ndialect = "d"\ndocs = "u"\nbase_ulr = "x"', "unknown field `base_ulr`"),
        ('label = "A"\ndialect = "d"\ndocs = "u"\nquirks = ["odd"]', "quirks: there is no quirk odd"),
        ('label = "A"\ndialect = "d"\ndocs = "u"\nbase_url = "ftp://x"', "base_url: must start with"),
        ('label = "A"\ndialect = "d"\ndocs = "u"\nauth = "header"', "auth_header: is missing"),
        ('label = "A"\ndialect = "d"\ndocs = "u"\nlists_of = "b"', "lists_of: there is no row b"),
        ('label = "A"\ndialect = "d"\ndocs = "u"\nauth = "sigv4"', "aws_service: belongs to"),
    ],
)
def test_a_broken_row_is_refused_by_row_and_member(members: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=f"catalogue row acme: .*{complaint}"):
        catalog.parse(f"[acme]\n{members}\n")


def test_one_variable_cannot_mean_two_providers() -> None:
    row = 'label = "A"\ndialect = "d"\ndocs = "u"\nenv = ["KEY"]\n'
    with pytest.raises(ValueError, match="catalogue row b: env: KEY already stands in a"):
        catalog.parse(f"[a]\n{row}[b]\n{row}")


def test_a_model_is_called_in_the_one_dialect_it_is_served_in() -> None:
    openai = build("openai", OPENAI_API_KEY="x")
    chat = Endpoint(model="openai/gpt-5.4", provider=openai, upstream_model="gpt-5.4")
    base = Endpoint(model="openai/davinci-002", provider=openai, upstream_model="davinci-002")
    assert chat.dialect_for("openai_responses") == "openai_responses"
    assert chat.dialect_for("openai_completions") == "openai_chat"
    assert base.dialect_for("openai_completions") == base.dialect_for("openai_chat") == "openai_completions"
