"""Token estimates from text where a provider gave no count. Rough by design; always marked as estimated.

About four ASCII characters make a token in every current vocabulary's English and code; Japanese and
Chinese text comes to roughly 0.75 tokens a character (o200k_base on mixed Japanese news text, 2026-11).
"""


def measure(text: str) -> tuple[int, int]:
    """(ASCII characters, other characters) of a text."""
    if text.isascii():
        return len(text), 0
    wide = len(text) - len(text.encode("ascii", "ignore"))
    return len(text) - wide, wide


def tokens(ascii_characters: int, wide_characters: int) -> int:
    """Estimated tokens for so many characters, rounded up."""
    return (ascii_characters + 3 * wide_characters + 3) // 4
