"""Answers that are begun for the model. OpenAI's own API has none; some servers have a word for them."""

import msgspec

from sekisho.core.contract import TargetFacts
from sekisho.core.message import Message
from sekisho.core.request import Request
from sekisho.dialects.openai_chat.shape import NAME

PREFIX = "prefix"


def prefill(said: Message, _request: Request, target: TargetFacts) -> Message | None:
    """See `core.contract.Dialect.prefill`."""
    if PREFIX not in target.extensions:
        return None
    return msgspec.structs.replace(said, vendor={NAME: {PREFIX: msgspec.Raw(b"true")}})
