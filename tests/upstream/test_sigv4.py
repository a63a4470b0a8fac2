"""Requests to AWS, signed: what botocore would sign with the same credentials at the same moment."""

import datetime as dt

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sekisho.core.error import ProviderAuthFailed
from sekisho.core.provider import Auth, AwsSigning
from sekisho.core.secret import Secret
from sekisho.upstream.auth import Signer, signer
from sekisho.wire import sigv4

HOST = "bedrock-runtime.ap-northeast-1.amazonaws.com"
PATH = "/model/us.anthropic.claude%3A0/converse-stream"
BODY = '{"messages": ["関所"]}'.encode()
DAY = 86_400.0


class World:
    def __init__(self, patch: pytest.MonkeyPatch):
        self.time = 1_790_000_000.0
        for name, value in {
            "AWS_ID": "AKIDEXAMPLE",
            "AWS_SECRET": "first/secret+",
            "AWS_TOKEN": "t=/+",
        }.items():
            patch.setenv(name, value)

    def signer(self, *, token: bool = False) -> Signer:
        aws = AwsSigning(
            access_key_id=Secret("${AWS_ID}"),
            secret_access_key=Secret("${AWS_SECRET}"),
            session_token=Secret("${AWS_TOKEN}") if token else None,
            region="ap-northeast-1",
            service="bedrock",
        )
        return signer(Auth("sigv4", aws=aws), lambda: self.time)

    def by_botocore(self, secret: str, token: str | None, patch: pytest.MonkeyPatch) -> dict[str, str]:
        moment = dt.datetime.fromtimestamp(self.time, dt.UTC)
        patch.setattr(botocore.auth, "get_current_datetime", lambda: moment)
        request = AWSRequest("POST", f"https://{HOST}{PATH}", data=BODY)
        request.headers["Content-Type"] = "application/json"
        credentials = Credentials("AKIDEXAMPLE", secret, token)
        botocore.auth.SigV4Auth(credentials, "bedrock", "ap-northeast-1").add_auth(request)
        return {name.lower(): value for name, value in request.headers.items()}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def sent(made: Signer) -> dict[str, str]:
    lines = made.sign("POST", HOST, PATH, BODY).decode().split("\r\n")
    assert lines.pop() == ""
    assert made.headers() == []
    return dict(line.split(": ", 1) for line in lines) | {"content-type": "application/json"}


@pytest.mark.parametrize("token", [False, True])
def test_the_headers_are_those_that_botocore_sends(
    token: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = world.by_botocore("first/secret+", "t=/+" if token else None, monkeypatch)
    assert sent(world.signer(token=token)) == expected


def test_a_new_day_and_a_new_secret_are_signed_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = world.signer()
    sent(made)
    world.time += DAY
    assert sent(made) == world.by_botocore("first/secret+", None, monkeypatch)
    monkeypatch.setenv("AWS_SECRET", "second")
    assert sent(made) == world.by_botocore("second", None, monkeypatch)


def test_the_key_of_a_day_is_derived_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = world.signer()
    sent(made)
    monkeypatch.delattr(sigv4, "signing_key")
    world.time += 1
    sent(made)


@pytest.mark.parametrize(
    ("variable", "value"), [("AWS_ID", None), ("AWS_SECRET", None), ("AWS_TOKEN", "a\nb")]
)
def test_credentials_of_no_use_are_told_by_their_variable(
    variable: str, value: str | None, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    if value is None:
        monkeypatch.delenv(variable)
    else:
        monkeypatch.setenv(variable, value)
    with pytest.raises(ProviderAuthFailed, match=variable):
        world.signer(token=True).sign("POST", HOST, PATH, BODY)
