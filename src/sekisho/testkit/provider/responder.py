"""Which answer a request gets: script, checks and format put together."""

import secrets
import time
from collections import deque
from typing import Any

import msgspec

from sekisho.core.usage import Usage
from sekisho.testkit.provider import performance
from sekisho.testkit.provider.answer import build
from sekisho.testkit.provider.anthropic_checks import check_prompt
from sekisho.testkit.provider.anthropic_messages import ANTHROPIC_MESSAGES
from sekisho.testkit.provider.connection import Received, Turn
from sekisho.testkit.provider.errors import HTML, openai_error
from sekisho.testkit.provider.format import Asked, Format, Refused, count
from sekisho.testkit.provider.ledger import Ledger, Served
from sekisho.testkit.provider.openai_chat import OPENAI_CHAT
from sekisho.testkit.provider.performance import Performance, http_head
from sekisho.testkit.provider.script import SCRIPTS, Script, named
from sekisho.testkit.provider.turn import AnswerTurn, PlainTurn

_FORMATS = {"chat/completions": OPENAI_CHAT, "messages": ANTHROPIC_MESSAGES}
_MODELS_SINCE = 1_760_000_000


class Responder:
    def __init__(
        self,
        ledger: Ledger,
        *,
        default: Script,
        api_key: str | None,
        strict: bool,
    ):
        self.default = default
        self.scripts = dict(SCRIPTS)
        self.queue: deque[Script] = deque()
        self._ledger = ledger
        self._api_key = api_key
        self._strict = strict
        self._run = secrets.token_hex(4)
        self._number = 0

    def respond(self, request: Received) -> Turn:
        if request.method != "POST":
            return self._plain(self._get(request))
        if request.path.endswith("/messages/count_tokens"):
            return self._guarded(ANTHROPIC_MESSAGES, request, counting=True)
        chosen = next((form for end, form in _FORMATS.items() if request.path.endswith("/" + end)), None)
        if chosen is None:
            return self._plain(self._unknown(request))
        return self._guarded(chosen, request, counting=False)

    def _guarded(self, form: Format, request: Received, *, counting: bool) -> Turn:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers}
        try:
            form.authorize(headers, self._api_key)
            body = _decoded(form, request.body)
            if counting:
                check_prompt(body)
                return self._plain(self._counted(form, form.ask(body)))
            form.check(body, self._strict)
            return self._answer(form, form.ask(body), headers)
        except Refused as refused:
            self._ledger.counts["refused"] += 1
            return self._plain(self._error(form, refused.status, refused.body))

    def _plain(self, played: Performance) -> Turn:
        return PlainTurn(played, self._ledger)

    # --- answers ---

    def _answer(self, form: Format, asked: Asked, headers: dict[str, str]) -> Turn:
        script = self._chosen(asked.model, headers.get("x-script"))
        if script.before_headers is not None:
            return self._plain(performance.silent(script))
        if script.status != 200:
            self._ledger.counts["refused"] += 1
            return self._plain(self._scripted_error(form, script, asked.model))
        answer_id = self._next_id(form)
        reply = build(script, asked, answer_id, int(time.time()))
        if asked.stream:
            head = http_head(200, (*self._identity(form), *_EVENT_STREAM))
            frames = form.frames(reply, asked, script)
            played = performance.stream(head, frames, form.error_frame, script)
        else:
            played = self._json(form, form.unary(reply, asked), script)
        served = Served(
            id=answer_id,
            dialect=form.dialect,
            model=asked.model,
            stream=asked.stream,
            completed=played.complete,
            usage=reply.usage or Usage(),
        )
        return AnswerTurn(played, served, self._ledger)

    def _chosen(self, model: str, header: str | None) -> Script:
        if self.queue:
            return self.queue.popleft()
        try:
            if header is not None:
                return msgspec.json.decode(header, type=Script)
            return named(model, self.scripts) or self.default
        except msgspec.DecodeError as error:
            message = f"scripted provider: no script can be read from {header or model!r}: {error}"
            raise Refused(400, openai_error("invalid_request_error", message)) from None

    def _counted(self, form: Format, asked: Asked) -> Performance:
        body = msgspec.json.encode({"input_tokens": max(1, count(asked.prompt))})
        return self._json(form, body, Script())

    def _json(self, form: Format, body: bytes, script: Script) -> Performance:
        head = http_head(
            200,
            (*self._identity(form), ("content-type", "application/json"), ("content-length", str(len(body)))),
        )
        return performance.unary(head, body, script)

    def _identity(self, form: Format) -> tuple[tuple[str, str], ...]:
        self._number += 1
        return ((form.request_id_header, f"req_{self._run}{self._number:08d}"), *_SAID_BY[form.dialect])

    def _next_id(self, form: Format) -> str:
        self._number += 1
        return f"{form.id_prefix}{self._run}{self._number:08d}"

    # --- errors ---

    def _scripted_error(self, form: Format, script: Script, model: str) -> Performance:
        extra: tuple[tuple[str, str], ...] = ()
        if script.retry_after is not None:
            extra = (("retry-after", f"{script.retry_after:g}"),)
        if script.html:
            head = http_head(
                script.status, (*extra, ("content-type", "text/html"), ("content-length", str(len(HTML))))
            )
            return performance.unary(head, HTML, script)
        return self._error(form, script.status, form.error(script, model), extra, script)

    def _error(
        self,
        form: Format,
        status: int,
        body: bytes,
        extra: tuple[tuple[str, str], ...] = (),
        script: Script | None = None,
    ) -> Performance:
        described = (("content-type", "application/json"), ("content-length", str(len(body))))
        head = http_head(status, (*self._identity(form), *extra, *described))
        return performance.unary(head, body, script or Script())

    def _unknown(self, request: Received) -> Performance:
        body = openai_error(
            "invalid_request_error",
            f"Unknown request URL: {request.method} {request.path}.",
            code="unknown_url",
        )
        return self._error(OPENAI_CHAT, 404, body)

    # --- GET ---

    def _get(self, request: Received) -> Performance:
        if request.path == "/_testkit/served":
            return self._json(OPENAI_CHAT, self._ledger.lines(), Script())
        if request.path == "/_testkit/counts":
            return self._json(OPENAI_CHAT, msgspec.json.encode(dict(self._ledger.counts)), Script())
        if not request.path.endswith("/models"):
            return self._unknown(request)
        if request.header("anthropic-version") is None:
            return self._json(OPENAI_CHAT, _openai_models(sorted(self.scripts)), Script())
        return self._json(ANTHROPIC_MESSAGES, _anthropic_models(sorted(self.scripts)), Script())


_EVENT_STREAM = (
    ("content-type", "text/event-stream; charset=utf-8"),
    ("cache-control", "no-cache"),
    ("transfer-encoding", "chunked"),
)
_SAID_BY = {
    OPENAI_CHAT.dialect: (
        ("openai-organization", "org-scripted"),
        ("openai-version", "2020-10-01"),
        ("openai-processing-ms", "1"),
    ),
    ANTHROPIC_MESSAGES.dialect: (("anthropic-organization-id", "00000000-0000-4000-8000-000000000000"),),
}


def _decoded(form: Format, body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refused(400, form.not_json()) from None


def _openai_models(names: list[str]) -> bytes:
    data = [
        {"id": name, "object": "model", "created": _MODELS_SINCE, "owned_by": "scripted"} for name in names
    ]
    return msgspec.json.encode({"object": "list", "data": data})


def _anthropic_models(names: list[str]) -> bytes:
    data = [
        {"type": "model", "id": name, "display_name": name, "created_at": "2025-10-09T08:53:20Z"}
        for name in names
    ]
    return msgspec.json.encode({"data": data, "has_more": False, "first_id": names[0], "last_id": names[-1]})
