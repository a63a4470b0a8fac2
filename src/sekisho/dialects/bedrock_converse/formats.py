"""Bedrock names formats where others name media types, and content by its kind."""

from typing import Literal

Kind = Literal["image", "document", "video", "audio"]

_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_TABLE: tuple[tuple[Kind, str, str], ...] = (
    ("image", "png", "image/png"),
    ("image", "jpeg", "image/jpeg"),
    ("image", "jpeg", "image/jpg"),
    ("image", "gif", "image/gif"),
    ("image", "webp", "image/webp"),
    ("document", "pdf", "application/pdf"),
    ("document", "csv", "text/csv"),
    ("document", "doc", "application/msword"),
    ("document", "docx", _WORD),
    ("document", "xls", "application/vnd.ms-excel"),
    ("document", "xlsx", _SHEET),
    ("document", "html", "text/html"),
    ("document", "txt", "text/plain"),
    ("document", "md", "text/markdown"),
    ("video", "mp4", "video/mp4"),
    ("video", "mov", "video/quicktime"),
    ("video", "mkv", "video/x-matroska"),
    ("video", "webm", "video/webm"),
    ("video", "flv", "video/x-flv"),
    ("video", "mpeg", "video/mpeg"),
    ("video", "mpg", "video/mpeg"),
    ("video", "wmv", "video/x-ms-wmv"),
    ("video", "three_gp", "video/3gpp"),
    ("audio", "mp3", "audio/mpeg"),
    ("audio", "mp3", "audio/mp3"),
    ("audio", "mpeg", "audio/mpeg"),
    ("audio", "mpga", "audio/mpeg"),
    ("audio", "wav", "audio/wav"),
    ("audio", "wav", "audio/x-wav"),
    ("audio", "flac", "audio/flac"),
    ("audio", "opus", "audio/opus"),
    ("audio", "ogg", "audio/ogg"),
    ("audio", "aac", "audio/aac"),
    ("audio", "x-aac", "audio/x-aac"),
    ("audio", "m4a", "audio/x-m4a"),
    ("audio", "mp4", "audio/mp4"),
    ("audio", "mkv", "audio/x-matroska"),
    ("audio", "mka", "audio/x-matroska"),
    ("audio", "pcm", "audio/pcm"),
    ("audio", "webm", "audio/webm"),
)
"""(kind, Bedrock's format, media type). Of several words for a thing the first is written."""

_TYPES = {(kind, form): media_type for kind, form, media_type in reversed(_TABLE)}
_FORMATS = {(kind, media_type): form for kind, form, media_type in reversed(_TABLE)}


def media_type_of(kind: Kind, form: str) -> str | None:
    """None: a format that Bedrock does not have."""
    return _TYPES.get((kind, form))


def format_of(kind: Kind, media_type: str) -> str | None:
    """None: a media type that Bedrock does not take."""
    return _FORMATS.get((kind, media_type.partition(";")[0].strip().lower()))


def format_of_name(kind: Kind, name: str) -> str | None:
    """The format that the end of a file's name says."""
    end = name.rpartition(".")[2].lower()
    end = {"jpg": "jpeg", "htm": "html", "3gp": "three_gp"}.get(end, end)
    return end if (kind, end) in _TYPES else None
