"""Errors: those of OpenAI's whole family, and the events of this API's streams.

https://platform.openai.com/docs/api-reference/responses-streaming (`error`, `response.failed`; 2026-11)
"""

import msgspec

from sekisho.core.contract import Framing
from sekisho.core.error import ProviderFailed, SekishoError, UpstreamError
from sekisho.wire import json, sse
from sekisho.wire.json import members_of
from sekisho.wire.openai_errors import in_answer, read, refuse, refuse_what_is_no_stream, write

__all__ = ["failed", "in_answer", "read", "refuse", "refuse_what_is_no_stream", "write", "write_frame"]


_REQUESTS_FAULT = (
    "data_residency_mismatch",
    "invalid_",
    "image_",
    "empty_image_file",
    "failed_to_download_image",
    "unsupported_image_media_type",
)
"""What codes of a failed response begin with where the request is to blame; other targets would fail, too."""
_POLICY = ("bio_policy", "misalignment_policy_violation", "image_content_policy_violation")


def failed(status: str | None, error: msgspec.Raw | None) -> UpstreamError:
    """The error that a response of status `failed` or `cancelled` holds, if it holds one."""
    if error is None:
        return ProviderFailed(f"the provider's answer {status or 'failed'}")
    members = members_of(error) if bytes(error).startswith(b"{") else {"message": error}
    code = bytes(members.get("code", b"")).strip(b'"').decode()
    if code in _POLICY:
        members["type"] = json.raw("content_policy_violation")
    elif code.startswith(_REQUESTS_FAULT):
        members["status"] = json.raw(400)
    return in_answer(json.encode({"error": members}))


def write_frame(error: SekishoError, request_id: str, _framing: Framing = "sse") -> bytes:
    """The event that ends a stream which broke off.

    It says everything twice: as the API documents it, and in an `error` object as OpenAI's servers send it,
    which makes the official SDKs raise instead of handing the event on like any other.
    """
    body = members_of(write(error, request_id))
    said = members_of(body["error"])
    event: dict[str, object] = {
        "type": "error",
        "sequence_number": 0,
        **{name: said[name] for name in ("code", "message", "param")},
        **body,
    }
    return sse.encode(json.encode(event), b"error")
