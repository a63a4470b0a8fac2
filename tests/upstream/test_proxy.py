"""HTTP proxies: requests in absolute form, and tunnels."""

import asyncio
import base64
import ssl

import pytest
import trustme

from sekisho.core.error import Malformed, Unreachable, UpstreamTimeout
from sekisho.upstream.origin import Origin
from sekisho.upstream.proxy import proxy_for

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
BASIC = b"proxy-authorization: Basic " + base64.b64encode("me:päss w".encode())


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def test_plain_http_goes_through_the_proxy_in_absolute_form(hostile, fetch) -> None:
    proxy = await hostile.answering(OK)
    origin = Origin("http", "model.invalid", 8080, proxy=f"http://me:p%C3%A4ss%20w@{proxy.peer}")
    for _ in range(2):
        assert await fetch(origin) == (200, b"ok")
    head = hostile.requests[0][0]
    assert head.startswith(b"POST http://model.invalid:8080/v1/x HTTP/1.1\r\nhost: model.invalid:8080\r\n")
    assert BASIC in head.split(b"\r\n")
    assert hostile.connections == 1


@pytest.mark.parametrize("outer", ["http", "https"])
async def test_https_goes_through_a_tunnel(hostile, fetch, tmp_path, outer, monkeypatch) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))  # for the proxy's own certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("model.invalid", "127.0.0.1").configure_cert(context)
    tunnels: list[bytes] = []

    async def provider(reader, writer) -> None:
        while await hostile.request(reader):
            writer.write(OK)

    async def proxy(reader, writer) -> None:
        tunnels.append(await reader.readuntil(b"\r\n\r\n"))
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", target)
        writer.write(b"HTTP/1.1 200 Connection established\r\nx-proxy: yes\r\n\r\n")
        await asyncio.gather(pump(reader, upstream_writer), pump(upstream_reader, writer))

    target = await hostile.start(provider, tls=context)
    port = await hostile.start(proxy, tls=context if outer == "https" else None)
    origin = Origin(
        "https",
        "model.invalid",
        443,
        proxy=f"{outer}://me:p%C3%A4ss%20w@127.0.0.1:{port}",
        ca_file=str(tmp_path / "ca.pem"),
    )
    for body in (b"{}", bytes(1_000_000)):
        assert await fetch(origin, body) == (200, b"ok")
    assert len(tunnels) == 1
    assert tunnels[0].startswith(b"CONNECT model.invalid:443 HTTP/1.1\r\nhost: model.invalid:443\r\n")
    assert BASIC in tunnels[0].split(b"\r\n")
    assert hostile.requests[0][0].startswith(b"POST /v1/x HTTP/1.1\r\nhost: model.invalid\r\n")
    assert b"proxy-authorization" not in hostile.requests[0][0]


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", Unreachable, "status 407"),
        (b"", Unreachable, "closed the connection"),
        (b"SSH-2.0\r\n\r\n", Malformed, "does not answer in HTTP"),
        (b"x" * 100_000, Malformed, "does not answer in HTTP"),
        (b"HTTP/1.1 200 OK\r\n\r\nsurplus", Malformed, "more than its answer"),
    ],
)
async def test_a_proxy_that_opens_no_tunnel_is_named(hostile, fetch, answer, error, words) -> None:
    async def script(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)

    port = await hostile.start(script)
    origin = Origin("https", "model.invalid", 443, proxy=f"http://me:secret@127.0.0.1:{port}")
    with pytest.raises(error, match=words) as raised:
        await fetch(origin)
    assert "secret" not in str(raised.value)


async def test_a_proxy_that_never_answers_is_a_connect_timeout(hostile, fetch) -> None:
    async def script(reader, writer) -> None:
        await reader.read()

    port = await hostile.start(script)
    with pytest.raises(UpstreamTimeout, match="connect"):
        await fetch(Origin("https", "model.invalid", 443, proxy=f"http://127.0.0.1:{port}"), connect=0.2)
    await hostile.until(lambda: hostile.open == 0)


@pytest.mark.parametrize(
    ("host", "port", "exempt", "expected"),
    [
        ("api.example.com", 443, "", True),
        ("api.example.com", 443, "example.com", False),
        ("api.example.com", 443, ".example.com", False),
        ("api.example.com", 443, "*.example.com", False),
        ("badexample.com", 443, "example.com", True),
        ("api.example.com", 443, "other.com, API.example.com", False),
        ("api.example.com", 443, "api.example.com:8443", True),
        ("api.example.com", 8443, "api.example.com:8443", False),
        ("api.example.com", 443, "*", False),
        ("10.1.2.3", 443, "10.0.0.0/8", False),
        ("11.1.2.3", 443, "10.0.0.0/8", True),
        ("fd00::1", 443, "[fd00::1]", False),
        ("fd00::1", 443, "[fd00::1]:443", False),
        ("fd00::1", 443, "example.com", True),
        ("localhost", 443, "", False),
        ("127.0.0.1", 443, "", False),
        ("::1", 443, "", False),
    ],
)
def test_no_proxy_exempts_hosts(host, port, exempt, expected) -> None:
    environment = {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": exempt}
    assert (proxy_for("https", host, port, environment) is not None) is expected
    lower = {"https_proxy": "proxy:3128", "HTTPS_PROXY": "http://other", "no_proxy": exempt}
    assert proxy_for("https", host, port, lower) == ("http://proxy:3128" if expected else None)
    assert proxy_for("http", host, port, environment) is None
