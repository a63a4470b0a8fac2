"""Who calls: a key's digest is looked up in memory; an unknown key is looked for once more in the store.

A key is sent as clients of each API send theirs, or signs the request as for AWS.
"""

from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from ipaddress import IPv6Address, ip_address
from urllib.parse import unquote_to_bytes

from sekisho.core.clock import Clock
from sekisho.core.error import Forbidden, Unauthorized
from sekisho.core.port import Keys
from sekisho.core.principal import Network, Principal
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

    Raises Unauthorized for a missing, unknown, revoked or expired key, and for a signature that is wrong;
    Forbidden where the key is not for use from there.
    """
    credential = presented(asked, query_key)
    if isinstance(credential, Authorization):
        principal = await _signer(asked, credential, keys, clock.now())
    else:
        # Only the digest is compared, and by hash lookup: how long that takes says nothing about the key.
        digest = sha256(credential).digest()
        principal = keys.find(digest) or await _find_anew(digest, keys)
    return _admitted(principal, asked, clock)


def recognised(asked: Asked, keys: Keys, clock: Clock, *, query_key: bytes | None = None) -> Principal | None:
    """As `authenticate`, where the key is in memory, as nearly always; None: `authenticate` has to look."""
    credential = presented(asked, query_key)
    if isinstance(credential, Authorization):
        return None
    principal = keys.find(sha256(credential).digest())
    return None if principal is None else _admitted(principal, asked, clock)


def _admitted(principal: Principal, asked: Asked, clock: Clock) -> Principal:
    if principal.expires is not None and principal.expires <= clock.now():
        raise Unauthorized("this API key has expired; `sekisho keys create` makes a new one")
    if principal.networks is not None and not _lies_in(asked.peer, principal.networks):
        raise Forbidden(
            f"this API key may not be used from {asked.peer or 'an unknown address'}; "
            "its IP ranges, or those of what it belongs to, leave it out"
        )
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
        raise Unauthorized("this API key is unknown, disabled or revoked; `sekisho keys create` makes one")
    return principal


async def _signer(asked: Asked, credential: Authorization, keys: Keys, now: float) -> Principal:
    found = keys.signatories(credential.access_key_id)
    if not found:
        await keys.refresh()
        found = keys.signatories(credential.access_key_id)
    if not found:
        raise Unauthorized(
            "this AWS access key id is none of ours, or its key was revoked; "
            "`sekisho keys create --aws` makes a pair"
        )
    *newer, last = found
    for signatory in newer:
        with suppress(Unauthorized):
            signature.verify(asked, credential, signatory.secret_access_key, now)
            return signatory.principal
    signature.verify(asked, credential, last.secret_access_key, now)
    return last.principal


def _lies_in(peer: str, networks: Sequence[Network]) -> bool:
    """False, too, for what is no address."""
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in networks)
