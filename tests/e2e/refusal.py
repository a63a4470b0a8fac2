"""What tests of refusals share: a call that works, and what every refusal looks like."""

from typing import Any

import httpx2
import pytest

CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
MARKET = "/api/v1"
USER = [{"role": "user", "content": "関所はどこですか"}]
TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    405: "invalid_request_error",
    422: "invalid_request_error",
}
dialects = pytest.mark.parametrize("path", [CHAT, MESSAGES, "/api/v1/chat/completions"])
providers = pytest.mark.parametrize("provider_name", ["oai", "ant"])
streamed = pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])


def call(model: Any = "oai/echo", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": USER, "max_tokens": 50, **more}


def refused(answer: httpx2.Response, status: int, param: str | None = None, kind: str | None = None) -> str:
    """The message of an error that is well formed in the dialect of its path."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"].startswith("gen-")
    body = answer.json()
    error = body["error"]
    if answer.request.url.path.startswith(MESSAGES):
        assert body["type"] == "error"
        assert body["request_id"] == answer.headers["x-request-id"]
        found = error["details"].get("param")
    elif answer.request.url.path.startswith(MARKET):
        assert error["code"] == status
        found = error["metadata"].get("param")
    else:
        assert error["code"]
        found = error["param"]
    wanted = kind or TYPES.get(status)
    assert wanted is None or answer.request.url.path.startswith(MARKET) or error["type"] == wanted
    assert found == param
    assert "Traceback" not in answer.text
    message = error["message"]
    assert isinstance(message, str)
    assert param is None or param.rpartition(".")[2] in message
    return message
