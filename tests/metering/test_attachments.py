"""Images count by their provider's rule, off the first bytes of the file; nothing is decoded."""

import base64
import struct
from typing import Any

import pytest

from sekisho.metering.attachments import attachment, attachment_tokens
from sekisho.metering.families import ImageRule
from sekisho.metering.images import ONE_SIZE, image_tokens
from sekisho.metering.media import Size, image_size

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
NOT_BASE64 = "*" * 200
"""Follows every head below: who decodes the file stumbles over it."""


def png(width: int, height: int) -> bytes:
    return PNG + struct.pack(">II", width, height) + bytes(6)


def riff(chunk: bytes) -> bytes:
    return b"RIFF\x00\x00\x00\x00WEBP" + chunk


def jpeg(width: int, height: int, before: bytes = b"") -> bytes:
    frame = b"\xff\xc2\x00\x11\x08" + struct.pack(">HH", height, width) + bytes(16)
    return b"\xff\xd8" + before + frame


EXIF = b"\xff\xe1" + struct.pack(">H", 60_000) + b"\x01" * 59_998
HUFFMAN = b"\xff\xc4\x00\x03\x00"
VP8X = riff(b"VP8X" + bytes(8) + (1919).to_bytes(3, "little") + (1079).to_bytes(3, "little"))
VP8L = riff(b"VP8L" + bytes(4) + b"\x2f" + (1919 | 1079 << 14).to_bytes(4, "little") + bytes(8))
VP8 = riff(b"VP8 " + bytes(7) + b"\x9d\x01\x2a" + struct.pack("<HH", 1920, 1080) + bytes(8))


@pytest.mark.parametrize(
    "head",
    [
        png(1920, 1080),
        b"GIF89a" + struct.pack("<HH", 1920, 1080) + bytes(26),
        VP8X,
        VP8L,
        VP8,
        jpeg(1920, 1080),
        jpeg(1920, 1080, EXIF),
        jpeg(1920, 1080, HUFFMAN * 5 + EXIF * 3),
    ],
    ids=["png", "gif", "webp-extended", "webp-lossless", "webp-lossy", "jpeg", "jpeg-exif", "jpeg-long"],
)
def test_an_images_size_is_read_off_its_head(head: bytes) -> None:
    cut = base64.b64encode(head[: len(head) - len(head) % 3]).decode()
    assert image_size(cut + NOT_BASE64) == (1920, 1080)
    assert image_size("data:image/png;base64," + cut + NOT_BASE64, 22) == (1920, 1080)


NO_IMAGES = (
    png(0, 5),
    PNG,
    b"\xff\xd8" + b"\xff\xe0\x00\x00" * 500,
    b"\xff\xd8\x00",
    riff(b"ALPH"),
    riff(b"VP8X"),
    riff(b"ALPH" + bytes(40)),
)


@pytest.mark.parametrize(
    "data", ["", "AAAA", "****", "é" * 50, *(base64.b64encode(each).decode() for each in NO_IMAGES)]
)
def test_what_is_no_image_has_no_size(data: str) -> None:
    assert image_size(data) is None


@pytest.mark.parametrize(
    ("rule", "model", "size", "expected"),
    [
        # The examples on OpenAI's page.
        ("openai-tiles", "openai/gpt-4o", Size(1024, 1024), 765),
        ("openai-tiles", "openai/gpt-4o", Size(2048, 4096), 1105),
        ("openai-tiles", "openai/gpt-5", Size(1024, 1024), 70 + 4 * 140),
        ("openai-patches", "openai/gpt-4.1-mini", Size(1024, 1024), 1659),
        ("openai-patches", "openai/gpt-4.1-mini", Size(1800, 2400), 2353),
        # What Anthropic's page says of both of its resolutions.
        ("claude", "anthropic/claude-sonnet-4.6", Size(1920, 1080), 1560),
        ("claude-large", "anthropic/claude-opus-4.8", Size(1920, 1080), 2691),
        ("claude-large", "anthropic/claude-opus-4.8", Size(3840, 2160), 4784),
        ("claude-large", "anthropic/claude-opus-4.8", Size(4032, 3024), 4740),
        # Google's
        ("gemini", "google/gemini-2.5-pro", Size(384, 384), 258),
        ("gemini", "google/gemini-2.5-pro", Size(1000, 700), 516),
        ("gemini-3", "google/gemini-3-pro-preview", Size(4000, 3000), 1120),
        ("one-size", "qwen/qwen3-vl-8b-instruct", Size(4000, 3000), ONE_SIZE),
    ],
)
def test_an_image_costs_what_its_provider_publishes(
    rule: ImageRule, model: str, size: Size, expected: int
) -> None:
    assert image_tokens(rule, model, size) == expected


