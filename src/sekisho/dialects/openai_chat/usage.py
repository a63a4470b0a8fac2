"""Token counts: those of OpenAI's older APIs."""

from sekisho.wire.openai_usage import money, read, with_money, write

__all__ = ["money", "read", "with_money", "write"]
