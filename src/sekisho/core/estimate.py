"""Token estimates from lengths, where nobody counted and the model is not known. Always marked as estimated.

About four ASCII characters make a token in every current vocabulary's English and code. A Japanese character
came to 0.81 tokens of o200k_base, 1.0 of Claude, 0.64 of Gemini, 0.72 of Qwen 3, 0.75 of DeepSeek and 0.77 of
Llama 3 (five kinds of prose in `tests/golden/tokens`, 2026-11): four fifths is the middle. `metering.tokens`
knows the models apart.
"""


def measure(text: str) -> tuple[int, int]:
    """(ASCII characters, other characters) of a text."""
    if text.isascii():
        return len(text), 0
    wide = len(text) - len(text.encode("ascii", "ignore"))
    return len(text) - wide, wide


def tokens(ascii_characters: int, wide_characters: int) -> int:
    """Estimated tokens for so many characters, rounded up."""
    return (5 * ascii_characters + 16 * wide_characters + 19) // 20
