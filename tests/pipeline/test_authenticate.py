"""Every form in which clients show who they are, and what is said where it does not do."""

import datetime as dt
from dataclasses import dataclass, field, replace
from hashlib import sha256
from ipaddress import ip_network

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sekisho.core.clock import Clock
from sekisho.core.error import Forbidden, Unauthorized
from sekisho.core.principal import Principal, Signatory
from sekisho.pipeline.steps.authenticate import authenticate

KEY = b"sk-sekisho-canary"
KEY_ID = "key_0123456789abcdef"
SECRET = "5" * 64
NOW = 1_790_000_000.0
OURS = Principal(key_id=KEY_ID, name="ours")
HOST = b"gateway.example:4000"


@dataclass
class Known:
    """The keys' port: what it knows after a refresh, and what it knew before."""

    principals: dict[bytes, Principal] = field(default_factory=lambda: {sha256(KEY).digest(): OURS})
    late: bool = False

    def find(self, digest: bytes) -> Principal | None:
        return None if self.late else self.principals.get(digest)

    former_secret: str | None = None
    """Of a key that was rotated a while ago."""

    def signatories(self, key_id: str) -> list[Signatory]:
        owner = next((each for each in self.principals.values() if each.key_id == key_id), None)
        if self.late or owner is None:
            return []
        secrets = [SECRET] + ([self.former_secret] if self.former_secret else [])
        return [Signatory(owner, secret) for secret in secrets]

    async def refresh(self) -> None:
        self.late = False


@dataclass
class Request:
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    target: bytes = b"/v1/chat/completions"
    method: str = "POST"
    body: bytes = b"{}"
    peer: str = ""

    @property
    def named(self) -> dict[bytes, bytes]:
        return dict(reversed(self.headers))


async def who(request: Request, keys: Known | None = None, **options: bytes) -> Principal:
    return await authenticate(request, keys or Known(), Clock(now=lambda: NOW), **options)


@pytest.mark.parametrize(
    "header",
    [
        (b"authorization", b"Bearer " + KEY),
        (b"authorization", b"bearer  " + KEY + b" "),
        (b"x-api-key", KEY),
        (b"api-key", KEY),
        (b"x-goog-api-key", KEY),
    ],
)
@pytest.mark.parametrize("late", [False, True])
async def test_a_key_is_taken_from_wherever_a_client_puts_it(header: tuple[bytes, bytes], late: bool) -> None:
    assert await who(Request([header]), Known(late=late)) is OURS


async def test_a_key_in_the_query_counts_where_the_dialect_has_one() -> None:
    request = Request(target=b"/v1beta/models/m:generateContent?alt=sse&key=sk%2Dsekisho-canary")
    assert await who(request, query_key=b"key") is OURS
    with pytest.raises(Unauthorized, match="no API key"):
        await who(request)
    with pytest.raises(Unauthorized, match="unknown, disabled or revoked") as raised:
        await who(replace(request, target=b"/v1beta/x?key=sk-other-canary"), query_key=b"key")
    assert "canary" not in raised.value.message
    with pytest.raises(Unauthorized, match="unknown, disabled or revoked"):
        await who(replace(request, headers=[(b"x-goog-api-key", b"wrong")]), query_key=b"key")


@pytest.mark.parametrize(
    "headers",
    [[], [(b"authorization", b"Basic abc")], [(b"authorization", b"Bearer ")], [(b"x-api-key", b" ")]],
)
async def test_without_a_key_the_error_says_how_to_send_one(headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(Unauthorized, match="Authorization: Bearer KEY"):
        await who(Request(headers))


async def test_an_expired_key_is_told_from_an_unknown_one() -> None:
    expired = Known({sha256(KEY).digest(): replace(OURS, expires=NOW)})
    with pytest.raises(Unauthorized, match="has expired"):
        await who(Request([(b"x-api-key", KEY)]), expired)
    with pytest.raises(Unauthorized, match="has expired"):
        await who(signed(), expired)


# --- signatures -----------------------------------------------------------------------------------


def signed(
    *,
    target: str = "/model/us.anthropic.claude%3A0/converse",
    body: bytes = '{"messages": "関所"}'.encode(),
    ago: float = 0,
    key: tuple[str, str, str | None] = (KEY_ID, SECRET, None),
    scope: tuple[str, str] = ("bedrock", "ap-northeast-1"),
) -> Request:
    """As boto3 would send it."""
    request = AWSRequest("POST", f"http://{HOST.decode()}{target}", data=body)
    request.headers["Content-Type"] = "application/json"
    moment = dt.datetime.fromtimestamp(NOW - ago, dt.UTC)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.auth, "get_current_datetime", lambda: moment)
        botocore.auth.SigV4Auth(Credentials(*key), *scope).add_auth(request)
    headers = [(name.lower().encode(), value.encode()) for name, value in request.headers.items()]
    return Request([(b"host", HOST), (b"user-agent", b"Boto3"), *headers], target.encode(), "POST", body)


