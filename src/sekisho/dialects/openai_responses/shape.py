"""What this dialect keeps in `vendor["openai_responses"]` of the value that it belongs to."""

from sekisho.wire.shape import Kept

NAME = "openai_responses"

_kept = Kept(NAME)
vendor_of = _kept.keep
own = _kept.own
spread = _kept.spread
