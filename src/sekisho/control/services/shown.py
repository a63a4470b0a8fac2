"""Holders and keys as JSON: what commands print and the API answers. What can be set has the name and form in
which it is set."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from sekisho.control.services import limits
from sekisho.control.services.allowance import Allowance, shown_prefer
from sekisho.control.services.credits import Balance, Credit
from sekisho.control.services.principals import Effective
from sekisho.control.services.terms import ApiKey, Holder, Terms
from sekisho.core.limit import Limit
from sekisho.core.money import usd_text


def holder(found: Holder) -> dict[str, Any]:
    status = "active" if found.disabled is None else "disabled"
    return {**_head(found, status), "kind": found.kind, "team": found.team, **_terms(found)}


def key(found: ApiKey, now: float) -> dict[str, Any]:
    """Without the key itself, which nobody has."""
    return {
        **_head(found, status(found, now)),
        "prefix": found.prefix,
        "admin": found.admin,
        "team": found.team,
        "project": found.project,
        "owner": found.owner,
        "expires": time(found.expires),
        "revoked": time(found.revoked),
        "former_ends": time(found.former_ends),
        "tags": list(found.tags),
        **_terms(found),
    }


def effective(holds: Effective | None) -> dict[str, Any] | None:
    """What holds for a key with all that it belongs to. None: it is not in force."""
    if holds is None:
        return None
    told = [
        {"level": each.level, "holder": each.holder, "credits": each.tariffs is not None, **limit(each)}
        for each in holds.limits
    ]
    return {**_allowance(holds.allowance), "limits": told}


def limit(found: Limit) -> dict[str, Any]:
    members = msgspec.to_builtins(limits.draft_of(found))
    return {"id": members.pop("id"), **members}


def credit(found: Credit) -> dict[str, Any]:
    return {
        "id": found.id,
        "level": found.level,
        "holder": found.holder,
        "usd": usd_text(found.amount),
        "made": time(found.made),
        "made_by": found.made_by,
        "note": found.note,
    }


def balance(found: Balance) -> dict[str, Any]:
    return {
        "level": found.level,
        "holder": found.holder,
        "since": time(found.since),
        "credits_usd": usd_text(found.credits),
        "charges_usd": usd_text(found.charges),
        "balance_usd": usd_text(found.left),
        "uncharged_calls": found.uncharged,
    }


def status(found: ApiKey, now: float) -> str:
    if found.revoked is not None:
        return "revoked"
    if found.disabled is not None:
        return "disabled"
    return "expired" if found.expires is not None and found.expires <= now else "active"


def time(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _head(found: Terms, standing: str) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "status": standing,
        "organisation": found.organisation,
        "created": time(found.created),
    }


def _allowance(found: Allowance) -> dict[str, Any]:
    return {**msgspec.structs.asdict(found), "prefer": shown_prefer(found)}


def _terms(found: Terms) -> dict[str, Any]:
    return {
        **_allowance(found.allowance),
        "limits": [limit(each) for each in found.limits],
        "metadata": found.metadata,
        "disabled": found.disabled is not None,
    }
