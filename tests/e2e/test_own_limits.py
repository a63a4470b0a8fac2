"""What a key can ask of its own limits, and what OpenRouter's clients are told of them."""

from pathlib import Path
from typing import Any

import pytest
from tests.e2e.live import PROVIDER_KEY, running
from tests.e2e.test_limits import DOCUMENT, chat

from sekisho.testkit.provider import ScriptedProvider

LIMITS = [
    "usd 0.05/month@Asia/Tokyo",
    "requests 10/hour",
    "concurrent 3",
    "tokens 1000/day each=user",
    "usd 0.001/day tag=batch",
]


@pytest.mark.parametrize("kind", ["memory", "valkey"])
async def test_a_key_sees_what_is_left_of_all_its_limits_and_takes_nothing_by_looking(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    state_url = request.getfixturevalue("valkey_url") if kind == "valkey" else None
    async with (
        ScriptedProvider(api_key=PROVIDER_KEY) as provider,
        running(tmp_path, provider, DOCUMENT, state_url=state_url) as live,
        live.http() as admin,
    ):
        plain = (await admin.post("/admin/v1/keys", json={"name": "plain"})).json()["key"]
        team = {"name": "t", "limits": ["usd 0.03/total"]}
        await admin.post("/admin/v1/teams", json=team)
        wanted = {"name": "k", "team": "t", "limits": LIMITS}
        key = (await admin.post("/admin/v1/keys", json=wanted)).json()["key"]

        async def asked(path: str, of: str = key) -> dict[str, Any]:
            async with live.http(of) as client:
                answer = await client.get(path)
                assert answer.status_code == 200, answer.text
                document: dict[str, Any] = answer.json()
                return document

        assert (await asked("/v1/limits", plain))["data"] == []
        data = (await asked("/api/v1/key", plain))["data"]
        assert {data[name] for name in ("limit", "limit_remaining", "limit_reset")} == {None}
        data = (await asked("/api/v1/key"))["data"]
        assert (data["limit"], data["limit_remaining"], data["limit_reset"]) == (0.03, 0.03, None)
        async with live.http(key) as client:
            for _ in range(2):
                assert (await chat(client)).status_code == 200
            for _ in range(2):
                limits = (await asked("/v1/limits"))["data"]
            assert [(each["measure"], each["amount"], each["left"]) for each in limits] == [
                ("usd", "0.03", "0.01"),
                ("usd", "0.05", "0.03"),
                ("requests", "10", "8"),
                ("concurrent", "3", "3"),
                ("tokens", "1000", None),
                ("usd", "0.001", "0.001"),
            ]
            assert [each["level"] for each in limits] == ["team", *["key"] * 5]
            assert limits[0]["resets"] is None
            assert limits[1]["resets"].endswith("T15:00:00Z"), "midnight in Tokyo"
            data = (await asked("/api/v1/key"))["data"]
            assert (data["limit"], data["limit_remaining"]) == (0.03, 0.01)
            assert data["usage"] == data["usage_daily"] == 0.02
            assert (await chat(client)).status_code == 200
            assert (await chat(client)).status_code == 402
        assert (await asked("/v1/limits"))["data"][0]["left"] == "0"