RULES: list[ImageRule] = [
    "openai-tiles",
    "openai-patches",
    "claude",
    "claude-large",
    "gemini",
    "gemini-3",
    "one-size",
]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    "size", [Size(1, 1), Size(1, 2**31), Size(2**31, 1), Size(2**32 - 1, 2**32 - 1), None]
)
def test_no_size_breaks_a_rule_and_most_are_bounded(rule: ImageRule, size: Size | None) -> None:
    tokens = image_tokens(rule, "openai/gpt-4o", size)
    assert tokens > 0
    assert tokens < 20_000 or rule == "gemini"  # Google publishes no bound


def test_low_detail_costs_the_base_alone() -> None:
    assert image_tokens("openai-tiles", "openai/gpt-4o", Size(4000, 4000), "low") == 85


IMAGE = base64.b64encode(png(1092, 1092)).decode()
URL = f"data:image/png;base64,{IMAGE}"
PDF = base64.b64encode(bytes(120_000)).decode()


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": URL}},
        {"type": "image_url", "image_url": URL},
        {"type": "input_image", "image_url": URL, "detail": "high"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": IMAGE}},
        {"inlineData": {"mimeType": "image/png", "data": IMAGE}},
        {"inline_data": {"mime_type": "image/png", "data": IMAGE}},
        {"image": {"format": "png", "source": {"bytes": IMAGE}}},
    ],
)
def test_an_image_is_measured_in_every_dialect(part: dict[str, Any]) -> None:
    found = attachment(part)
    assert found is not None
    assert found.size == (1092, 1092)
    assert attachment_tokens(found, "claude", "anthropic/claude-opus-4.5") == 1521


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "file", "file": {"file_data": f"data:application/pdf;base64,{PDF}"}}, 9_000),
        ({"type": "input_file", "file_data": f"data:application/pdf;base64,{PDF}"}, 9_000),
        ({"type": "document", "source": {"media_type": "application/pdf", "data": PDF}}, 9_000),
        ({"document": {"format": "pdf", "source": {"bytes": PDF}}}, 9_000),
        ({"inlineData": {"mimeType": "application/pdf", "data": PDF}}, 9_000),
        ({"inlineData": {"mimeType": "text/plain", "data": PDF}}, 40_000),
        ({"type": "input_audio", "input_audio": {"data": PDF, "format": "mp3"}}, 8 * 32),
        ({"inlineData": {"mimeType": "audio/mp3", "data": PDF}}, 8 * 32),
        ({"fileData": {"mimeType": "video/mp4", "fileUri": "gs://a/b.mp4"}}, 1_000),
        ({"type": "document", "source": {"type": "url", "url": "https://a.test/b.pdf"}}, 1_000),
        ({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}}, 0),
        ({"type": "document", "source": {"type": "content", "content": ["x"]}}, 0),
        ({"type": "image_url", "image_url": {"url": "https://a.test/b.png"}}, 1_369),
    ],
)  # fmt: skip
def test_other_attachments_count_by_their_length(part: dict[str, Any], expected: int) -> None:
    found = attachment(part)
    assert found is not None
    assert attachment_tokens(found, "claude", "anthropic/claude-opus-4.5") == expected


@pytest.mark.parametrize(
    "part", [{}, {"type": "text", "text": "x"}, {"image": "x"}, {"type": 7}, {"inlineData": 7}]
)
def test_what_is_no_attachment_is_none(part: dict[str, Any]) -> None:
    assert attachment(part) is None


@pytest.mark.parametrize("rule", RULES)
def test_an_image_counts_the_same_however_large_its_file(rule: ImageRule) -> None:
    small, large = (
        attachment({"type": "image_url", "image_url": {"url": URL + "A" * more}}) for more in (0, 1_000_000)
    )
    assert small is not None
    assert large is not None
    assert attachment_tokens(small, rule, "m") == attachment_tokens(large, rule, "m")
