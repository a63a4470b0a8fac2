"""Signatures that this provider puts on its own reasoning, and knows again.

They depend on nothing but the content and who signs, so that any scripted provider takes back what another
one wrote, as a provider's hosts do. Anthropic's are the same wherever Claude is served.
"""

import base64
import binascii
import hmac

_SECRET = b"the scripted provider's own"
_SIZE = 16


def sign(maker: str, content: str) -> str:
    """A signature of the content, which is not in it."""
    return base64.b64encode(_digest(maker, content.encode("utf-8", "surrogatepass"))).decode()


def is_signed(maker: str, signature: object, content: str) -> bool:
    return signature == sign(maker, content)


def seal(maker: str, content: str) -> str:
    """The content and its signature in one opaque string: base64, in the alphabet for URLs."""
    data = content.encode("utf-8", "surrogatepass")
    return base64.urlsafe_b64encode(_digest(maker, data) + data).decode()


def is_sealed(maker: str, sealed: object) -> bool:
    """Whether `seal` made this, in whichever of base64's alphabets it came back."""
    if not isinstance(sealed, str):
        return False
    try:
        data = base64.b64decode(sealed.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(data[:_SIZE], _digest(maker, data[_SIZE:]))


def _digest(maker: str, data: bytes) -> bytes:
    return hmac.digest(_SECRET, maker.encode() + b"\0" + data, "sha256")[:_SIZE]
