"""What reaches the log: fields in JSON, without secrets and without the text of errors."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from sekisho.telemetry import log


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    log.configure("info", stream=stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_an_event_is_one_line_of_json_with_level_and_time(stream: io.StringIO) -> None:
    structlog.get_logger().info("call_ended", model="a/b", cost=12, app="日本語\nforged line")
    structlog.get_logger().debug("not shown")
    [line] = stream.getvalue().splitlines()
    event = json.loads(line)
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "event": "call_ended", "level": "info", "model": "a/b", "cost": 12, "app": "日本語\nforged line",
    }  # fmt: skip


@pytest.mark.parametrize(
    "secret",
    [
        "sk-sekisho-0123456789abcdefghijABCDEFGHIJ-_0123456789a",
        "sk-ant-api03-canary_canary_canary",
        "sk-proj-canarycanarycanary",
        "gsk_canarycanarycanarycanary",
        "hf_canarycanarycanary",
        "AIzaCanaryCanaryCanaryCanaryCanaryCanary",
        "AKIACANARYCANARY1234",
    ],
)
def test_nothing_of_a_key_is_written_wherever_it_stands(stream: io.StringIO, secret: str) -> None:
    structlog.get_logger().error(
        "refused " + secret, header=f"Bearer {secret}", nested={"list": [secret, {"deep": secret}]}
    )
    logging.getLogger("uvicorn").error("request with %s", secret)
    assert secret[-8:] not in stream.getvalue()
    assert stream.getvalue().count("\n") == 2


def test_ids_are_not_taken_for_secrets(stream: io.StringIO) -> None:
    ids = {"key_id": "key_973a63fce82bea7a", "call": "gen-0123456789abcdef0123456789", "model": "a/b-c-d"}
    structlog.get_logger().info("call_ended", **ids)
    assert ids.items() <= json.loads(stream.getvalue()).items()


def test_fields_that_hold_secrets_by_name_are_never_written(stream: io.StringIO) -> None:
    structlog.get_logger().error(
        "x", authorization="hunter2", nested={"api_key": "hunter2"}, digest=b"hunter2"
    )
    assert "hunter2" not in stream.getvalue()
    assert stream.getvalue().count(log.REDACTED) == 3


def test_an_error_is_told_by_type_and_place_without_its_text(stream: io.StringIO) -> None:
    def fail() -> None:
        raise ValueError("the prompt was: canary")

    try:
        fail()
    except ValueError:
        structlog.get_logger().error("unforeseen", exc_info=True)
        logging.getLogger("lib").exception("foreign")
    assert "canary" not in stream.getvalue()
    for line in stream.getvalue().splitlines():
        event = json.loads(line)
        assert event["exception"] == "ValueError"
        assert "test_log.py" in event["at"][0]


def test_an_alarm_is_told_once_a_minute_with_its_count(stream: io.StringIO) -> None:
    now = 0.0
    shout = log.Shout("disk_full", lambda: now)
    for _ in range(5):
        shout.error(code=28)
    now = 61.0
    shout.error(code=28)
    assert [json.loads(line)["times"] for line in stream.getvalue().splitlines()] == [1, 5]
    assert shout.count == 6


def test_an_unknown_level_is_refused_naming_the_choices() -> None:
    with pytest.raises(ValueError, match="use debug, info, warning"):
        log.configure("loud")
