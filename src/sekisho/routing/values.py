"""Single values of the document. Each function takes one scalar and raises Wrong(reason and remedy)."""

import re
from collections.abc import Callable
from decimal import Decimal
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from sekisho.core import preference
from sekisho.core.money import nano_from_usd
from sekisho.core.secret import REFERENCE
from sekisho.routing.node import Scalar
from sekisho.routing.problem import Wrong

MAX_TEXT = 4096
MAX_RATE = Decimal(10_000)
"""USD per million tokens; the dearest model ever sold cost 600 (2025). More is a slip of the unit."""
MAX_REQUEST = Decimal(100)
"""USD per call."""

_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(ms|s|m|h)")
_SECONDS = (("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0))
_DAYS = re.compile(r"([0-9]{1,9})d")
_SIZE = re.compile(r"([0-9]{1,9})(B|KiB|MiB|GiB)")
_BYTES = (("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30))
_PROVIDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MODEL_NAME = re.compile(r"[A-Za-z0-9~@][A-Za-z0-9._:@+~/-]{0,199}")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_REGION = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
_FRAMING = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "connection", "te", "upgrade"}
)


def text(scalar: Scalar) -> str:
    if scalar.kind == "nothing":
        raise Wrong("has no value; give one, or leave the key out")
    if scalar.kind != "text":
        raise Wrong(f"must be text, but is {scalar.kind}; write it in quotes")
    if not scalar.text.strip():
        raise Wrong("is empty; give a value, or leave the key out")
    if len(scalar.text) > MAX_TEXT:
        raise Wrong(f"is longer than {MAX_TEXT} characters")
    if not scalar.text.isprintable():
        raise Wrong("has a line break or another control character in it")
    return scalar.text


def templated(scalar: Scalar) -> str:
    """Text that may hold `${VAR}`; what only looks like a reference is refused, and never repeated."""
    value = text(scalar)
    rest = REFERENCE.sub("", value)
    if "${" in rest or re.fullmatch(r"\$[A-Za-z_][A-Za-z0-9_]*", rest):
        raise Wrong("has a malformed reference; write ${NAME}, of letters, digits and underscores")
    return value


def header_value(scalar: Scalar) -> str:
    value = templated(scalar)
    if not value.isascii():
        raise Wrong("a header's value must be ASCII")
    return value


def header_name(scalar: Scalar) -> str:
    if not _HEADER_NAME.fullmatch(scalar.text):
        raise Wrong("is not a header name")
    if scalar.text.lower() in _FRAMING:
        raise Wrong("is a header that Sekisho sets itself; leave it out")
    return scalar.text


def provider_name(scalar: Scalar) -> str:
    if not _PROVIDER_NAME.fullmatch(scalar.text):
        raise Wrong("a provider's name is up to 64 letters, digits, dots, dashes and underscores")
    return scalar.text


def model_name(scalar: Scalar) -> str:
    name = scalar.text
    if not _MODEL_NAME.fullmatch(name) or name.endswith("/") or "//" in name:
        raise Wrong("a model's name is up to 200 letters, digits and any of . _ : @ + ~ - / without spaces")
    return name


def served_name(scalar: Scalar) -> str:
    """The key of a provider's model: `author/slug` or a bare name."""
    name = model_name(scalar)
    if name.count("/") > 1:
        raise Wrong("a public name is `author/slug`; put the provider's own longer id under `upstream`")
    return name


def model_text(scalar: Scalar) -> str:
    """A model's name where it stands as a value, and so might be taken for a number."""
    text(scalar)
    return model_name(scalar)


def region(scalar: Scalar) -> str:
    value = text(scalar)
    if not _REGION.fullmatch(value):
        raise Wrong("must be a region's name, like `ap-northeast-1`")
    return value


def country(scalar: Scalar) -> str:
    """Two capital letters, however they were written."""
    try:
        return preference.country(text(scalar))
    except ValueError as error:
        raise Wrong(str(error)) from None


def duration(scalar: Scalar) -> float:
    """Seconds."""
    match = _DURATION.fullmatch(scalar.text)
    if match is None:
        if scalar.kind == "a number":
            raise Wrong(f"needs a unit: ms, s, m or h; for seconds write {scalar.text[:20]}s")
        raise Wrong("must be a duration like 500ms, 5s or 2m")
    seconds = float(match[1]) * dict(_SECONDS)[match[2]]
    if not 0.001 <= seconds <= 86_400:
        raise Wrong("must be between 1ms and 24h")
    return seconds


def days(scalar: Scalar) -> float:
    """Seconds."""
    match = _DAYS.fullmatch(scalar.text)
    if match is None or not 1 <= int(match[1]) <= 36_500:
        raise Wrong("must be a whole number of days between 1d and 36500d, like 90d")
    return int(match[1]) * 86_400.0


def size(scalar: Scalar) -> int:
    """Bytes."""
    match = _SIZE.fullmatch(scalar.text)
    if match is None:
        raise Wrong("must be a whole number with a unit: B, KiB, MiB or GiB, like 32MiB")
    value = int(match[1]) * dict(_BYTES)[match[2]]
    if not 1024 <= value <= 1 << 30:
        raise Wrong("must be between 1KiB and 1GiB")
    return value


def _decimal(scalar: Scalar, unit: str, most: Decimal) -> Decimal:
    if scalar.kind != "a number":
        raise Wrong(f"must be a number of {unit}, but is {scalar.kind}")
    if scalar.text.lower().endswith(("inf", "nan")):
        raise Wrong(f"must be a number of {unit}, not infinity or NaN")
    if len(scalar.text) > 24:
        raise Wrong("has more digits than money can have")
    value = Decimal(scalar.text)
    if value < 0:
        raise Wrong("must not be negative")
    if value > most:
        raise Wrong(f"is more than {most} {unit}; is the unit right?")
    return value


def rate(scalar: Scalar) -> int:
    """Nano-USD for a million tokens, from USD per million tokens."""
    return _nano(_decimal(scalar, "USD per million tokens", MAX_RATE))


def per_request(scalar: Scalar) -> int:
    """Nano-USD, from USD per call."""
    return _nano(_decimal(scalar, "USD per call", MAX_REQUEST))


def _nano(usd: Decimal) -> int:
    try:
        return nano_from_usd(usd)
    except ValueError:
        raise Wrong("has more than nine digits after the point, finer than money is counted") from None


def weight(scalar: Scalar) -> float:
    value = float(_decimal(scalar, "parts", Decimal(1_000_000)))
    if value == 0:
        raise Wrong("must be more than 0; leave the target out instead")
    return value


def positive(unit: str) -> Callable[[Scalar], float]:
    """A reader of numbers above 0."""

    def read(scalar: Scalar) -> float:
        value = float(_decimal(scalar, unit, Decimal(1_000_000)))
        if value == 0:
            raise Wrong("must be more than 0")
        return value

    return read


def share(scalar: Scalar) -> float:
    return float(_decimal(scalar, "parts of 1", Decimal(1)))


def boolean(scalar: Scalar) -> bool:
    if scalar.kind != "a boolean":
        raise Wrong(f"must be true or false, but is {scalar.kind}")
    return scalar.text.lower() == "true"


def whole(least: int, most: int) -> Callable[[Scalar], int]:
    """A reader of whole numbers between two bounds, both included."""

    def read(scalar: Scalar) -> int:
        if not scalar.plain or not re.fullmatch(r"-?[0-9]{1,18}", scalar.text):
            raise Wrong("must be a whole number" + (", not in quotes" if not scalar.plain else ""))
        if not least <= int(scalar.text) <= most:
            raise Wrong(f"must be between {least} and {most}")
        return int(scalar.text)

    return read


def base_url(scalar: Scalar) -> str:
    """An http(s) URL, or a text with references that becomes one."""
    value = templated(scalar)
    return value if REFERENCE.search(value) else checked_url(value)


def checked_url(value: str) -> str:
    """`value` without a slash at its end, if it is a URL that paths can be put behind."""
    parts = _split(value)
    if parts.query or parts.fragment or value.endswith(("?", "#")):
        raise Wrong("must end with its path: the API's paths are put behind it")
    return value.rstrip("/")


def address(scalar: Scalar) -> str:
    """An http(s) URL with any path and query, or a text with references that becomes one."""
    value = templated(scalar)
    if not REFERENCE.search(value):
        _split(value)
    return value


def proxy(scalar: Scalar) -> str:
    value = templated(scalar)
    if REFERENCE.search(value):
        return value
    return checked_proxy(value)


def checked_proxy(value: str) -> str:
    parts = _split(value, credentials=True)
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise Wrong("must be scheme, host and port only, like http://proxy.example:3128")
    return value.rstrip("/")


def one_of(*words: str) -> Callable[[Scalar], str]:
    """A reader of one word out of a few."""

    def read(scalar: Scalar) -> str:
        word = text(scalar)
        if word not in words:
            raise Wrong(f"must be one of {', '.join(words)}")
        return word

    return read


def origin(scalar: Scalar) -> str:
    """What a browser sends as `Origin`, or `*`."""
    value = text(scalar)
    if value == "*":
        return value
    parts = _split(value)
    if parts.path or parts.query or parts.fragment:
        raise Wrong("must be an origin without a path, like https://app.example")
    return value.lower()


def _split(value: str, *, credentials: bool = False) -> SplitResult:
    try:
        parts = urlsplit(value)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise Wrong(f"is not a URL: {error}") from None
    if parts.scheme not in ("http", "https"):
        raise Wrong("must start with http:// or https://")
    if not host or not _is_host(host) or port == 0:
        raise Wrong("has no usable host; write scheme://host[:port]/path")
    if "@" in parts.netloc and not credentials:
        raise Wrong("must not hold a user name or password; use `api_key` or `headers`")
    if not value.isascii() or any(character in value for character in ' "<>\\^`{|}'):
        raise Wrong("has a character that no URL may have; percent-encode it")
    return parts


def _is_host(host: str) -> bool:
    if ":" not in host:
        return len(host) <= 253 and _HOST.fullmatch(host) is not None
    try:
        return bool(ip_address(host))
    except ValueError:
        return False
