"""Errors: those of OpenAI's whole family."""

from sekisho.wire.openai_errors import in_answer, read, refuse, refuse_what_is_no_stream, write, write_frame

__all__ = ["in_answer", "read", "refuse", "refuse_what_is_no_stream", "write", "write_frame"]
