"""What an image costs in tokens, by each provider's published rule.

- OpenAI, https://developers.openai.com/api/docs/guides/images-vision (2026-11): tiles of 512 pixels of an
  image that is fitted into 2,048 and then brought to 768 on its short side; or patches of 32 pixels, 1,536 at
  most, times a factor. The factors of GPT-5's small models are those that were billed, which are lower than
  the documented ones (https://community.openai.com/t/1377015, 2026-03).
- Anthropic, https://platform.claude.com/docs/en/build-with-claude/vision (2026-11): patches of 28 pixels, for
  images reduced to 1,568 pixels and 1,568 tokens, or 2,576 and 4,784 from Opus 4.7 on.
- Google, https://ai.google.dev/gemini-api/docs/tokens (2026-11): 258 for a small image and for every tile of
  768 pixels; from Gemini 3 on 1,120 whatever the size, unless `media_resolution` says otherwise.
"""

from collections.abc import Callable, Mapping
from math import ceil, sqrt
from typing import TypeVar

from sekisho.metering.families import ImageRule
from sekisho.metering.media import Size

_Value = TypeVar("_Value")

ONE_SIZE = 1_000
"""For models that publish no rule: the order of what current vision models book for an image."""
USUAL = Size(1_024, 1_024)
"""Taken for images whose size cannot be read: those behind a URL."""
_TILED = {
    "gpt-4o-mini": (2_833, 5_667),
    "gpt-5": (70, 140),
    "o1": (75, 150),
    "o3": (75, 150),
}
"""Model -> (base, tile)."""
_PATCHED = {
    "gpt-4.1-mini": 1.62,
    "gpt-4.1-nano": 2.46,
    "gpt-5-nano": 1.5,
    "o4-mini": 1.72,
    "codex-mini": 1.72,
}


def image_tokens(rule: ImageRule, model: str, size: Size | None, detail: str | None = None) -> int:
    """Tokens of one image. `detail` is OpenAI's `low`, `high` or `auto`."""
    return _RULES[rule](model, size or USUAL, detail)


def _tiles(model: str, size: Size, detail: str | None) -> int:
    base, tile = _of_model(_TILED, model, (85, 170))
    if detail == "low":
        return base
    fitted = _shrink(size, min(1.0, 2_048 / max(size)))
    fitted = _shrink(fitted, min(1.0, 768 / min(fitted)))
    return base + tile * ceil(fitted.width / 512) * ceil(fitted.height / 512)


def _patches(model: str, size: Size, _detail: str | None) -> int:
    patches = ceil(size.width / 32) * ceil(size.height / 32)
    if patches > 1_536:
        shrink = sqrt(1_536 * 32 * 32 / (size.width * size.height))
        across, down = size.width * shrink / 32, size.height * shrink / 32
        # Shrunk once more, so that whole patches fit.
        shrink = min(max(int(across), 1) / across, max(int(down), 1) / down)
        patches = min(ceil(across * shrink - 1e-9) * ceil(down * shrink - 1e-9), 1_536)
    return ceil(patches * _of_model(_PATCHED, model, 1.2))


def _claude(_model: str, size: Size, _detail: str | None) -> int:
    return _fit(size, edge=1_568, most=1_568)


def _claude_large(_model: str, size: Size, _detail: str | None) -> int:
    return _fit(size, edge=2_576, most=4_784)


def _fit(size: Size, *, edge: int, most: int) -> int:
    """Patches of 28 pixels of the largest reduction that keeps within both."""

    def patches(long_edge: int) -> int:
        shrunk = _shrink(size, long_edge / max(size))
        return ceil(shrunk.width / 28) * ceil(shrunk.height / 28)

    high = min(edge, max(size))
    if patches(high) <= most:
        return patches(high)
    low = 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if patches(middle) <= most else (low, middle)
    return patches(low)


def _gemini(_model: str, size: Size, _detail: str | None) -> int:
    if max(size) <= 384:
        return 258
    return 258 * ceil(size.width / 768) * ceil(size.height / 768)


def _gemini_3(_model: str, _size: Size, _detail: str | None) -> int:
    return 1_120


def _one_size(_model: str, _size: Size, _detail: str | None) -> int:
    return ONE_SIZE


_RULES: Mapping[ImageRule, Callable[[str, Size, str | None], int]] = {
    "openai-tiles": _tiles,
    "openai-patches": _patches,
    "claude": _claude,
    "claude-large": _claude_large,
    "gemini": _gemini,
    "gemini-3": _gemini_3,
    "one-size": _one_size,
}


def _shrink(size: Size, factor: float) -> Size:
    return Size(max(1, round(size.width * factor)), max(1, round(size.height * factor)))


def _of_model(table: Mapping[str, _Value], model: str, otherwise: _Value) -> _Value:
    return next((value for name, value in table.items() if name in model), otherwise)
