"""Responses that the provider keeps, so that later requests can refer to them."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sekisho.core.reply import Reply
from sekisho.testkit.provider.errors import openai_error
from sekisho.testkit.provider.format import Asked, Refused, Rules
from sekisho.testkit.provider.openai_responses import begun, response
from sekisho.testkit.provider.openai_responses_items import items

_MOST = 1000
_UNSTORED = (
    " Items are not persisted when `store` is set to false. Try again with `store` set to true, or remove "
    "this item from your input."
)


@dataclass(frozen=True, slots=True)
class _Kept:
    asked: list[dict[str, Any]]
    """The input, that of the responses before it included."""
    response: dict[str, Any]
    cancelled: dict[str, Any] | None
    """What it becomes if it is cancelled before anybody has seen it finished; None where it cannot be."""


class Kept:
    """The last thousand responses. A background response is finished when it is first looked at."""

    def __init__(self) -> None:
        self._responses: OrderedDict[str, _Kept] = OrderedDict()

    def joined(self, body: Any, rules: Rules) -> Any:
        """The request with everything in its input that it refers to. Raises Refused."""
        if not isinstance(body, dict) or not isinstance(body.get("input", ""), str | list):
            return body
        before = self._before(body.get("previous_response_id"))
        if "input" not in body and not before:
            return body
        own = [self._resolved(item, body, rules) for item in items(body)]
        return {**body, "input": [*before, *own]}

    def _before(self, previous: object) -> list[dict[str, Any]]:
        if previous is None:
            return []
        kept = self._responses.get(str(previous))
        if kept is None:
            raise Refused(
                400,
                openai_error(
                    "invalid_request_error",
                    f"Previous response with id '{previous}' not found.",
                    param="previous_response_id",
                    code="previous_response_not_found",
                ),
            )
        return [*kept.asked, *kept.response["output"]]

    def _resolved(self, item: Any, body: Mapping[str, Any], rules: Rules) -> Any:
        if not isinstance(item, dict):
            return item
        bare = item.get("type") == "reasoning" and item.get("id") and item.get("encrypted_content") is None
        if item.get("type") != "item_reference" and not (bare and rules.signatures):
            return item
        for kept in self._responses.values():
            for known in kept.response["output"]:
                if known["id"] == item.get("id"):
                    return known
        hint = _UNSTORED if body.get("store") is False else ""
        message = f"Item with id '{item.get('id')}' not found.{hint}"
        raise Refused(404, openai_error("invalid_request_error", message, param="input"))

    def keep(self, reply: Reply, asked: Asked) -> None:
        if asked.body.get("store") is False:
            return
        cancelled = begun(reply, asked, "cancelled") if asked.body.get("background") else None
        kept = _Kept(items(asked.body), response(reply, asked), cancelled)
        self._responses[reply.id] = kept
        if len(self._responses) > _MOST:
            self._responses.popitem(last=False)

    def serve(self, method: str, response_id: str, detail: str) -> dict[str, Any]:
        """What is said of one response. Raises Refused."""
        kept = self._responses.get(response_id)
        if kept is None:
            message = f"Response with id '{response_id}' not found."
            raise Refused(404, openai_error("invalid_request_error", message))
        if method == "DELETE":
            del self._responses[response_id]
            return {"id": response_id, "object": "response", "deleted": True}
        if detail == "/cancel":
            return self._cancel(response_id, kept)
        if detail == "/input_items":
            return _listed(response_id, kept.asked)
        self._responses[response_id] = _Kept(kept.asked, kept.response, None)
        return kept.response

    def _cancel(self, response_id: str, kept: _Kept) -> dict[str, Any]:
        if kept.response["status"] == "cancelled":
            return kept.response
        if kept.cancelled is None:
            message = "Cannot cancel a synchronous response."
            if kept.response["background"]:
                message = "Cannot cancel a completed response."
            raise Refused(400, openai_error("invalid_request_error", message))
        self._responses[response_id] = _Kept(kept.asked, kept.cancelled, None)
        return kept.cancelled


def _listed(response_id: str, asked: list[dict[str, Any]]) -> dict[str, Any]:
    """The newest first, as the provider lists by default."""
    suffix = response_id.rpartition("_")[2]
    data = [
        {"id": f"msg_{suffix}{90 + index}", "status": "completed", **_spelt(item)}
        for index, item in enumerate(asked)
    ][::-1]
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {}
    return {"object": "list", "data": data, "has_more": False, **ends}


def _spelt(item: dict[str, Any]) -> dict[str, Any]:
    """A message's content as a list, whichever way it came."""
    if not isinstance(item.get("content"), str):
        return item
    kind = "output_text" if item.get("role") == "assistant" else "input_text"
    return {"type": "message", **item, "content": [{"type": kind, "text": item["content"]}]}
