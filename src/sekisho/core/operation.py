"""What a client can ask of a model."""

from enum import StrEnum


class Operation(StrEnum):
    CHAT = "chat"
    COUNT_TOKENS = "count_tokens"
