"""What a client can ask of a model."""

from enum import Enum


class Operation(Enum):
    CHAT = "chat"
    COUNT_TOKENS = "count_tokens"
