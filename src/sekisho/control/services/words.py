"""What people write about identities - names, tags, metadata - checked before it is kept."""

import unicodedata
from collections.abc import Collection, Mapping

from sekisho.control.services.refusal import Refused

LONGEST_NAME = 200
"""Characters."""
MOST_TAGS = 16
LONGEST_TAG = 64
MOST_MEMBERS = 32
"""Of metadata."""
LONGEST_MEMBER = 64
LONGEST_VALUE = 512
_NEVER = frozenset({"Cc", "Cs", "Zl", "Zp"})


def checked_name(name: str, what: str) -> str:
    """Raises Refused for a name that is empty, too long, or would break a line or a terminal."""
    name = name.strip()
    if not name:
        msg = f"{what} needs a name"
        raise Refused(msg, "name")
    if len(name) > LONGEST_NAME:
        msg = f"the name has {len(name)} characters; {LONGEST_NAME} are allowed"
        raise Refused(msg, "name")
    if not _shows(name):
        raise Refused("the name holds control characters", "name")
    return name


def checked_tags(tags: Collection[str]) -> tuple[str, ...]:
    """Each once, in order. Raises Refused."""
    found = tuple(dict.fromkeys(tag.strip() for tag in tags))
    if len(found) > MOST_TAGS:
        msg = f"there are {len(found)} tags; {MOST_TAGS} are allowed"
        raise Refused(msg, "tags")
    for tag in found:
        if not tag or len(tag) > LONGEST_TAG or not tag.isprintable() or "," in tag:
            msg = f"a tag is 1 to {LONGEST_TAG} printable characters without a comma"
            raise Refused(msg, "tags")
    return found


def checked_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """Raises Refused."""
    if len(metadata) > MOST_MEMBERS:
        msg = f"the metadata have {len(metadata)} members; {MOST_MEMBERS} are allowed"
        raise Refused(msg, "metadata")
    for name, value in metadata.items():
        if not name or len(name) > LONGEST_MEMBER or len(value) > LONGEST_VALUE:
            msg = (
                f"metadata have names of 1 to {LONGEST_MEMBER} characters and values of up to {LONGEST_VALUE}"
            )
            raise Refused(msg, "metadata")
        if not _shows(name) or not _shows(value):
            raise Refused("the metadata hold control characters", "metadata")
    return dict(metadata)


def _shows(text: str) -> bool:
    return not any(unicodedata.category(character) in _NEVER for character in text)
