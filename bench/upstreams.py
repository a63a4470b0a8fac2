"""What stands behind the gateways, and nginx as the proxy to compare with."""

import json
import shutil
import sys
from pathlib import Path

from bench.proc import GATEWAY_CORE, OTHER_CORES, Process

CANNED_PORT = 9100
PROXY_PORT = 9101
SCRIPTED_PORT = 9102
MORTAL_PORT = 9103
DEAD_PORT = 9104
"""Where nothing listens."""

COMPLETION = json.dumps(
    {
        "id": "chatcmpl-bench00000001",
        "object": "chat.completion",
        "created": 1760000000,
        "model": "gpt-4o-mini",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "関所 " + "steady pace " * 31, "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 31,
            "completion_tokens": 54,
            "total_tokens": 85,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        },
        "service_tier": "default",
        "system_fingerprint": "fp_bench",
    },
    ensure_ascii=False,
)
"""0.9 KB, what a short answer looks like."""

MESSAGE = json.dumps(
    {
        "id": "msg_bench00000001",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5",
        "content": [{"type": "text", "text": "関所 " + "steady pace " * 44}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 31,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 54,
            "service_tier": "standard",
        },
    },
    ensure_ascii=False,
)
"""The same in Anthropic's words, of about the same length."""

_COMMON = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr error;
worker_rlimit_nofile 20000;
events {{ worker_connections 18000; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 3600;
  client_max_body_size 0;
  client_body_buffer_size 2m;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
{servers}
}}
"""

_CANNED = """
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ default_type application/json; return 200 '{completion}'; }}
    location /claude/ {{ default_type application/json; return 200 '{message}'; }}
  }}
"""

_PROXY = """
  upstream canned {{ server 127.0.0.1:{canned}; keepalive 512; }}
  upstream scripted {{ server 127.0.0.1:{scripted}; keepalive 512; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    location / {{ proxy_pass http://canned; }}
    location /stream/ {{ proxy_pass http://scripted/; proxy_buffering off; }}
  }}
"""


def nginx_canned(folder: Path) -> Process:
    """nginx answering every request with the canned completion."""
    servers = _CANNED.format(
        port=CANNED_PORT, completion=COMPLETION.replace("'", ""), message=MESSAGE.replace("'", "")
    )
    return _nginx("canned", folder, servers, OTHER_CORES)


def nginx_proxy(folder: Path) -> Process:
    """nginx as a bare reverse proxy, on the gateway's core: the floor."""
    servers = _PROXY.format(port=PROXY_PORT, canned=CANNED_PORT, scripted=SCRIPTED_PORT)
    return _nginx("proxy", folder, servers, GATEWAY_CORE)


def _nginx(name: str, folder: Path, servers: str, cores: set[int]) -> Process:
    home = folder / f"nginx-{name}"
    home.mkdir()
    config = home / "nginx.conf"
    config.write_text(_COMMON.format(folder=home, servers=servers), "utf-8")
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    command = [program, "-e", "stderr", "-p", str(home), "-c", str(config)]
    return Process(f"nginx-{name}", command, cores, home / "log")


def scripted(folder: Path, port: int = SCRIPTED_PORT) -> Process:
    """The scripted provider, answering from memory."""
    command = [sys.executable, "-m", "sekisho.testkit.provider", "--port", str(port), "--canned"]
    return Process("scripted", command, OTHER_CORES, folder / f"scripted-{port}.log")
