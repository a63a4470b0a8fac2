"""Token counts in one shape. The four input kinds never overlap, so nothing can be priced twice."""

from sekisho.core.message import Value


class Usage(Value, frozen=True, kw_only=True):
    input: int = 0
    """Prompt tokens that were neither read from nor written to the provider's prompt cache."""
    cache_read: int = 0
    cache_write: int = 0
    """Written with the default (5 minute) lifetime."""
    cache_write_1h: int = 0
    output: int = 0
    """All produced tokens, reasoning included."""
    reasoning: int = 0
    """Part of `output`."""
    input_audio: int = 0
    """Part of `input`."""
    output_audio: int = 0
    """Part of `output`."""
    searches: int = 0
    """Searches that a reranking is billed as, where the provider bills by them."""
    estimated: bool = False
    """The provider gave no (complete) count, so we counted ourselves."""

    @property
    def prompt(self) -> int:
        """All prompt tokens, cached or not: what decides a context tier."""
        return self.input + self.cache_read + self.cache_write + self.cache_write_1h

    @property
    def total(self) -> int:
        return self.input + self.cache_read + self.cache_write + self.cache_write_1h + self.output
