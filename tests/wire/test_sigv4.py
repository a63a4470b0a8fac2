"""Our signatures against AWS's published vectors, and against botocore's signer for whatever it is given."""

import datetime as dt
from typing import Any
from urllib.parse import quote

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.wire import sigv4
from sekisho.wire.sigv4 import Authorization, Message, Scope

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TIMESTAMP = "20150830T123600Z"
SCOPE = Scope("20150830", "us-east-1", "service")
TOKEN = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"
HOST = ("host", "example.amazonaws.com")
DATE = ("x-amz-date", TIMESTAMP)


def sign(target: str, *headers: tuple[str, str], method: str = "GET", body: bytes = b"") -> str:
    message = Message(method, target, headers, sigv4.body_hash(body))
    return sigv4.signature(sigv4.signing_key(SECRET, SCOPE), TIMESTAMP, SCOPE, message)


# github.com/awslabs/aws-c-auth, tests/aws-signing-test-suite/v4 (seen 2026-11)
VECTORS = {
    "get-vanilla": ("/", (), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    "get-relative-relative": (
        "/example1/example2/../..",
        (),
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    "get-utf8": (
        "/ሴ",
        (),
        "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
    ),
    "get-space": (
        "/example space/",
        (),
        "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
    ),
    "get-vanilla-utf8-query": (
        "/?ሴ=bar",
        (),
        "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
    ),
    "get-vanilla-query-order-key-case": (
        "/?Param2=value2&Param1=value1",
        (),
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    "get-vanilla-query-order-encoded": (
        "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
        (),
        "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
    ),
    "get-header-value-trim": (
        "/",
        (("my-header1", " value1"), ("my-header2", ' "a   b   c"')),
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    ),
    "get-header-key-duplicate": (
        "/",
        (("my-header1", "value2"), ("my-header1", "value2"), ("my-header1", "value1")),
        "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
    ),
    "get-vanilla-with-session-token": (
        "/",
        (("x-amz-security-token", TOKEN),),
        "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
    ),
}


@pytest.mark.parametrize(("target", "headers", "expected"), VECTORS.values(), ids=VECTORS)
def test_signatures_are_those_that_aws_publishes(target: str, headers: Any, expected: str) -> None:
    assert sign(target, HOST, *headers, DATE) == expected


def moment() -> dt.datetime:
    return dt.datetime.strptime(TIMESTAMP, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)


def by_botocore(target: str, body: bytes, token: str | None = None) -> Authorization:
    request = AWSRequest("POST", f"https://bedrock-runtime.us-east-1.amazonaws.com{target}", data=body)
    request.headers["Content-Type"] = "application/json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.auth, "get_current_datetime", moment)
        credentials = Credentials("AKIDEXAMPLE", SECRET, token)
        botocore.auth.SigV4Auth(credentials, "bedrock", "us-east-1").add_auth(request)
    read = sigv4.read_authorization(request.headers["Authorization"])
    assert read is not None
    return read


def by_us(target: str, body: bytes, token: str | None = None) -> Authorization:
    headers = [
        ("host", "bedrock-runtime.us-east-1.amazonaws.com"),
        DATE,
        ("content-type", "application/json"),
    ]
    if token is not None:
        headers.append(("x-amz-security-token", token))
    scope = Scope("20150830", "us-east-1", "bedrock")
    message = Message("POST", target, headers, sigv4.body_hash(body))
    names = tuple(sorted(name for name, _ in headers))
    key = sigv4.signing_key(SECRET, scope)
    return Authorization("AKIDEXAMPLE", scope, names, sigv4.signature(key, TIMESTAMP, scope, message))


@pytest.mark.parametrize(
    "target",
    [
        "/model/us.anthropic.claude%3A0/converse",
        "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fx/converse-stream",
        "/model/%E9%96%A2%E6%89%80/converse",
        "/model/a~b_c.d-e/converse?b=2&a=1&a=%2F",
        "/prefix//model/./x%20y/../z/",
    ],
)
@pytest.mark.parametrize("token", [None, "IQoJb3JpZ2luX2VjE+/=="])
def test_botocore_signs_the_same_request_alike(target: str, token: str | None) -> None:
    body = '{"messages": "関所"}'.encode()
    assert by_us(target, body, token) == by_botocore(target, body, token)


@settings(max_examples=200, deadline=None)
@given(
    segments=st.lists(st.text(max_size=8), max_size=4),
    query=st.dictionaries(st.text(min_size=1, max_size=4), st.text(max_size=4), max_size=3),
    body=st.binary(max_size=64),
)
def test_whatever_is_escaped_is_signed_as_botocore_signs_it(
    segments: list[str], query: dict[str, str], body: bytes
) -> None:
    path = "/" + "/".join(quote(_plain(segment), safe="") for segment in segments)
    pairs = "&".join(f"{quote(_plain(k), safe='')}={quote(_plain(v), safe='')}" for k, v in query.items())
    target = f"{path}?{pairs}" if pairs else path
    assert by_us(target, body) == by_botocore(target, body)


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def test_an_authorization_is_read_as_it_was_written() -> None:
    made = Authorization("key_1", SCOPE, ("host", "x-amz-date"), "0" * 64)
    written = sigv4.write_authorization(made)
    assert sigv4.read_authorization(written) == made
    assert sigv4.read_authorization(written.replace(", ", ",")) == made


@pytest.mark.parametrize(
    "value",
    [
        "",
        "AWS4-HMAC-SHA256",
        "Bearer AWS4-HMAC-SHA256 Credential=a/20150830/r/s/aws4_request",
        "AWS4-HMAC-SHA256 Credential=a/2015/r/s/aws4_request, SignedHeaders=host, Signature=" + "0" * 64,
        "AWS4-HMAC-SHA256 Credential=a/20150830/r/s/aws4_request, SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256 Credential=a/20150830/r/s/aws4_request, SignedHeaders=, Signature=" + "0" * 64,
        "AWS4-HMAC-SHA256 Credential=a/٢٠١٥٠٨٣٠/r/s/aws4_request, SignedHeaders=host, Signature=" + "0" * 64,
    ],
)
def test_what_is_no_authorization_of_this_scheme_is_told_apart(value: str) -> None:
    assert sigv4.read_authorization(value) is None
