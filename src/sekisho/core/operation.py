"""What a client can ask of a model."""

from enum import StrEnum


class Operation(StrEnum):
    CHAT = "chat"
    COUNT_TOKENS = "count_tokens"
    EMBEDDINGS = "embeddings"
    RERANK = "rerank"


RETRIEVAL = frozenset((Operation.EMBEDDINGS, Operation.RERANK))
"""Answered in one piece, and no conversation: see `core.contract.Retrieval`."""
PAID = (Operation.CHAT, Operation.EMBEDDINGS, Operation.RERANK)
"""That providers are paid for, so that limits and budgets count them."""
