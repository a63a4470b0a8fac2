"""Who is told that a limit is nearly used up: once each, and also where the first try fails."""

import asyncio
import json
import ssl
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from tests.e2e.live import PROVIDER_KEY, running
from tests.e2e.test_limits import DOCUMENT, chat, key_with

from sekisho.control.services import alerts
from sekisho.routing.document import read
from sekisho.testkit.provider import ScriptedProvider


async def test_a_webhook_is_told_once_of_each_percent_though_it_fails_at_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(alerts, "PAUSES", (0.01,) * 5)
    told: list[Any] = []
    tries = 0

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tries
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(line for line in head.splitlines() if line.lower().startswith("content-length"))
        body = await reader.readexactly(int(length.partition(":")[2]))
        tries += 1
        status = "503 Busy" if tries == 1 else "200 OK"
        if tries > 1:
            told.append((head.split()[1], json.loads(body)))
        writer.write(f"HTTP/1.1 {status}\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok".encode())
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    monkeypatch.setenv("HOOK", f"http://127.0.0.1:{port}/services/canary-path?x=1")
    document = DOCUMENT + 'alerts: {{webhooks: ["${{HOOK}}"]}}\n'
    async with (
        server,
        ScriptedProvider(api_key=PROVIDER_KEY) as provider,
        running(tmp_path, provider, document) as live,
    ):
        key = await key_with(live, "usd 0.04/month alerts=50,100 tag=<!channel>&")
        async with live.http(key) as client:
            client.headers["x-sekisho-tags"] = "<!channel>&"
            answers = [await chat(client) for _ in range(6)]
            assert [answer.status_code for answer in answers] == [200] * 4 + [402] * 2
        async with asyncio.timeout(10):
            while len(told) < 2:  # noqa: ASYNC110 - a server has no event for it
                await asyncio.sleep(0.01)
    assert sorted(body["percent"] for _, body in told) == [50, 100]
    path, body = told[0]
    assert path == "/services/canary-path?x=1"
    assert body["definition"] == "usd 0.04/month tag=<!channel>& alerts=50,100"
    shown = "usd 0.04/month tag=&lt;!channel&gt;&amp; alerts=50,100"
    assert f"{body['percent']} % of `{shown}` used: key key_" in body["text"], "it calls nobody in Slack"
    assert "canary-path" not in "".join(capsys.readouterr())


class Postbox:
    """What a mail server took; the first message it asks to be sent again."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.tries = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        assert session.ssl is not None
        assert session.authenticated
        self.tries += 1
        if self.tries == 1:
            return "451 Try again"
        assert isinstance(envelope.content, bytes)
        self.taken.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


async def test_mail_goes_out_encrypted_and_again_where_the_server_asks_for_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(alerts, "PAUSES", (0.01,) * 5)
    monkeypatch.setenv("SMTP_PASSWORD", "canary-password")
    authority, postbox, seen = trustme.CA(), Postbox(), []
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    def login(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        seen.append((data.login, data.password))
        return AuthResult(success=True)

    def protocol() -> SMTP:
        return SMTP(
            postbox, tls_context=context, require_starttls=True, auth_required=True, authenticator=login
        )

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    document = DOCUMENT + (
        "alerts: {{email: {{host: localhost, port: "
        f"{server.sockets[0].getsockname()[1]}, ca_file: {tmp_path / 'ca.pem'}, user: gateway, "
        "password: '${{SMTP_PASSWORD}}', from: gateway@example.com, to: [a@example.com, b@example.com]}}}}\n"
    )
    async with (
        server,
        ScriptedProvider(api_key=PROVIDER_KEY) as provider,
        running(tmp_path, provider, document) as live,
    ):
        key = await key_with(live, "usd 0.02/month alerts=100")
        async with live.http(key) as client:
            for _ in range(3):
                await chat(client)
        async with asyncio.timeout(10):
            while not postbox.taken:  # noqa: ASYNC110 - a server has no event for it
                await asyncio.sleep(0.01)
    [message] = postbox.taken
    assert message["To"] == "a@example.com, b@example.com"
    assert message["Subject"] == "Sekisho: 100 % of a limit used"
    assert "100 % of `usd 0.02/month alerts=100` used: key key_" in str(message.get_payload())
    assert set(seen) == {(b"gateway", b"canary-password")}
    assert "canary-password" not in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("email", "reason"),
    [
        ("{from: a@b.c, to: [a@b.c]}", "alerts.email: needs `host`, like smtp.example.com"),
        ("{host: h, from: a@b.c, to: []}", "alerts.email: needs `to`, like [ops@example.com]"),
        ("{host: h, from: 'a b', to: [a@b.c]}", "alerts.email.from: is no address"),
        ("{host: h, from: a@b.c, to: [a@b.c], user: u}", "needs both `user` and `password`, or neither"),
        (
            "{host: h, from: a@b.c, to: [a@b.c], user: u, password: p, encryption: none}",
            "would send the password unencrypted; write `encryption: starttls` or `tls`",
        ),
    ],
)
def test_what_mail_lacks_is_said(email: str, reason: str) -> None:
    found = read(f"alerts: {{email: {email}}}\n".encode(), "x.yaml")
    assert [reason in str(problem) for problem in found.problems] == [True], found.problems
