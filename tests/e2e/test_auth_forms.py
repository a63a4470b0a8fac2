"""Every form in which real clients show their key, over the wire; and AWS signatures on both sides."""

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import httpx2
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.e2e.live import ADMIN_KEY, PROVIDER_KEY, Live, running

from sekisho.control.services.keys import KeyService, digest
from sekisho.control.services.signing import SigningSecret
from sekisho.control.services.terms import ApiKey, KeyDraft
from sekisho.control.store.engine import Store
from sekisho.core.clock import Clock
from sekisho.testkit.provider import ACCESS_KEY_ID, SECRET_ACCESS_KEY, ScriptedProvider

DOCUMENT = """
providers:
  oai: {{like: openai-compatible, base_url: {url}/v1, api_key: "${{SCRIPTED_KEY}}"}}
  aws: {{like: bedrock-compatible, base_url: {url}, region: ap-northeast-1}}
  aws-token: {{like: bedrock-compatible, base_url: {url}, api_key: "${{SCRIPTED_KEY}}"}}
"""
TEXT = "関所はどこですか"
ASK: list[Any] = [{"role": "user", "content": [{"text": TEXT}]}]
CHAT = {"model": "oai/echo", "messages": [{"role": "user", "content": TEXT}]}
CONTENT = {"contents": [{"role": "user", "parts": [{"text": TEXT}]}]}
GEMINI = "/v1beta/models/oai/echo:generateContent"


@pytest.fixture
async def gateway(
    tmp_path: Path, provider: ScriptedProvider, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Live]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    async with running(tmp_path, provider, DOCUMENT) as live:
        yield live


def made(live: Live, name: str, **options: Any) -> tuple[ApiKey, str, str]:
    """A key, its text, and what it signs with."""
    store = Store(f"sqlite:///{live.data_dir / 'sekisho.db'}")
    key, text = KeyService(store, Clock()).create(name, KeyDraft(**options))
    store.close()
    signing = SigningSecret(live.data_dir, None)
    signing.load()
    return key, text, signing.secret_access_key(digest(text))


@contextmanager
def bedrock(live: Live, access_key_id: str, secret_access_key: str) -> Iterator[Any]:
    """boto3, pointed at the gateway. It blocks: call it in threads."""
    client = boto3.Session().client(
        "bedrock-runtime",
        region_name="eu-west-3",
        endpoint_url=live.url,
        aws_access_key_id=access_key_id,
        aws_secret_access_key=secret_access_key,
        config=Config(retries={"total_max_attempts": 1}),
    )
    try:
        yield client
    finally:
        client.close()


async def converse(client: Any, model: str) -> str:
    answer = await asyncio.to_thread(client.converse, modelId=model, messages=ASK)
    return str(answer["output"]["message"]["content"][0]["text"])


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        ("/v1/chat/completions", CHAT, {"authorization": "Bearer {key}"}),
        ("/v1/chat/completions", CHAT, {"api-key": "{key}"}),
        ("/v1/messages", {**CHAT, "max_tokens": 99}, {"x-api-key": "{key}"}),
        (GEMINI, CONTENT, {"x-goog-api-key": "{key}"}),
        (GEMINI + "?key={key}", CONTENT, {}),
        ("/model/oai%2Fecho/converse", {"messages": ASK}, {"authorization": "Bearer {key}"}),
    ],
)
async def test_a_key_is_taken_in_every_clients_own_form(
    gateway: Live, path: str, body: Any, headers: dict[str, str]
) -> None:
    _, key, _ = made(gateway, "team")
    async with httpx2.AsyncClient(base_url=gateway.url, timeout=20) as client:
        for sent, welcome in ((key, True), (key[:-1] + "~", False)):
            written = {name: value.format(key=sent) for name, value in headers.items()}
            answer = await client.post(path.format(key=sent), json=body, headers=written)
            assert answer.status_code == 200 if welcome else answer.status_code in (401, 403), answer.text
            assert (TEXT in json.dumps(answer.json(), ensure_ascii=False)) == welcome
            assert sent not in answer.text
        assert (await client.post(path.partition("?")[0], json=body)).status_code in (401, 403)


async def test_a_key_in_the_query_is_googles_alone(gateway: Live) -> None:
    async with httpx2.AsyncClient(base_url=gateway.url, timeout=20) as client:
        for path in ("/v1/chat/completions", "/v1/models"):
            method = "GET" if path.endswith("models") else "POST"
            answer = await client.request(method, f"{path}?key={ADMIN_KEY}", json=CHAT)
            assert answer.status_code == 401


@pytest.mark.parametrize("model", ["oai/echo", "aws/echo", "aws-token/echo"])
async def test_boto3_signs_with_our_key_whoever_answers(gateway: Live, model: str) -> None:
    key, _, secret = made(gateway, "boto")
    with bedrock(gateway, key.id, secret) as client:
        assert await converse(client, model) == TEXT

        def streamed() -> str:
            answer = client.converse_stream(modelId=model, messages=ASK)
            deltas = [
                event["contentBlockDelta"]["delta"]
                for event in answer["stream"]
                if "contentBlockDelta" in event
            ]
            return "".join(delta["text"] for delta in deltas)

        assert await asyncio.to_thread(streamed) == TEXT


async def test_what_is_sent_to_bedrock_is_signed_for_its_region(gateway: Live) -> None:
    async with gateway.http() as client:
        answer = await client.post("/v1/chat/completions", json={**CHAT, "model": "aws/us.acme.echo-v1:0"})
    assert answer.status_code == 200, answer.text
    signature = gateway.provider.requests[-1].header("authorization") or ""
    assert signature.startswith(f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY_ID}/")
    assert "/ap-northeast-1/bedrock/aws4_request" in signature
    async with gateway.http() as client:
        await client.post("/v1/chat/completions", json={**CHAT, "model": "aws-token/echo"})
    assert gateway.provider.requests[-1].header("authorization") == f"Bearer {PROVIDER_KEY}"


async def refused(client: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as raised:
        await converse(client, "oai/echo")
    answer = raised.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Message"]


async def test_a_signature_is_worth_what_its_key_is(gateway: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    key, _, secret = made(gateway, "limited", models=("aws/echo",))
    with bedrock(gateway, key.id, secret) as client:
        status, message = await refused(client)
        assert (status, "may not use the model" in message) == (403, True)
        late = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=9)
        monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: late)
        assert "clock skew" in (await refused(client))[1]
    monkeypatch.undo()
    with bedrock(gateway, key.id, secret[::-1]) as client:
        assert "does not match" in (await refused(client))[1]
    with bedrock(gateway, "key_nobody", secret) as client:
        assert "none of ours" in (await refused(client))[1]
    store = Store(f"sqlite:///{gateway.data_dir / 'sekisho.db'}")
    KeyService(store, Clock()).revoke(key.id)
    store.close()
    with bedrock(gateway, key.id, secret) as client:
        while "may not use the model" in (await refused(client))[1]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)  # running servers hear of it within a second
        assert "revoked" in (await refused(client))[1]
