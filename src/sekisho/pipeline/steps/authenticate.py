"""Who calls: a key's digest is looked up in memory; an unknown key is looked for once more in the store.

A key is sent as clients of each API send theirs, or signs the request as for AWS.
"""

from hashlib import sha256
from urllib.parse import unquote_to_bytes

from sekisho.core.clock import Clock
from sekisho.core.error import Unauthorized
from sekisho.core.port import Keys
from sekisho.core.principal import Principal, Signatory
from sekisho.pipeline import signature
from sekisho.pipeline.signature import Asked
from sekisho.wire.sigv4 import Authorization

KEY_HEADERS = (b"x-api-key", b"api-key", b"x-goog-api-key")
"""Of Anthropic, Azure and Google."""
SIGNED = b"AWS4-HMAC-SHA256"


async def authenticate(
    asked: Asked, keys: Keys, clock: Clock, *, query_key: bytes | None = None
) -> Principal:
    """`query_key`: a parameter of the query that may hold the key, where the dialect has one.

    Raises Unauthorized for a missing, unknown, revoked or expired key, and for a signature that is wrong.
    """
    credential = presented(asked, query_key)
    if isinstance(credential, Authorization):
        signatory = await _find_signatory(credential.access_key_id, keys)
        signature.verify(asked, credential, signatory.secret_access_key, clock.now())
        principal = signatory.principal
    else:
        # Only the digest is compared, and by hash lookup: how long that takes says nothing about the key.
        digest = sha256(credential).digest()
        principal = keys.find(digest) or await _find_anew(digest, keys)
    if principal.expires is not None and principal.expires <= clock.now():
        raise Unauthorized("this API key has expired; `sekisho keys create` makes a new one")
    return principal


def presented(asked: Asked, query_key: bytes | None = None) -> bytes | Authorization:
    """The key that the request holds, or what its signature says; of several `authorization` counts first.
    Raises Unauthorized where there is neither."""
    named = asked.named
    value = named.get(b"authorization")
    if value is not None:
        scheme, _, key = value.partition(b" ")
        if scheme.lower() == b"bearer" and (key := key.strip()):
            return key
        if scheme == SIGNED:
            return signature.read(value)
    for name in KEY_HEADERS:
        if name in named and (key := named[name].strip()):
            return key
    if query_key is not None:
        for pair in asked.target.partition(b"?")[2].split(b"&"):
            name, _, value = pair.partition(b"=")
            if name == query_key and value:
                return unquote_to_bytes(value)
    raise Unauthorized("no API key: send `Authorization: Bearer KEY` or `x-api-key: KEY`")


async def _find_anew(digest: bytes, keys: Keys) -> Principal:
    await keys.refresh()
    principal = keys.find(digest)
    if principal is None:
        raise Unauthorized("this API key is unknown or was revoked; `sekisho keys create` makes one")
    return principal


async def _find_signatory(key_id: str, keys: Keys) -> Signatory:
    signatory = keys.signatory(key_id)
    if signatory is None:
        await keys.refresh()
        signatory = keys.signatory(key_id)
    if signatory is None:
        raise Unauthorized(
            "this AWS access key id is none of ours, or its key was revoked; "
            "`sekisho keys create --aws` makes a pair"
        )
    return signatory
