"""Base URLs -> origins; heads -> bytes; secrets -> headers."""

import pytest

from sekisho.core.error import ProviderAuthFailed
from sekisho.core.provider import Auth
from sekisho.core.secret import Secret
from sekisho.upstream.auth import signer
from sekisho.upstream.head import build_head
from sekisho.upstream.origin import Origin, origin_of

PLAIN = Origin("https", "api.example.com", 443)


def parse(url: str, **environment: str) -> tuple[Origin, str]:
    return origin_of(url, proxy=None, ca_file=None, environment=environment)


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port", "prefix", "authority"),
    [
        ("https://api.example.com/v1", "https", "api.example.com", 443, "/v1", "api.example.com"),
        ("http://API.Example.com", "http", "api.example.com", 80, "", "api.example.com"),
        ("http://127.0.0.1:9001/v1/", "http", "127.0.0.1", 9001, "/v1", "127.0.0.1:9001"),
        ("https://h:80/a%20b//", "https", "h", 80, "/a%20b", "h:80"),
        ("http://[::1]:8080/x", "http", "::1", 8080, "/x", "[::1]:8080"),
        ("https://[2001:DB8:0::1]", "https", "2001:db8::1", 443, "", "[2001:db8::1]"),
        ("https://関所.example/v1", "https", "xn--6pzt40a.example", 443, "/v1", None),
        ("http://my_host/", "http", "my_host", 80, "", "my_host"),
    ],
)
def test_a_base_url_is_an_origin_and_a_prefix(url, scheme, host, port, prefix, authority) -> None:
    origin, found = parse(url)
    assert (origin.scheme, origin.port, found) == (scheme, port, prefix)
    assert origin.authority == (authority or origin.host)
    assert origin.host.startswith("xn--") if authority is None else origin.host == host


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://host/", "http://"),
        ("api.example.com/v1", "http://"),
        ("", "http://"),
        ("https:///v1", "no host"),
        ("https://me:secret@host/", "user or password"),
        ("https://secret@host/", "user or password"),
        ("https://host:0/", "port"),
        ("https://host:65536/", "port"),
        ("https://host:http/", "port"),
        ("https://host/v1?key=secret", "query"),
        ("https://host/v1#x", "fragment"),
        ("https://host/v1\r\nx: y", "line ends"),
        ("https://host/a b", "spaces"),
        ("https://host/日本", "unescaped"),
        ("https://ho st/", "spaces"),
        ("https://-bad-/", "not a valid name"),
        ("https://a..b/", "not a valid name"),
        ("https://" + "a" * 64 + ".com/", "not a valid name"),
        ("https://" + "関" * 64 + ".com/", "not a valid name"),
        ("https://[::zz]/", "not"),
        ("https://[::1/", "not a URL"),
    ],
)
def test_a_base_url_that_cannot_work_is_refused_with_the_reason(url, reason) -> None:
    with pytest.raises(ValueError, match=reason) as raised:
        parse(url)
    assert "secret" not in str(raised.value)


def test_the_environment_names_the_proxy_unless_the_provider_does() -> None:
    environment = {"HTTPS_PROXY": "http://me:secret@env:1"}
    origin, _ = parse("https://api.example.com", **environment)
    assert origin.proxy == "http://me:secret@env:1"
    assert "secret" not in repr(origin)
    origin, _ = origin_of("https://h", proxy="http://own:2", ca_file="/ca", environment=environment)
    assert (origin.proxy, origin.ca_file) == ("http://own:2", "/ca")
    for bad in ("socks5://h:1", "http://", "http://h:x", "http://me:secret@ /"):
        with pytest.raises(ValueError, match="proxy") as raised:
            origin_of("https://h", proxy=bad, ca_file=None, environment={})
        assert "secret" not in str(raised.value)


def test_a_head_keeps_the_order_of_headers_and_leaves_out_what_frames_the_message() -> None:
    given = [("b", "1"), ("Connection", "close"), ("a", "2 3"), ("Content-Length", "9"), ("HOST", "x")]
    given += [("Transfer-Encoding", "chunked"), ("accept-encoding", "br"), ("b", "é")]
    assert build_head("GET", "/v1/a?b=c", PLAIN, given) == (
        b"GET /v1/a?b=c HTTP/1.1\r\nhost: api.example.com\r\naccept-encoding: identity\r\n"
        b"b: 1\r\na: 2 3\r\nb: \xe9\r\n"
    )


@pytest.mark.parametrize("text", ["a\r\nx: y", "a\nb", "a\rb", "a\0b"])
def test_a_head_cannot_be_split(text) -> None:
    for method, path, header in (
        (text, "/", ("a", "b")),
        ("GET", f"/{text}", ("a", "b")),
        ("GET", "/", (text, "b")),
        ("GET", "/", ("a", text)),
    ):
        with pytest.raises(ValueError, match=r"header|path|method") as raised:
            build_head(method, path, PLAIN, [header])
        assert text not in str(raised.value)


@pytest.mark.parametrize(
    ("method", "path", "header"),
    [
        ("GET", "v1", ("a", "b")),
        ("GET", "", ("a", "b")),
        ("GET", "/a b", ("a", "b")),
        ("GET", "/日本", ("a", "b")),
        ("", "/", ("a", "b")),
        ("GET", "/", ("", "b")),
        ("GET", "/", ("a b", "b")),
        ("GET", "/", ("a:", "b")),
        ("GET", "/", ("日本", "b")),
        ("GET", "/", ("a", "日本")),
    ],
)
def test_a_head_that_breaks_http_is_refused(method, path, header) -> None:
    with pytest.raises(ValueError, match=r"header|path|method|token|latin"):
        build_head(method, path, PLAIN, [header])


def test_each_scheme_signs_in_its_own_header(monkeypatch) -> None:
    monkeypatch.setenv("GATE_KEY", "k-1")
    secret = Secret("${GATE_KEY}")
    bearer = signer(Auth("bearer", secret))
    assert bearer.headers() == [("authorization", "Bearer k-1")]
    assert signer(Auth("header", secret, "X-Api-Key")).headers() == [("x-api-key", "k-1")]
    assert signer(Auth("none")).headers() == []
    monkeypatch.setenv("GATE_KEY", "k-2")
    assert bearer.headers() == [("authorization", "Bearer k-2")], "secrets are read when signing"
    with pytest.raises(ValueError, match="needs a secret"):
        signer(Auth("bearer"))


@pytest.mark.parametrize("value", ["hidden\n", "hid\r\nden: x", "hidden\x7f", "鍵hidden"])
def test_a_secret_that_no_header_can_carry_is_named_by_its_variable(monkeypatch, value) -> None:
    monkeypatch.setenv("GATE_KEY", value)
    for template, name in (("${GATE_KEY}", "GATE_KEY"), (value, "the configured key")):
        for auth in (Auth("bearer", Secret(template)), Auth("header", Secret(template), "x-api-key")):
            with pytest.raises(ProviderAuthFailed, match=name) as raised:
                signer(auth).headers()
            assert "hid" not in str(raised.value)
