"""Checks AWS's Signature Version 4 of a request, as Bedrock does before anything else.

From docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html (read 2026-11):
outside S3 the path that is signed is the path as sent, escaped once more.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote

from sekisho.testkit.provider.connection import Received
from sekisho.testkit.provider.format import Credentials

_ALGORITHM = "AWS4-HMAC-SHA256"
_HEADER = re.compile(
    rf"{_ALGORITHM} Credential=(?P<key>[^/,]+)/(?P<scope>[^,]+),\s*SignedHeaders=(?P<signed>[^,]+),\s*"
    r"Signature=(?P<signature>[0-9a-f]{64})"
)
_LEEWAY = timedelta(minutes=5)


class Unsigned(Exception):
    """The request is not let in. Says what AWS calls it, and why."""

    def __init__(self, kind: str, message: str):
        super().__init__(message)
        self.kind = kind
        self.message = message


@dataclass(frozen=True, slots=True)
class _Claim:
    key: str
    scope: str
    signed: tuple[str, ...]
    signature: str
    date: str


def verify(request: Received, credentials: Credentials, service: str, now: datetime) -> None:
    """Raises Unsigned unless whoever holds the secret signed exactly this request, for this service, now."""
    claim = _claim(request)
    if claim.key != credentials.access_key_id:
        raise Unsigned(
            "UnrecognizedClientException", "The security token included in the request is invalid."
        )
    _check_scope(claim, service, now)
    canonical = _canonical(request, claim.signed)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"{_ALGORITHM}\n{claim.date}\n{claim.scope}\n{digest}"
    key = b"AWS4" + credentials.secret_access_key.encode()
    for step in claim.scope.split("/"):
        key = hmac.digest(key, step.encode(), "sha256")
    wanted = hmac.digest(key, to_sign.encode(), "sha256").hex()
    if not hmac.compare_digest(wanted, claim.signature):
        raise Unsigned(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. Check your AWS "
            "Secret Access Key and signing method. Consult the service documentation for details.",
        )


def _claim(request: Received) -> _Claim:
    given = request.header("authorization")
    if given is None:
        raise Unsigned("MissingAuthenticationTokenException", "Missing Authentication Token")
    match = _HEADER.fullmatch(given.strip())
    date = request.header("x-amz-date")
    if match is None or date is None:
        raise Unsigned(
            "IncompleteSignatureException",
            "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters, and "
            "existence of either a 'X-Amz-Date' or a 'Date' header.",
        )
    signed = tuple(match["signed"].split(";"))
    must = {"host", "x-amz-date"} | {
        name.decode("latin-1") for name, _ in request.headers if name == b"x-amz-security-token"
    }
    if list(signed) != sorted(signed) or not must <= set(signed):
        raise Unsigned("InvalidSignatureException", f"SignedHeaders must be sorted and have {sorted(must)}.")
    return _Claim(match["key"], match["scope"], signed, match["signature"], date)


def _check_scope(claim: _Claim, service: str, now: datetime) -> None:
    day, _, rest = claim.scope.partition("/")
    _, _, tail = rest.partition("/")
    if tail != f"{service}/aws4_request" or day != claim.date[:8]:
        raise Unsigned(
            "InvalidSignatureException",
            f"Credential should be scoped to correct service: '{service}' and to the date of the request.",
        )
    try:
        signed_at = datetime.strptime(claim.date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise Unsigned("IncompleteSignatureException", "Date must be in ISO-8601 'basic format'.") from None
    if abs(now - signed_at) > _LEEWAY:
        raise Unsigned("InvalidSignatureException", f"Signature expired or not yet current: {claim.date}.")


def _canonical(request: Received, signed: tuple[str, ...]) -> str:
    pairs = parse_qsl(request.query, keep_blank_values=True, encoding="utf-8")
    query = "&".join(
        f"{name}={value}"
        for name, value in sorted(
            (quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in pairs
        )
    )
    headers = "".join(f"{name}:{_values(request, name)}\n" for name in signed)
    body = hashlib.sha256(request.body).hexdigest()
    stated = request.header("x-amz-content-sha256")
    if stated not in (None, body):
        raise Unsigned("InvalidSignatureException", "The value of X-Amz-Content-Sha256 is not the body's.")
    return "\n".join(
        (request.method, quote(request.path, safe="/-_.~"), query, headers, ";".join(signed), body)
    )


def _values(request: Received, name: str) -> str:
    found = [value.decode("latin-1") for key, value in request.headers if key == name.encode()]
    return ",".join(" ".join(value.split()) for value in found)
