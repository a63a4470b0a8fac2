"""What boto3 makes of bytes, without a network: its own parsers, serializer and checks of parameters."""

import json
from collections.abc import Iterator
from typing import Any

import botocore.session
from botocore.eventstream import EventStream
from botocore.parsers import EventStreamJSONParser, create_parser
from botocore.serialize import create_serializer
from botocore.validate import ParamValidator

MODEL = botocore.session.get_session().get_service_model("bedrock-runtime")
CONVERSE = MODEL.operation_model("Converse")
STREAM = MODEL.operation_model("ConverseStream")


class _Raw:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def stream(self) -> Iterator[bytes]:
        yield self._data

    def close(self) -> None:
        pass


def complaints(body: bytes) -> str:
    """What boto3 says against a request body; empty: nothing."""
    said = {"modelId": "m", **json.loads(body)}
    return str(ParamValidator().validate(said, CONVERSE.input_shape).generate_report())


def path(model: str) -> str:
    serialized = create_serializer("rest-json").serialize_to_request({"modelId": model}, CONVERSE)
    return str(serialized["url_path"])


def answer(body: bytes) -> dict[str, Any]:
    """A whole answer as `client.converse` returns it."""
    response = {"status_code": 200, "headers": {}, "body": body}
    return dict(create_parser("rest-json").parse(response, CONVERSE.output_shape))


def events(data: bytes) -> list[dict[str, Any]]:
    """The events of `client.converse_stream`. Raises EventStreamError for an exception in the stream."""
    shape = STREAM.output_shape.members["stream"]
    return list(EventStream(_Raw(data), shape, EventStreamJSONParser(), "ConverseStream"))


def error(status: int, body: bytes) -> dict[str, Any]:
    """The `Error` of the ClientError that an error answer raises."""
    response = {"status_code": status, "headers": {}, "body": body}
    return dict(create_parser("rest-json").parse(response, CONVERSE.output_shape)["Error"])
