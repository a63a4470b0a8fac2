"""TLS: whom we trust, and how it is said when we do not."""

import ssl

import pytest
import trustme

from sekisho.core.error import Unreachable
from sekisho.upstream.origin import Origin
from sekisho.upstream.tls import Contexts

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority, tmp_path) -> str:
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def serve(hostile, authority):
    """A TLS server whose certificate names the given hosts; returns its port."""

    async def serve(*names: str) -> int:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*names).configure_cert(context)
        context.set_alpn_protocols(["h2", "http/1.1"])
        served: list[str | None] = []

        async def script(reader, writer) -> None:
            served.append(writer.get_extra_info("ssl_object").selected_alpn_protocol())
            while await hostile.request(reader):
                writer.write(OK)
            assert served[-1] == "http/1.1"

        return await hostile.start(script, tls=context)

    return serve


async def test_a_trusted_server_answers_and_its_connection_is_reused(hostile, serve, fetch, ca_file) -> None:
    port = await serve("localhost", "127.0.0.1")
    for host in ("localhost", "127.0.0.1"):
        for body in (b"{}", bytes(3_000_000)):
            assert await fetch(Origin("https", host, port, ca_file=ca_file), body) == (200, b"ok")
    assert hostile.connections == 2
    assert {len(body) for _, body in hostile.requests} == {2, 3_000_000}


async def test_a_certificate_for_another_host_is_refused(serve, fetch, ca_file) -> None:
    port = await serve("example.org")
    with pytest.raises(Unreachable, match=r"^TLS failed: .* not valid for the provider's host$"):
        await fetch(Origin("https", "127.0.0.1", port, ca_file=ca_file))


async def test_an_unknown_authority_is_refused(serve, fetch) -> None:
    port = await serve("localhost")
    with pytest.raises(Unreachable, match=r"self-signed|unable to get local issuer"):
        await fetch(Origin("https", "localhost", port))


async def test_a_plain_server_is_no_tls_server(hostile, fetch) -> None:
    async def script(reader, writer) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read(1)

    port = await hostile.start(script)
    with pytest.raises(Unreachable, match="TLS"):
        await fetch(Origin("https", "127.0.0.1", port))


async def test_a_ca_file_that_cannot_be_read_is_named(serve, fetch, tmp_path) -> None:
    port = await serve("localhost")
    (tmp_path / "empty.pem").write_text("nothing")
    for name in ("missing.pem", "empty.pem"):
        with pytest.raises(Unreachable, match=name):
            await fetch(Origin("https", "localhost", port, ca_file=str(tmp_path / name)))


def test_contexts_are_made_once_and_always_check() -> None:
    contexts = Contexts()
    context = contexts.get(None)
    assert contexts.get(None) is context
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
