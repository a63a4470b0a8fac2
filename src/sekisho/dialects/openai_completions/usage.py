"""Token counts: those of OpenAI's older APIs."""

from sekisho.wire.openai_usage import read, write

__all__ = ["read", "write"]
