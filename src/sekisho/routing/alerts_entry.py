"""`alerts`: who is told that a limit is nearly used up."""

import re
from dataclasses import dataclass, field
from typing import Literal

from sekisho.routing import values
from sekisho.routing.node import Node, Scalar
from sekisho.routing.problem import Path, Wrong
from sekisho.routing.reader import Fields, Reader, list_of, scalar

Encryption = Literal["starttls", "tls", "none"]
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}")
_HOST = re.compile(r"[A-Za-z0-9.:_-]{1,255}")


@dataclass(frozen=True, slots=True)
class EmailEntry:
    """`alerts.email`."""

    host: str
    sender: str
    to: tuple[str, ...]
    port: int = 587
    encryption: Encryption = "starttls"
    """tls: from the beginning."""
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    """Both may hold `${VAR}`."""
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class AlertsEntry:
    """`alerts`."""

    webhooks: tuple[str, ...] = field(default=(), repr=False)
    """URLs that may hold `${VAR}`. Whoever has one can write there: they are secrets."""
    email: EmailEntry | None = None


def alerts(reader: Reader, at: Node, path: Path) -> AlertsEntry:
    return AlertsEntry(**reader.record(at, path, ALERTS))


def _email(reader: Reader, at: Node, path: Path) -> EmailEntry | None:
    """None where a part is wrong, which is reported then."""
    members = reader.record(at, path, EMAIL)
    missing = [key for key in ("host", "from", "to") if not members.get(key)]
    if missing:
        if (*path, missing[0]) not in reader.places or missing[0] in members:
            raise Wrong(f"needs `{missing[0]}`, like {_LIKE[missing[0]]}")
        return None
    if ("user" in members) != ("password" in members):
        raise Wrong("needs both `user` and `password`, or neither")
    if "password" in members and members.get("encryption") == "none":
        raise Wrong("would send the password unencrypted; write `encryption: starttls` or `tls`")
    return EmailEntry(sender=members.pop("from"), **members)


def _address(at: Scalar) -> str:
    address = values.text(at)
    if not _ADDRESS.fullmatch(address):
        raise Wrong("is no address; write one like ops@example.com")
    return address


def _host(at: Scalar) -> str:
    host = values.text(at)
    if not _HOST.fullmatch(host):
        raise Wrong("is no host; write its name or address alone, like smtp.example.com")
    return host


_LIKE = {"host": "smtp.example.com", "from": "sekisho@example.com", "to": "[ops@example.com]"}
EMAIL: Fields = {
    "host": scalar(_host),
    "port": scalar(values.whole(1, 65_535)),
    "encryption": scalar(values.one_of("starttls", "tls", "none")),
    "user": scalar(values.templated),
    "password": scalar(values.templated),
    "from": scalar(_address),
    "to": list_of(scalar(_address)),
    "ca_file": scalar(values.text),
}
ALERTS: Fields = {"webhooks": list_of(scalar(values.address)), "email": _email}