def changed(request: Request, name: bytes, old: bytes, new: bytes) -> Request:
    headers = [(key, value.replace(old, new) if key == name else value) for key, value in request.headers]
    return replace(request, headers=headers)


@pytest.mark.parametrize(
    "request_",
    [
        signed(),
        signed(ago=290),
        signed(ago=-290),
        signed(scope=("bedrock", "us-gov-west-1")),
        signed(key=(KEY_ID, SECRET, "a-session-token-of-the-clients-environment")),
        signed(target="/model/a/converse?b=2&a=%20x", body=b""),
    ],
)
async def test_what_boto3_signs_with_our_own_key_is_taken(request_: Request) -> None:
    assert await who(request_) is OURS
    assert await who(request_, Known(late=True)) is OURS


WRONG = {
    "clock skew: the request was signed at": signed(ago=301),
    "Set the client's clock": signed(ago=-301),
    "for the service `s3`; sign for `bedrock`": signed(scope=("s3", "us-east-1")),
    "none of ours, or its key was revoked": signed(key=("AKIAIOSFODNN7EXAMPLE", SECRET, None)),
    "does not match: check the secret": signed(key=(KEY_ID, "6" * 64, None)),
    "does not match": replace(signed(), body=b"{}"),
    "that nothing on the way changes the path": replace(signed(), target=b"/model/other/converse"),
    "the body or the `Host` header": changed(signed(), b"host", b"gateway", b"elsewhere"),
    "must cover the headers `host` and `x-amz-date`": changed(signed(), b"authorization", b"host;", b""),
    "covers `content-type`, which the request does not have": replace(
        signed(), headers=[header for header in signed().headers if header[0] != b"content-type"]
    ),
    "is not that of `x-amz-date`": changed(signed(), b"authorization", b"/2026", b"/2025"),
    "must be like 20261122T093000Z": changed(signed(), b"x-amz-date", b"T", b" "),
    "is no date and time": changed(signed(), b"x-amz-date", b"2026", b"0000"),
    "cannot be read": changed(signed(), b"authorization", b"Signature=", b"Sig="),
    "must cover the body": replace(
        signed(), headers=[*signed().headers, (b"x-amz-content-sha256", b"UNSIGNED-PAYLOAD")]
    ),
    "is not the one that was signed": replace(
        signed(), headers=[*signed().headers, (b"x-amz-content-sha256", b"0" * 64)]
    ),
}


@pytest.mark.parametrize(("reason", "request_"), WRONG.items(), ids=WRONG)
async def test_a_signature_that_is_wrong_is_told_why(reason: str, request_: Request) -> None:
    with pytest.raises(Unauthorized) as raised:
        await who(request_)
    assert reason in raised.value.message
    assert SECRET not in raised.value.message


async def test_both_pairs_of_a_rotated_key_sign_and_no_third() -> None:
    keys = Known(former_secret="6" * 64)
    for secret in (SECRET, "6" * 64):
        assert await who(signed(key=(KEY_ID, secret, None)), keys) is OURS
    with pytest.raises(Unauthorized, match="does not match"):
        await who(signed(key=(KEY_ID, "7" * 64, None)), keys)


@pytest.mark.parametrize(
    ("peer", "taken"),
    [
        ("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("2001:db8::7", True), ("fe80::1%eth0", False),
        ("11.0.0.1", False), ("::1", False), ("", False), ("10.1.2.3:80", False),
    ],
)  # fmt: skip
async def test_a_key_for_some_networks_is_taken_from_there_alone(peer: str, taken: bool) -> None:
    ranges = (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))
    keys = Known({sha256(KEY).digest(): replace(OURS, networks=ranges)})
    asked = Request(headers=[(b"x-api-key", KEY)], peer=peer)
    if taken:
        assert (await who(asked, keys)).key_id == KEY_ID
    else:
        with pytest.raises(Forbidden, match="may not be used from"):
            await who(asked, keys)
