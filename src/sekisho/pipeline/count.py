"""Token counts of a request made here, where the provider has no such operation or gave no count."""

import msgspec

from sekisho.core import estimate
from sekisho.core.contract import Members
from sekisho.wire import json

PROMPT_MEMBERS = ("system", "messages", "tools")
OPAQUE_MEMBERS = frozenset({"data", "url", "image_url", "file_data", "signature", "id", "type"})
"""Members whose strings are not prompt text: encoded media, references, marks."""
MEDIA_TOKENS = 1_000
"""For an image, a page or a clip: the order of what current vision models book for one."""
MEDIA_TYPES = frozenset({"image", "image_url", "document", "file", "input_audio"})
MESSAGE_TOKENS = 3
"""Around every message, in every chat template seen."""
MOST_VALUES = 200_000
"""JSON values that are looked at one by one, which takes about 60 ms. No prompt has more; a body that does is
measured by its length, for others wait meanwhile."""


def count_locally(members: Members) -> int:
    """Estimated prompt tokens of a request in any dialect. Linear in its size."""
    plain = wide = extra = 0
    pending: list[object] = []
    for name in PROMPT_MEMBERS:
        raw = members.get(name)
        if raw is None:
            continue
        text = bytes(raw)
        try:
            if len(text) > MOST_VALUES and sum(map(text.count, b",[{")) > MOST_VALUES:
                plain += len(text)
            else:
                pending.append(json.decode(raw))
        except (msgspec.DecodeError, UnicodeDecodeError):
            plain += len(text)  # not JSON after all: the provider will say so
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            more_plain, more_wide = estimate.measure(value)
            plain += more_plain
            wide += more_wide
        elif isinstance(value, list):
            pending.extend(value)
        elif isinstance(value, dict):
            extra += MESSAGE_TOKENS if "role" in value else 0
            kind = value.get("type")
            extra += MEDIA_TOKENS if isinstance(kind, str) and kind in MEDIA_TYPES else 0
            pending.extend(member for name, member in value.items() if name not in OPAQUE_MEMBERS)
    return estimate.tokens(plain, wide) + extra
