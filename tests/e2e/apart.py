"""A machine beside this one: a network namespace, and a wire to it for each of the parts that it reaches.

Only for tests that run in a network namespace of their own, which has no other machine in it.
"""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tests.debian import libraries, tool
from tests.e2e.serving import Place

HOLDER = ("unshare", "--net", "sh", "-c", "echo made; exec sleep infinity")


@dataclass(frozen=True)
class Wire:
    """A pair of interfaces with one name."""

    name: str
    number: int

    @property
    def here(self) -> str:
        """This end's address."""
        return f"10.7.{self.number}.1"

    @property
    def there(self) -> str:
        return f"10.7.{self.number}.2"

    def made(self, process_id: int) -> Iterator[str]:
        """What `ip` is told on this machine. `process_id`: a process of the other one."""
        there = f"name {self.name} address {self._hardware(2)} netns {process_id}"
        yield f"link add name {self.name} address {self._hardware(1)} type veth peer {there}"
        yield f"address add {self.here}/24 dev {self.name}"
        yield f"link set {self.name} up"

    def joined(self) -> Iterator[str]:
        """What it is told on the other one. It knows this end's hardware: a machine that asks for it, and
        hears nothing, tells its programs so, where a network that loses packets tells nobody."""
        yield f"address add {self.there}/24 dev {self.name}"
        yield f"link set {self.name} up"
        yield f"neighbour add {self.here} lladdr {self._hardware(1)} dev {self.name} nud permanent"

    def _hardware(self, end: int) -> str:
        return f"02:00:00:00:{self.number:02x}:{end:02x}"


class Apart:
    """The machine."""

    def __init__(self, wires: Mapping[str, Wire], prefix: Sequence[str]):
        self._wires = wires
        self._prefix = prefix

    def place(self, clients: str) -> Place:
        """For a gateway there that is reached by this wire."""
        return Place(self._wires[clients].there, self._prefix)

    def reached(self, name: str) -> str:
        """The address at which it finds a part of this machine."""
        return self._wires[name].here

    def cut(self, *names: str) -> None:
        """From now on what either side sends over these wires is lost, and nobody is told."""
        _ip([f"link set {name} down" for name in names])

    def deafen(self, name: str) -> None:
        """From now on only what this machine sends there is lost."""
        _ip([f"route add blackhole {self._wires[name].there}/32"])

    def mend(self, *names: str) -> None:
        """Of those that were cut."""
        _ip([f"link set {name} up" for name in names])

    def hear(self, name: str) -> None:
        """Of one that was deafened."""
        _ip([f"route delete blackhole {self._wires[name].there}/32"])


@contextmanager
def apart(*names: str) -> Iterator[Apart]:
    """With wires of these names."""
    wires = {name: Wire(name, number) for number, name in enumerate(names)}
    with subprocess.Popen(HOLDER, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        try:
            holder.stdout.readline()
            prefix = ("nsenter", f"--net=/proc/{holder.pid}/ns/net", "--")
            up = "link set lo up"
            _ip([up, *(line for wire in wires.values() for line in wire.made(holder.pid))])
            _ip([up, *(line for wire in wires.values() for line in wire.joined())], prefix)
            try:
                yield Apart(wires, prefix)
            finally:
                _ip([f"link delete {name}" for name in names])  # by itself it goes too, but later
        finally:
            holder.kill()


def _ip(lines: Sequence[str], prefix: Sequence[str] = ()) -> None:
    subprocess.run(
        [*prefix, tool("ip", "iproute2"), "-batch", "-"],
        check=True,
        input="".join(f"{line}\n" for line in lines),
        text=True,
        env=libraries(),
    )
