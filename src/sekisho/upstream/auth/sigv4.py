"""AWS Signature Version 4, over host, date, content type, session token and body.

Nothing else is signed: a header that a proxy on the way may change would break the signature.
"""

import time
from collections.abc import Callable
from dataclasses import replace

from sekisho.core.provider import AwsSigning
from sekisho.core.secret import Secret
from sekisho.upstream.auth.header import header_text
from sekisho.upstream.head import CONTENT_TYPE
from sekisho.wire import sigv4
from sekisho.wire.sigv4 import Authorization, Message, Scope


class SigV4Signer:
    __slots__ = ("_aws", "_kept", "_now")
    constant = False

    def __init__(self, aws: AwsSigning, now: Callable[[], float]) -> None:
        self._aws = aws
        self._now = now
        self._kept: tuple[str, Scope, bytes] | None = None
        """(secret, scope, signing key) of the day."""

    def headers(self) -> list[tuple[str, str]]:
        return []

    def sign(self, method: str, authority: str, path: str, body: bytes) -> bytes:
        signed = (*((CONTENT_TYPE,) if body else ()), ("host", authority))
        lines = self._lines(Message(method, path, signed, sigv4.body_hash(body)))
        return "".join(f"{name}: {value}\r\n" for name, value in lines).encode()

    def sign_for_s3(self, method: str, authority: str, path: str, body_hash: str) -> list[tuple[str, str]]:
        """The headers of a request to S3, whose body need not be in memory."""
        told = ("x-amz-content-sha256", body_hash)
        signed = (("host", authority), told)
        return [told, *self._lines(Message(method, path, signed, body_hash, as_it_stands=True))]

    def _lines(self, message: Message) -> list[tuple[str, str]]:
        """The headers that a request gets, which has those of `message` already."""
        aws = self._aws
        timestamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._now()))
        scope = Scope(timestamp[:8], aws.region, aws.service)
        added = [("x-amz-date", timestamp)]
        if aws.session_token is not None:
            added.append(("x-amz-security-token", header_text(aws.session_token)))
        whole = replace(message, headers=(*message.headers, *added))
        authorization = Authorization(
            access_key_id=header_text(aws.access_key_id),
            scope=scope,
            signed_headers=tuple(sorted(name for name, _ in whole.headers)),
            signature=sigv4.signature(self._key(aws.secret_access_key, scope), timestamp, scope, whole),
        )
        return [*added, ("authorization", sigv4.write_authorization(authorization))]

    def _key(self, secret: Secret, scope: Scope) -> bytes:
        text = header_text(secret)
        if self._kept is None or self._kept[:2] != (text, scope):
            self._kept = (text, scope, sigv4.signing_key(text, scope))
        return self._kept[2]
