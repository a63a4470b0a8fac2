"""What is written is what boto3 reads and sends, by its own service model."""

import base64
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EventStreamError
from tests.dialects.bedrock_converse import boto

from sekisho.core.contract import ReplyOptions, TargetFacts
from sekisho.core.error import (
    BadRequest,
    InternalError,
    LimitError,
    ModelNotFound,
    Overloaded,
    ProviderAuthFailed,
    SekishoError,
    Throttled,
    Unauthorized,
    UpstreamTimeout,
)
from sekisho.core.operation import Operation
from sekisho.dialects import anthropic_messages, openai_chat
from sekisho.dialects.bedrock_converse import DIALECT
from sekisho.testkit import golden
from sekisho.testkit.laws import requests, streams

ROOT = Path(__file__).parents[2] / "golden"
OTHERS = (openai_chat.DIALECT, anthropic_messages.DIALECT)
CASES = golden.cases(ROOT, DIALECT.name)
FOREIGN = [(other, case) for other in OTHERS for case in golden.cases(ROOT, other.name)]
SONNET = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"


def named(found: list[Any]) -> list[str]:
    return [
        case.name if isinstance(case, golden.Case) else f"{case[0].name}-{case[1].name}" for case in found
    ]


REQUESTS = [case for case in CASES if case.request]


@pytest.mark.parametrize("case", REQUESTS, ids=named(REQUESTS))
def test_golden_requests_are_ones_that_boto3_sends(case: golden.Case) -> None:
    assert not boto.complaints(case.request or b"")


ASKED = [(dialect, case) for dialect, case in FOREIGN if case.request]


@pytest.mark.parametrize(("dialect", "case"), ASKED, ids=named(ASKED))
def test_what_was_asked_elsewhere_is_written_as_boto3_would_send_it(dialect: Any, case: golden.Case) -> None:
    request = requests.read(dialect, case.request or b"")
    for model in (SONNET, "amazon.nova-2-lite-v1:0", "meta.llama3-1-8b-instruct-v1:0"):
        body = DIALECT.write_request(request, TargetFacts(model=model)).body
        assert not boto.complaints(body)


REPLIES = [case for case in CASES if case.reply]


@pytest.mark.parametrize("case", REPLIES, ids=named(REPLIES))
def test_a_reply_reads_the_same_before_and_after(case: golden.Case) -> None:
    body = case.reply or b""
    written = boto.answer(DIALECT.write_reply(DIALECT.read_reply(body), ReplyOptions()))
    given = boto.answer(body)
    given["usage"].pop("cacheReadInputTokens", None), written["usage"].pop("cacheReadInputTokens", None)
    given["usage"].pop("cacheWriteInputTokens", None), written["usage"].pop("cacheWriteInputTokens", None)
    assert written == given


ANSWERED = [(dialect, case) for dialect, case in FOREIGN if case.reply]


@pytest.mark.parametrize(("dialect", "case"), ANSWERED, ids=named(ANSWERED))
def test_what_was_answered_elsewhere_is_an_answer_to_boto3(dialect: Any, case: golden.Case) -> None:
    found = boto.answer(DIALECT.write_reply(dialect.read_reply(case.reply or b""), ReplyOptions()))
    assert found["output"]["message"]["role"] == "assistant"
    assert found["usage"]["totalTokens"] >= found["usage"]["outputTokens"]
    assert found["metrics"] == {"latencyMs": 0}


STREAMED = [
    (dialect, case) for dialect, case in (*FOREIGN, *((DIALECT, each) for each in CASES)) if case.stream
]


@pytest.mark.parametrize(("dialect", "case"), STREAMED, ids=named(STREAMED))
def test_what_was_streamed_is_a_stream_to_boto3(dialect: Any, case: golden.Case) -> None:
    found = boto.events(streams.write(DIALECT, streams.read(dialect, [case.stream or b""])))
    kinds = [next(iter(event)) for event in found]
    assert (kinds[0], kinds[-2:]) == ("messageStart", ["messageStop", "metadata"])
    begun = {
        event["contentBlockDelta"]["contentBlockIndex"] for event in found if "contentBlockDelta" in event
    } | {event["contentBlockStart"]["contentBlockIndex"] for event in found if "contentBlockStart" in event}
    ended = [event["contentBlockStop"]["contentBlockIndex"] for event in found if "contentBlockStop" in event]
    assert ended == sorted(begun)
    assert "totalTokens" in found[-1]["metadata"]["usage"]


@pytest.mark.parametrize("case", [case for case in CASES if case.stream], ids=lambda case: case.name)
def test_golden_streams_are_ones_that_boto3_reads(case: golden.Case) -> None:
    assert boto.events(case.stream or b"")


def test_encrypted_thinking_reaches_boto3_as_the_bytes_that_it_sends_back() -> None:
    case = next(case for case in CASES if case.name == "thinking_redacted")
    wire = "EmwKAhgBEgy3va3pzix/LafPsn4aDFIT2Xlxh0L5L8rLVyIw"
    content = boto.answer(case.reply or b"")["output"]["message"]["content"]
    assert content[0]["reasoningContent"]["redactedContent"] == base64.b64decode(wire)


@pytest.mark.parametrize(
    ("error", "name", "in_stream"),
    [
        (BadRequest("x"), "ValidationException", "validationException"),
        (Unauthorized("x"), "UnrecognizedClientException", "modelStreamErrorException"),
        (ModelNotFound("x"), "ResourceNotFoundException", "modelStreamErrorException"),
        (LimitError("x"), "ThrottlingException", "throttlingException"),
        (Throttled("x"), "ThrottlingException", "throttlingException"),
        (Overloaded("x"), "ServiceUnavailableException", "serviceUnavailableException"),
        (UpstreamTimeout("x"), "ModelTimeoutException", "modelStreamErrorException"),
        (ProviderAuthFailed("x"), "ModelErrorException", "modelStreamErrorException"),
        (InternalError("x"), "InternalServerException", "internalServerException"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, SekishoError) else value,
)
def test_our_errors_are_raised_under_the_names_of_bedrock(
    error: SekishoError, name: str, in_stream: str
) -> None:
    found = boto.error(error.status, DIALECT.write_error(error, "gen-1"))
    assert found["Code"] == name
    assert found["Message"]
    with pytest.raises(EventStreamError) as caught:
        boto.events(DIALECT.write_error_frame(error, "gen-1", "eventstream"))
    assert caught.value.response["Error"]["Code"] == in_stream
    assert caught.value.response["Error"]["Message"] == found["Message"]


@pytest.mark.parametrize(
    "model",
    [
        SONNET,
        "arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.amazon.nova-pro-v1:0",
        "author/slug",
        "a model~with.odd-characters_%",
    ],
)
def test_models_are_escaped_as_boto3_escapes_them(model: str) -> None:
    ours = DIALECT.upstream_path(Operation.CHAT, model, False)
    assert ours == boto.path(model)
    entry = DIALECT.match_path(ours or "", b"")
    assert entry is not None
    assert entry.model == model
