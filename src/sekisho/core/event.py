"""A streamed answer, in no dialect: a closed set of events.

Grammar: `Start`, then for every part `PartStart`, any `TextDelta | SignatureDelta | VendorDelta`,
`PartEnd`; `LogprobsDelta` anywhere between; at last one `End`. Usage and finish reasons stand only
in `End`. A stream that has no `End` is incomplete, whatever else it brought. Part indices count up
from 0 over the whole reply and are never used twice; parts of one choice do not overlap, except that
parallel tool calls may interleave.
"""

import msgspec

from sekisho.core.message import Part, Value, Vendor
from sekisho.core.reply import Finish
from sekisho.core.usage import Usage


class Start(Value, frozen=True, kw_only=True, tag_field="kind", tag="start"):
    id: str
    model: str
    created: int | None = None
    usage: Usage | None = None
    """What the provider already counted (Anthropic names the input here); `End.usage` is final."""
    vendor: Vendor | None = None


class PartStart(Value, frozen=True, kw_only=True, tag_field="kind", tag="part_start"):
    index: int
    part: Part
    """The part with what is known at its start; text members are usually empty."""
    choice: int = 0


class TextDelta(Value, frozen=True, kw_only=True, tag_field="kind", tag="text_delta"):
    """More of the part's main text: of Text, Reasoning, Refusal their `text`, of ToolCall its `arguments`."""

    index: int
    text: str


class SignatureDelta(Value, frozen=True, kw_only=True, tag_field="kind", tag="signature_delta"):
    index: int
    signature: str


class VendorDelta(Value, frozen=True, kw_only=True, tag_field="kind", tag="vendor_delta"):
    """Something only its own dialect understands about a part (a citation, say)."""

    index: int
    dialect: str
    raw: msgspec.Raw
    """An object: more of the part's `vendor` members (of an `Opaque`, of its `raw`). Folding appends lists
    and texts to what stood there, joins objects, and replaces anything else: `{"citations": [{...}]}`."""


class LogprobsDelta(Value, frozen=True, kw_only=True, tag_field="kind", tag="logprobs_delta"):
    """Log probabilities in OpenAI's shape: `{"content": [...], "refusal": [...]}`."""

    choice: int
    raw: msgspec.Raw


class PartEnd(Value, frozen=True, kw_only=True, tag_field="kind", tag="part_end"):
    index: int


class End(Value, frozen=True, kw_only=True, tag_field="kind", tag="end"):
    finishes: tuple[Finish, ...]
    """One for every choice, in order."""
    usage: Usage | None = None
    service_tier: str | None = None
    vendor: Vendor | None = None


Event = Start | PartStart | TextDelta | SignatureDelta | VendorDelta | LogprobsDelta | PartEnd | End
