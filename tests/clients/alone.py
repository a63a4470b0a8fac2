"""`python alone.py COMMAND...` runs a command with no network but loopback, if the system allows that."""

import fcntl
import os
import socket
import struct
import subprocess
import sys

SIOCGIFFLAGS, SIOCSIFFLAGS, UP = 0x8913, 0x8914, 1
INSIDE = "SEKISHO_ALONE"


def main() -> None:
    command = sys.argv[1:]
    if os.environ.get(INSIDE):
        raise_loopback()
        os.execvp(command[0], command)
    apart = ["unshare", "--map-root-user", "--net"]
    try:
        possible = subprocess.run([*apart, "true"], check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        possible = False
    if not possible:
        sys.stderr.write(
            "no network namespace may be made here: the clients run with whatever network there is\n"
        )
        os.execvp(command[0], command)
    os.environ[INSIDE] = "1"
    os.execvp(apart[0], [*apart, sys.executable, __file__, *command])


def raise_loopback() -> None:
    """The only interface there is begins switched off."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        request = struct.pack("16sh14x", b"lo", 0)
        (flags,) = struct.unpack_from("h", fcntl.ioctl(probe, SIOCGIFFLAGS, request), 16)
        fcntl.ioctl(probe, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | UP))


if __name__ == "__main__":
    main()
