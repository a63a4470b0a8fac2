"""Bedrock's errors, by status and variant.

Kinds and statuses as in the service model of bedrock-runtime (botocore 1.44, 2026-11); the kind stands in a
header, the message in the body.
"""

from collections.abc import Mapping

import msgspec

from sekisho.testkit.provider.format import Refused

Row = tuple[str, str]

_ROWS: Mapping[tuple[int, str | None], Row] = {
    (400, None): (
        "ValidationException",
        "1 validation error detected: Value null at 'messages' failed to satisfy constraint: Member must not "
        "be null",
    ),
    (400, "context"): (
        "ValidationException",
        "The model returned the following errors: Input is too long for requested model.",
    ),
    (400, "filter"): (
        "ValidationException",
        "The model returned the following errors: Output blocked by content filtering policy",
    ),
    (403, None): ("AccessDeniedException", "You don't have access to the model with the specified model ID."),
    (404, None): ("ResourceNotFoundException", "Could not resolve the foundation model from: {model}"),
    (408, None): ("ModelTimeoutException", "Model has timed out in processing the request."),
    (424, None): ("ModelErrorException", "The model returned an error. Try again later."),
    (429, None): ("ThrottlingException", "Too many requests, please wait before trying again."),
    (429, "tokens"): ("ThrottlingException", "Too many tokens, please wait before trying again."),
    (429, "quota"): ("ThrottlingException", "Too many tokens per day, please wait before trying again."),
    (429, "unready"): ("ModelNotReadyException", "Model is not ready for inference. Try again later."),
    (500, None): (
        "InternalServerException",
        "The system encountered an unexpected error during processing. Try your request again.",
    ),
    (503, None): ("ServiceUnavailableException", "Bedrock is unable to process your request."),
}


def aws_error(status: int, kind: str, message: str) -> Refused:
    """The kind with its name space, as the service's hosts write it."""
    space = "http://internal.amazon.com/coral/com.amazon.bedrock/"
    body = msgspec.json.encode({"message": message})
    return Refused(status, body, (("x-amzn-errortype", f"{kind}:{space}"),))


def scripted_error(status: int, variant: str | None, model: str) -> Refused:
    """What Bedrock answers with this status."""
    family = 400 if status < 500 else 500
    kind, message = _ROWS.get((status, variant)) or _ROWS.get((status, None)) or _ROWS[family, None]
    if status == 401:
        kind, message = (
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        )
    return aws_error(status, kind, message.replace("{model}", model))


def in_stream(variant: str | None) -> tuple[str, str]:
    """(kind, message) of an exception within a stream; the variant is a kind, as `throttlingException`."""
    messages = {
        "internalServerException": _ROWS[500, None][1],
        "throttlingException": _ROWS[429, None][1],
        "serviceUnavailableException": _ROWS[503, None][1],
        "validationException": _ROWS[400, "context"][1],
        "modelStreamErrorException": "The model stream was interrupted by an error.",
    }
    kind = variant if variant in messages else "serviceUnavailableException"
    return kind, messages[kind]
