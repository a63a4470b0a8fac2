"""The head of a request, as bytes."""

import re
from collections.abc import Iterable

from sekisho.upstream.origin import Origin
from sekisho.upstream.proxy import parse_proxy

CONTENT_TYPE = ("content-type", "application/json")
"""Of every request that has a body: signatures cover it."""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TARGET = re.compile(r"/[!-~]*")
_OWN = frozenset(
    (
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "proxy-connection",
        "proxy-authorization",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "accept-encoding",
    )
)


def build_head(method: str, path: str, origin: Origin, headers: Iterable[tuple[str, str]]) -> bytes:
    """Request line and headers in the order given, but for Content-Length and the blank line.

    `path` starts with a slash and is already escaped. Headers that frame the message or belong to the
    connection are the client's own affair: ones given here are left out. Raises ValueError, without the
    text, for anything that could smuggle a line.
    """
    if not _TOKEN.fullmatch(method):
        raise ValueError("the method is not a token")
    if not _TARGET.fullmatch(path):
        raise ValueError(
            "the path must start with a slash and have no spaces, line ends or unescaped letters"
        )
    target, proxy_line = path, ""
    if origin.proxy is not None and origin.scheme == "http":
        target = f"http://{origin.authority}{path}"
        authorization = parse_proxy(origin.proxy).authorization
        proxy_line = f"proxy-authorization: {authorization}\r\n" if authorization else ""
    lines = [
        f"{method} {target} HTTP/1.1\r\nhost: {origin.authority}\r\naccept-encoding: identity\r\n{proxy_line}"
    ]
    for name, value in headers:
        plain = name.isascii() and name.replace("-", "").isalnum()  # nearly all names, without the regex
        if not plain and not _TOKEN.fullmatch(name):
            raise ValueError("a header's name is not a token")
        if name.lower() not in _OWN:
            lines.append(f"{name}: {value}\r\n")
    text = "".join(lines)
    ends = len(lines) + 2 + bool(proxy_line)
    # Every line end in the text must be one of ours: one count instead of a look at every value.
    if text.count("\n") != ends or text.count("\r") != ends or "\0" in text:
        raise ValueError("a header's value must not hold line ends or NUL")
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        raise ValueError("a header's value has letters outside latin-1") from None
