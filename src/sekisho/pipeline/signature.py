"""Whether a request that is signed as for AWS was signed with one of our own keys.

The rules are AWS's own (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html, 2026-11), but
for the region, of which there is only one here, and the body, which must always be signed.
"""

import calendar
import hmac
import re
import time
from typing import Protocol

from sekisho.core.contract import Headers, Named
from sekisho.core.error import Unauthorized
from sekisho.wire import sigv4
from sekisho.wire.sigv4 import Authorization, Message

SERVICE = "bedrock"
SKEW_SECONDS = 300
"""How far a client's clock may be off, as at AWS; and how long a request that was overheard stays good."""
_COMPULSORY = frozenset({"host", "x-amz-date"})
_TIMESTAMP = re.compile(r"\d{8}T\d{6}Z", re.ASCII)


class Asked(Protocol):
    """What of a request can prove who sends it."""

    @property
    def method(self) -> str: ...
    @property
    def target(self) -> bytes:
        """Path and query as they came."""
        ...

    @property
    def headers(self) -> Headers: ...
    @property
    def named(self) -> Named: ...
    @property
    def peer(self) -> str:
        """The address that the request came from; empty: not known."""
        ...

    @property
    def body(self) -> bytes:
        """As it came."""
        ...


def read(value: bytes) -> Authorization:
    """What the `Authorization` header says. Raises Unauthorized."""
    authorization = sigv4.read_authorization(value.decode("latin-1"))
    if authorization is None:
        raise Unauthorized(
            "the AWS signature cannot be read: `Authorization` must say Credential=ID/DATE/REGION/bedrock/"
            "aws4_request, SignedHeaders=... and Signature=..."
        )
    return authorization


def verify(asked: Asked, authorization: Authorization, secret_access_key: str, now: float) -> None:
    """`now`: seconds since the epoch. Raises Unauthorized, which says what is wrong."""
    scope = authorization.scope
    if scope.service != SERVICE:
        raise Unauthorized(
            f"the AWS signature is for the service `{scope.service[:40]}`; sign for `{SERVICE}`"
        )
    signed = frozenset(authorization.signed_headers)
    if not signed >= _COMPULSORY:
        raise Unauthorized("the AWS signature must cover the headers `host` and `x-amz-date`")
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in asked.headers]
    covered = [header for header in headers if header[0] in signed]
    missing = signed - {name for name, _ in covered}
    if missing:
        raise Unauthorized(f"the AWS signature covers `{min(missing)[:60]}`, which the request does not have")
    timestamp = dict(covered)["x-amz-date"]
    _check_time(timestamp, scope.date, now)
    body_hash = sigv4.body_hash(asked.body)
    _check_body(dict(headers).get("x-amz-content-sha256"), body_hash)
    message = Message(asked.method, asked.target.decode("latin-1"), covered, body_hash)
    key = sigv4.signing_key(secret_access_key, scope)
    expected = sigv4.signature(key, timestamp, scope, message)
    if not hmac.compare_digest(expected, authorization.signature):
        raise Unauthorized(
            "the AWS signature does not match: check the secret access key (`sekisho keys aws` prints it), "
            "and that nothing on the way changes the path, the body or the `Host` header"
        )


def _check_time(timestamp: str, date: str, now: float) -> None:
    if not _TIMESTAMP.fullmatch(timestamp):
        raise Unauthorized("`x-amz-date` must be like 20261122T093000Z")
    try:
        signed_at = calendar.timegm(time.strptime(timestamp, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise Unauthorized("`x-amz-date` is no date and time") from None
    if timestamp[:8] != date:
        raise Unauthorized("the date in the AWS signature's `Credential` is not that of `x-amz-date`")
    if abs(now - signed_at) > SKEW_SECONDS:
        here = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        raise Unauthorized(
            f"clock skew: the request was signed at {timestamp}, and here it is {here}; "
            f"{SKEW_SECONDS // 60} minutes are allowed. Set the client's clock"
        )


def _check_body(claimed: str | None, actual: str) -> None:
    if claimed is None or claimed == actual:
        return
    if claimed.startswith(("UNSIGNED-", "STREAMING-")):
        raise Unauthorized(
            "the AWS signature must cover the body: unsigned and chunk-signed ones are not taken"
        )
    raise Unauthorized("the body is not the one that was signed: something on the way changed it")
