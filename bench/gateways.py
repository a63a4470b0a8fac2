"""The gateways under measurement, each started in front of the same upstreams."""

import http.client
import json
import os
import secrets
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench import peers, upstreams
from bench.proc import GATEWAY_CORE, Process

HOST = "127.0.0.1"
UNARY_MODEL = "bench/canned"
LIMITED = "Sekisho, 6 limits"
"""The same gateway, by a key of a project of a team, each with limits."""
STREAM = "echo?chunk_count={events}&chunk_gap={gap}"
MORTAL_EVENTS = 200
MORTAL_GAP = 0.02
"""Seconds."""
SEKISHO_PORT = 9110
LITELLM_PORT = 9111
PORTKEY_PORT = 9112


class NotUp(Exception):
    """A gateway did not answer its first call in time."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that calls can be sent to."""

    name: str
    port: int
    path: str
    headers: dict[str, str]
    model: str
    process: Process | None
    """None: not measured (an upstream called directly)."""
    slow: bool = False
    """Answers a hundred times fewer calls than the others."""

    def body(self, **members: object) -> bytes:
        messages = [{"role": "user", "content": "How far is it to the next checkpoint?"}]
        return json.dumps({"model": self.model, "messages": messages, **members}).encode()

    def raw(self, body: bytes) -> bytes:
        """The whole HTTP request."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        head = f"POST {self.path} HTTP/1.1\r\nhost: {HOST}\r\n{lines}content-length: {len(body)}\r\n\r\n"
        return head.encode() + body

    def once(self, **members: object) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=60)
        try:
            connection.request("POST", self.path, self.body(**members), self.headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def wait(self, limit: float) -> float:
        """Until a call is answered with 200; seconds since the process started. Raises NotUp."""
        assert self.process is not None
        deadline = time.monotonic() + limit
        said: object = "no connection"
        while time.monotonic() < deadline and self.process.alive:
            try:
                status, said = self.once()
            except (OSError, http.client.HTTPException) as error:
                said = error
            else:
                if status == 200:
                    return time.monotonic() - self.process.started
            time.sleep(0.01)
        raise NotUp(f"{self.name}: {said!r}\n{self.process.tail()}")


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}", "content-type": "application/json"}


def direct() -> Subject:
    return Subject(
        "direct", upstreams.CANNED_PORT, "/v1/chat/completions", bearer("none"), "gpt-4o-mini", None
    )


def nginx(process: Process) -> Subject:
    return Subject(
        "nginx", upstreams.PROXY_PORT, "/v1/chat/completions", bearer("none"), "gpt-4o-mini", process
    )


_DOCUMENT = """\
providers:
  canned:
    like: openai-compatible
    base_url: http://127.0.0.1:{canned}/v1
    api_key: none
    models:
      bench/canned: {{upstream: gpt-4o-mini, price: {{input: 0.15, output: 0.60}}}}
  canned-claude:
    like: anthropic-compatible
    base_url: http://127.0.0.1:{canned}/claude/v1
    api_key: none
    models:
      bench/canned-claude: {{upstream: claude-haiku-4-5, price: {{input: 0.15, output: 0.60}}}}
  chat:
    like: openai-compatible
    base_url: http://127.0.0.1:{scripted}/v1
    api_key: none
    models:
{chat}
  claude:
    like: anthropic-compatible
    base_url: http://127.0.0.1:{scripted}/v1
    api_key: none
    models:
{claude}
  dead:
    like: openai-compatible
    base_url: http://127.0.0.1:{dead}/v1
    api_key: none
    models:
      bench/dead: {{upstream: gpt-4o-mini, price: {{input: 0.15, output: 0.60}}}}
  mortal:
    like: openai-compatible
    base_url: http://127.0.0.1:{mortal}/v1
    api_key: none
    models:
      bench/mortal: {{upstream: "{ticking}", price: {{input: 0.15, output: 0.60}}}}
  spare:
    like: anthropic-compatible
    base_url: http://127.0.0.1:{scripted}/v1
    api_key: none
    models:
      bench/spare: {{upstream: "{ticking}", price: {{input: 0.15, output: 0.60}}}}
{paired}
models:
  healthy-primary: {{targets: [bench/canned, bench/canned-claude]}}
  dead-primary: {{targets: [bench/dead, bench/canned]}}
  mortal-primary: {{targets: [bench/mortal, bench/spare]}}
"""
PAIRED = {
    "openai_chat": ("openai-compatible", "/v1"),
    "anthropic_messages": ("anthropic-compatible", "/v1"),
    "openai_responses": ("openai-responses-compatible", "/v1"),
    "gemini_generate": ("gemini-compatible", "/v1beta"),
    "bedrock_converse": ("bedrock-compatible", ""),
}
"""Provider's dialect -> row of the catalogue, and where the scripted provider speaks it."""
_PAIRED = """\
  pair-{dialect}:
    like: {row}
    base_url: http://127.0.0.1:{port}{path}
    api_key: none
    models:
      bench/pair-{dialect}: {{upstream: "{upstream}", price: {{input: 0.15, output: 0.60}}}}
"""
_MODEL = '      bench/{name}: {{upstream: "{upstream}", price: {{input: 0.15, output: 0.60}}}}'


