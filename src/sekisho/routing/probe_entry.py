"""`providers.<name>.probe`: `30s`, or `{every: 30s, chat: true}`."""

from sekisho.core.provider import Probe
from sekisho.routing import node, values
from sekisho.routing.node import Node, Scalar
from sekisho.routing.problem import Path, Wrong
from sekisho.routing.reader import Fields, Reader, scalar


def probe(reader: Reader, at: Node, path: Path) -> Probe | None:
    """None where a part is wrong, which is reported then."""
    if not isinstance(at, node.Mapping):
        return Probe(scalar(_interval)(reader, at, path))
    members = reader.record(at, path, PROBE)
    if "every" not in members:
        if (*path, "every") not in reader.places:
            raise Wrong("needs `every`, like 30s")
        return None
    return Probe(**members)


def _interval(at: Scalar) -> float:
    seconds = values.duration(at)
    if seconds < 1:
        raise Wrong("must be at least 1s; a provider is not to be hammered")
    return seconds


PROBE: Fields = {"every": scalar(_interval), "chat": scalar(values.boolean)}
