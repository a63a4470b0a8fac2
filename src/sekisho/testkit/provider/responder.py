"""Which answer a request gets: script, checks and format put together."""

import secrets
import time
from collections import deque
from typing import Any

import msgspec

from sekisho.core.reply import Reply
from sekisho.core.usage import Usage
from sekisho.testkit.provider import performance
from sekisho.testkit.provider.answer import build
from sekisho.testkit.provider.connection import Received, Turn
from sekisho.testkit.provider.errors import HTML, openai_error
from sekisho.testkit.provider.format import Asked, Credentials, Format, Refused, Rules, count
from sekisho.testkit.provider.kept import Kept
from sekisho.testkit.provider.ledger import Ledger, Served
from sekisho.testkit.provider.models_list import anthropic_models, google_models, openai_models
from sekisho.testkit.provider.openai_chat import OPENAI_CHAT
from sekisho.testkit.provider.paths import Place, find
from sekisho.testkit.provider.performance import Performance, http_head
from sekisho.testkit.provider.script import SCRIPTS, Script, named
from sekisho.testkit.provider.turn import AnswerTurn, PlainTurn


class Responder:
    def __init__(
        self,
        ledger: Ledger,
        *,
        default: Script,
        credentials: Credentials,
        rules: Rules,
    ):
        self.default = default
        self.credentials = credentials
        self.rules = rules
        self.scripts = dict(SCRIPTS)
        self.queue: deque[Script] = deque()
        self._ledger = ledger
        self._kept = Kept()
        self._run = secrets.token_hex(4)
        self._number = 0

    def respond(self, request: Received) -> Turn:
        if request.path.startswith("/_testkit/"):
            return self._plain(self._told(request))
        place = find(request)
        if place is None:
            return self._plain(self._unknown(request))
        if place.operation == "models":
            body = _MODELS.get(place.form.dialect, openai_models)(sorted(self.scripts))
            return self._plain(self._json(place.form, body, Script()))
        try:
            place.form.authorize(request, self.credentials)
            return self._operate(place, request)
        except Refused as refused:
            self._ledger.counts["refused"] += 1
            return self._plain(self._error(place.form, refused))

    def _operate(self, place: Place, request: Received) -> Turn:
        form = place.form
        if place.operation == "kept":
            told = self._kept.serve(request.method, place.kept, place.detail)
            return self._plain(self._json(form, msgspec.json.encode(told), Script()))
        body = _decoded(form, request.body)
        if form.remembers:
            body = self._kept.joined(body, self.rules)
        if place.operation == "count" and form.counting is not None:
            asked = form.ask(form.counting.unwrap(body, self.rules), place.path)
            counted = form.counting.write(max(1, count(asked.prompt)))
            return self._plain(self._json(form, counted, Script()))
        form.check(body, self.rules)
        return self._answer(form, form.ask(body, place.path), request.header("x-script"))

    def _plain(self, played: Performance) -> Turn:
        return PlainTurn(played, self._ledger)

    # --- answers ---

    def _answer(self, form: Format, asked: Asked, header: str | None) -> Turn:
        script = self._chosen(asked, header)
        if script.before_headers is not None:
            return self._plain(performance.silent(script))
        if script.status != 200:
            self._ledger.counts["refused"] += 1
            return self._plain(self._scripted_error(form, script, asked))
        answer_id = self._next_id(form)
        reply = build(script, asked, answer_id, int(time.time()))
        if form.remembers:
            self._kept.keep(reply, asked)
        if asked.stream:
            played = self._stream(form, reply, asked, script)
        else:
            played = self._json(form, form.unary(reply, asked), script, answer_id)
        served = Served(
            id=answer_id,
            dialect=form.dialect,
            model=asked.model,
            stream=asked.stream,
            completed=played.complete,
            usage=form.booked(reply.usage or Usage()),
        )
        return AnswerTurn(played, served, self._ledger)

    def _stream(self, form: Format, reply: Reply, asked: Asked, script: Script) -> Performance:
        described = (
            ("content-type", form.stream_type),
            ("cache-control", "no-cache"),
            ("transfer-encoding", "chunked"),
        )
        head = http_head(200, (*self._identity(form, reply.id), *described))
        frames = form.frames(reply, asked, script)
        return performance.stream(head, frames, form.faults(reply, asked, script), script)

    def _chosen(self, asked: Asked, header: str | None) -> Script:
        if self.queue:
            return self.queue.popleft()
        try:
            if header is not None:
                return msgspec.json.decode(header, type=Script)
            return named(asked.model, self.scripts) or self.default
        except msgspec.DecodeError as error:
            message = f"scripted provider: no script can be read from {header or asked.model!r}: {error}"
            raise Refused(400, openai_error("invalid_request_error", message)) from None

    def _json(self, form: Format, body: bytes, script: Script, answer_id: str = "") -> Performance:
        described = (("content-type", "application/json"), ("content-length", str(len(body))))
        head = http_head(200, (*self._identity(form, answer_id), *described))
        return performance.unary(head, body, script)

    def _identity(self, form: Format, answer_id: str = "") -> tuple[tuple[str, str], ...]:
        self._number += 1
        request_id = f"req_{self._run}{self._number:08d}"
        if form.id_in_header:
            request_id = answer_id or self._next_id(form)
        return ((form.request_id_header, request_id), *form.said)

    def _next_id(self, form: Format) -> str:
        self._number += 1
        return form.id_form.format(run=self._run, number=self._number)

    # --- errors ---

    def _scripted_error(self, form: Format, script: Script, asked: Asked) -> Performance:
        if not script.html:
            return self._error(form, form.error(script, asked), script)
        extra: tuple[tuple[str, str], ...] = ()
        if script.retry_after is not None:
            extra = (("retry-after", f"{script.retry_after:g}"),)
        described = (("content-type", "text/html"), ("content-length", str(len(HTML))))
        return performance.unary(http_head(script.status, (*extra, *described)), HTML, script)

    def _error(self, form: Format, refused: Refused, script: Script | None = None) -> Performance:
        body = refused.body
        described = (("content-type", refused.content_type), ("content-length", str(len(body))))
        head = http_head(refused.status, (*self._identity(form), *refused.headers, *described))
        return performance.unary(head, body, script or Script())

    def _unknown(self, request: Received) -> Performance:
        body = openai_error(
            "invalid_request_error",
            f"Unknown request URL: {request.method} {request.path}.",
            code="unknown_url",
        )
        return self._error(OPENAI_CHAT, Refused(404, body))

    def _told(self, request: Received) -> Performance:
        """What the test kit itself is asked."""
        if request.path == "/_testkit/served":
            return self._json(OPENAI_CHAT, self._ledger.lines(), Script())
        if request.path == "/_testkit/counts":
            return self._json(OPENAI_CHAT, msgspec.json.encode(dict(self._ledger.counts)), Script())
        return self._unknown(request)


_MODELS = {"anthropic_messages": anthropic_models, "gemini_generate": google_models}


def _decoded(form: Format, body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise form.not_json() from None
