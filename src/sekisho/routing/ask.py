"""What planning needs to know of one call."""

import msgspec

from sekisho.core.preference import NONE, Preferences


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What nobody will look at need not be filled in: see `pipeline.ask`."""

    prompt_tokens: int = 0
    """An estimate."""
    max_tokens: int | None = None
    """Of the answer, where the client said."""
    parameters: frozenset[str] = frozenset()
    """Of the request, in OpenAI's words."""
    modalities: frozenset[str] = frozenset({"text"})
    """That the prompt holds."""
    session: str | None = None
    """What later calls of the same conversation will give again; None: nothing is known of it."""
    prefer: Preferences = NONE


PLAIN = Ask()
