"""Options that many commands share: what identities may use and spend, as a draft."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from typing import Annotated, Any, TypeVar

import msgspec
import typer
from msgspec import UNSET, UnsetType

from sekisho.control.services import limits
from sekisho.control.services.limits import LimitDraft
from sekisho.control.services.refusal import Refused
from sekisho.core.limit import Limit
from sekisho.wire import json

_LIST = "names separated by commas, `all`, or `none`."
Text = str | None


@dataclass(frozen=True, kw_only=True)
class TermOptions:
    """What may be said of every level."""

    budget: Annotated[Text, typer.Option(help="USD by period: 0.01/day, 5/month@Asia/Tokyo, 100/total.")] = (
        None
    )
    rpm: Annotated[Text, typer.Option(help="Requests a minute.")] = None
    tpm: Annotated[Text, typer.Option(help="Tokens a minute.")] = None
    concurrent: Annotated[Text, typer.Option(help="Calls at once.")] = None
    limit: Annotated[
        list[str] | None,
        typer.Option(help="Any limit: 'usd 1/day each=user', 'requests 5/hour model=a/b'. May be repeated."),
    ] = None
    models: Annotated[Text, typer.Option(help=f"May use only these: {_LIST}")] = None
    providers: Annotated[Text, typer.Option(help=f"May use only these: {_LIST}")] = None
    regions: Annotated[Text, typer.Option(help=f"May be served only there: {_LIST}")] = None
    operations: Annotated[Text, typer.Option(help=f"May be used only for: {_LIST}")] = None
    ip: Annotated[
        Text, typer.Option(help="May be used only from: addresses or ranges, `all`, or `none`.")
    ] = None
    deny_origin: Annotated[
        Text, typer.Option(help="Not with providers and models of these countries: CN,RU, or `none`.")
    ] = None
    prefer: Annotated[
        Text, typer.Option(help='How targets are chosen, as JSON: \'{"select": "cheapest"}\', or `none`.')
    ] = None
    metadata: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Kept for you. May be repeated.")
    ] = None

    def terms(self, held: Sequence[Limit] = ()) -> dict[str, Any]:
        """Members of a draft, beside limits that are `held` already. Raises Refused."""
        return {
            "models": _names(self.models),
            "providers": _names(self.providers),
            "regions": _names(self.regions),
            "operations": _names(self.operations),
            "networks": _names(self.ip),
            "denied_origins": _names(self.deny_origin) or () if self.deny_origin is not None else UNSET,
            "prefer": UNSET if self.prefer is None else _object(self.prefer),
            "limits": self._limits(held),
            "metadata": UNSET if self.metadata is None else _pairs(self.metadata),
        }

    def _limits(self, held: Sequence[Limit]) -> tuple[LimitDraft, ...] | UnsetType:
        """Those that are held, each replaced by a new one for the same."""
        said = [
            *_prefixed("usd ", self.budget),
            *_prefixed("requests ", self.rpm, "/minute"),
            *_prefixed("tokens ", self.tpm, "/minute"),
            *_prefixed("concurrent ", self.concurrent),
            *(self.limit or ()),
        ]
        if not said:
            return UNSET
        new = [limits.read(text) for text in said]
        replaced = {limits.scope(draft) for draft in new}
        kept = [limits.draft_of(limit) for limit in held if limits.scope(limit) not in replaced]
        return (*kept, *new)


@dataclass(frozen=True, kw_only=True)
class ChangeOptions(TermOptions):
    """What may be said where something is changed."""

    name: Annotated[Text, typer.Option(help="A new name.")] = None
    unlimit: Annotated[
        list[str] | None,
        typer.Option(metavar="LIMIT", help="Take the limit with this id away. May be repeated."),
    ] = None

    def terms(self, held: Sequence[Limit] = ()) -> dict[str, Any]:
        gone = frozenset(self.unlimit or ())
        unknown = gone - {limit.id for limit in held}
        if unknown:
            msg = f"{min(unknown)!r} is none of its limits; `show` lists them"
            raise Refused(msg, "limits")
        kept = [limit for limit in held if limit.id not in gone]
        terms = super().terms(kept)
        if gone and terms["limits"] is UNSET:
            terms["limits"] = tuple(map(limits.draft_of, kept))
        return {**terms, "name": UNSET if self.name is None else self.name}


Options = TypeVar("Options")


def taking(options: type[Options]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command the fields of a dataclass as options of its own, and hands them in as `asked`."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True).parameters
        added = inspect.signature(options, eval_str=True).parameters
        names = [field.name for field in fields(options)]  # type: ignore[arg-type]

        @wraps(command)
        def run(**said: Any) -> None:
            command(asked=options(**{name: said.pop(name) for name in names}), **said)

        shown = [parameter for name, parameter in own.items() if name != "asked"]
        both = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in (*shown, *added.values())
        ]
        run.__signature__ = inspect.Signature(both)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in both}
        return run

    return decorate


def given(text: str | None) -> str | UnsetType | None:
    """A reference that may be taken away with `none`."""
    return UNSET if text is None else None if text == "none" else text


def names_of(text: str | None) -> tuple[str, ...] | UnsetType:
    """Names, `none` for none at all."""
    found = _names(text)
    return () if found is None else found


def _names(text: str | None) -> tuple[str, ...] | UnsetType | None:
    if text is None:
        return UNSET
    if text == "all":
        return None
    return () if text == "none" else tuple(name.strip() for name in text.split(","))


def _prefixed(before: str, text: str | None, after: str = "") -> list[str]:
    if text is None:
        return []
    amount, blank, rest = text.partition(" ")
    return [f"{before}{amount}{after}{blank}{rest}"]


def _object(text: str) -> dict[str, Any] | None:
    if text == "none":
        return None
    try:
        found = json.decode(text.encode())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        msg = f"prefer is not JSON: {error}"
        raise Refused(msg, "prefer") from None
    if not isinstance(found, dict):
        raise Refused('prefer is an object, such as {"select": "cheapest"}', "prefer")
    return found


def _pairs(said: Sequence[str]) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in said]
    if not all(sign for _, sign, _ in pairs):
        raise Refused("metadata are written as NAME=VALUE", "metadata")
    return {name: value for name, _, value in pairs}
