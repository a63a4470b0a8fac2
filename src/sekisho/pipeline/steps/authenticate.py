"""Who calls: a key's digest is looked up in memory; an unknown key is looked for once more in the store."""

from hashlib import sha256

from sekisho.core.clock import Clock
from sekisho.core.contract import Headers
from sekisho.core.error import Unauthorized
from sekisho.core.port import Keys
from sekisho.core.principal import Principal


def presented_key(headers: Headers) -> bytes:
    """The key of `Authorization: Bearer` or `x-api-key`. Raises Unauthorized where there is none."""
    for name, value in headers:
        if name == b"authorization":
            scheme, _, key = value.partition(b" ")
            if scheme.lower() == b"bearer" and key.strip():
                return key.strip()
        elif name == b"x-api-key" and value.strip():
            return value.strip()
    raise Unauthorized("no API key: send `Authorization: Bearer KEY` or `x-api-key: KEY`")


async def authenticate(headers: Headers, keys: Keys, clock: Clock) -> Principal:
    """Raises Unauthorized for a missing, unknown, revoked or expired key."""
    # Only the digest is compared, and by hash lookup: how long that takes says nothing about the key.
    digest = sha256(presented_key(headers)).digest()
    principal = keys.find(digest)
    if principal is None:
        await keys.refresh()
        principal = keys.find(digest)
    if principal is None:
        raise Unauthorized("this API key is unknown or was revoked; `sekisho keys create` makes one")
    if principal.expires is not None and principal.expires <= clock.now():
        raise Unauthorized("this API key has expired; `sekisho keys create` makes a new one")
    return principal