@dataclass(slots=True)
class Sekisho:
    """Starts `sekisho serve` with key authentication, metering and the journal on, as they always are."""

    folder: Path
    streams: dict[str, str] = field(default_factory=dict)
    """Model name below `bench/` -> the scripted provider's model; a name with `claude` is served by the
    Anthropic format."""
    pair: str = "echo"
    """The scripted provider's model behind `bench/pair-<dialect>`."""
    key: str = ""
    _starts: int = 0

    def start(self, port: int = SEKISHO_PORT, **environment: str) -> Subject:
        """`environment`: more of it."""
        self._starts += 1
        home = self.folder / f"sekisho-{self._starts}"
        home.mkdir()
        document = home / "sekisho.yaml"
        document.write_text(self._document(), "utf-8")
        environment = {
            "SEKISHO_DATA_DIR": str(home / "data"),
            "SEKISHO_ADMIN_KEY": f"sk-bench-{secrets.token_urlsafe(24)}",
            **environment,
        }
        command = [sys.executable, "-m", "sekisho", "serve", "--config", str(document)]
        command += ["--host", HOST, "--port", str(port)]
        process = Process("sekisho", command, GATEWAY_CORE, home / "log", environment)
        self.key = environment["SEKISHO_ADMIN_KEY"]
        self._environment = environment
        return replace(self.subject(process, UNARY_MODEL), port=port)

    def create_key(self) -> None:
        """Go on with a stored key, as clients have, instead of the administrator's."""
        self.key = self._command("keys", "create", "--name", "bench")["key"]

    def limited(self, process: Process) -> Subject:
        """The same gateway by a key that belongs to a team and a project, under six limits in all."""
        limit = "--limit"
        self._command("teams", "create", "--name", "team", limit, "usd 1000000/day@Asia/Tokyo")
        month = "usd 1000000/month@Asia/Tokyo"
        self._command("projects", "create", "--name", "project", "--team", "team", limit, month)
        own = ("usd 1000000/total", "requests 1000000000/minute", "tokens 1000000000000/minute")
        options = [each for text in (*own, "concurrent 1000") for each in (limit, text)]
        made = self._command("keys", "create", "--name", "limited", "--project", "project", *options)
        subject = self.subject(process, UNARY_MODEL)
        return replace(subject, name=LIMITED, headers=bearer(made["key"]))

    def _command(self, *words: str) -> Any:
        command = [sys.executable, "-m", "sekisho", *words, "--json"]
        said = subprocess.run(
            command, env={**os.environ, **self._environment}, capture_output=True, text=True, check=True
        )
        return json.loads(said.stdout)

    def subject(self, process: Process | None, model: str) -> Subject:
        return Subject("Sekisho", SEKISHO_PORT, "/v1/chat/completions", bearer(self.key), model, process)

    def _document(self) -> str:
        chat = {name: upstream for name, upstream in self.streams.items() if "claude" not in name}
        claude = {name: upstream for name, upstream in self.streams.items() if "claude" in name}
        return _DOCUMENT.format(
            canned=upstreams.CANNED_PORT,
            scripted=upstreams.SCRIPTED_PORT,
            chat=_models(chat or {"unused": "echo"}),
            claude=_models(claude or {"unused-claude": "echo"}),
            paired=self._paired(),
            dead=upstreams.DEAD_PORT,
            mortal=upstreams.MORTAL_PORT,
            ticking=STREAM.format(events=MORTAL_EVENTS, gap=MORTAL_GAP),
        )

    def _paired(self) -> str:
        return "".join(
            _PAIRED.format(
                dialect=dialect, row=row, path=path, port=upstreams.SCRIPTED_PORT, upstream=self.pair
            )
            for dialect, (row, path) in PAIRED.items()
        )

    _environment: dict[str, str] = field(default_factory=dict)


def _models(streams: dict[str, str]) -> str:
    return "\n".join(_MODEL.format(name=name, upstream=upstream) for name, upstream in streams.items())


def litellm(folder: Path, streams: dict[str, str]) -> Subject:
    """LiteLLM's proxy with one worker and a master key."""
    key = "sk-litellm-bench"
    served = {UNARY_MODEL: ("gpt-4o-mini", upstreams.CANNED_PORT)}
    served |= {f"bench/{name}": (upstream, upstreams.SCRIPTED_PORT) for name, upstream in streams.items()}
    config = {
        "model_list": [
            {
                "model_name": name,
                "litellm_params": {
                    "model": f"openai/{upstream}",
                    "api_base": f"http://{HOST}:{port}/v1",
                    "api_key": "none",
                },
            }
            for name, (upstream, port) in served.items()
        ],
        "general_settings": {"master_key": key},
    }
    file = folder / "litellm.yaml"
    file.write_text(json.dumps(config), "utf-8")  # JSON is YAML
    command = [str(peers.LITELLM_FOLDER / "bin" / "litellm"), "--config", str(file)]
    command += ["--host", HOST, "--port", str(LITELLM_PORT), "--num_workers", "1"]
    environment = {"LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    process = Process("litellm", command, GATEWAY_CORE, folder / "litellm.log", environment)
    return Subject(
        "LiteLLM", LITELLM_PORT, "/v1/chat/completions", bearer(key), UNARY_MODEL, process, slow=True
    )


def portkey(folder: Path) -> Subject:
    """Portkey's gateway; it has no keys of its own, the provider's address comes in headers."""
    script = "node_modules/@portkey-ai/gateway/build/start-server.js"
    command = ["node", script, f"--port={PORTKEY_PORT}", "--headless"]
    environment = {"TRUSTED_CUSTOM_HOSTS": f"{HOST},localhost", "NODE_ENV": "production"}
    log = folder / "portkey.log"
    process = Process("portkey", command, GATEWAY_CORE, log, environment, peers.PORTKEY_FOLDER)
    return Subject(
        "Portkey",
        PORTKEY_PORT,
        "/v1/chat/completions",
        portkey_headers(upstreams.CANNED_PORT),
        "gpt-4o-mini",
        process,
        slow=True,
    )


def portkey_headers(port: int) -> dict[str, str]:
    address = {"x-portkey-provider": "openai", "x-portkey-custom-host": f"http://{HOST}:{port}/v1"}
    return {**bearer("none"), **address}
