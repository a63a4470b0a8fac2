"""Coding agents, as their makers ship them: one answer in words, and one turn with a tool, each against every
provider's language."""

from pathlib import Path

import pytest
from tests.clients.conftest import INSTALLED, PROVIDERS, calling
from tests.clients.program import run
from tests.e2e.live import Live

pytestmark = pytest.mark.asyncio(loop_scope="module")
CLAUDE = next(INSTALLED.glob("@anthropic-ai/claude-code-*/claude"), Path("claude"))
CODEX = next(INSTALLED.glob("@openai/codex-*/vendor/*/bin/codex"), Path("codex"))
SHELL = '{"command": "echo open > gate.txt", "description": "Open the gate"}'
EXEC = '{"cmd": "echo open > gate.txt", "command": ["sh", "-c", "echo open > gate.txt"]}'
CONFIG = """
model = "{model}"
model_provider = "sekisho"
web_search = "disabled"
approval_policy = "never"
sandbox_mode = "danger-full-access"
[model_providers.sekisho]
name = "Sekisho"
base_url = "{url}/v1"
env_key = "SEKISHO_KEY"
wire_api = "responses"
"""


async def claude(live: Live, home: Path, model: str, *more: str) -> str:
    environment = {
        "ANTHROPIC_BASE_URL": live.url,
        "ANTHROPIC_AUTH_TOKEN": live.key,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_TELEMETRY": "1",
        "ANTHROPIC_SMALL_FAST_MODEL": "ant/hello",
    }
    return await run([str(CLAUDE), "-p", "Open the gate", "--model", model, *more], home, environment)


async def codex(live: Live, home: Path, model: str) -> str:
    folder = home / ".codex"
    folder.mkdir()
    (folder / "config.toml").write_text(CONFIG.format(model=model, url=live.url), encoding="utf-8")
    command = [str(CODEX), "exec", "--skip-git-repo-check", "Open the gate"]
    return await run(command, home, {"SEKISHO_KEY": live.key})


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_claude_code_gets_its_answer(live: Live, home: Path, provider: str) -> None:
    assert (await claude(live, home, f"{provider}/hello")).strip() == "Hello! How can I help you today?"


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_claude_code_runs_a_tool(live: Live, home: Path, provider: str) -> None:
    live.provider.responder.scripts["claude-tool"] = calling("Bash", SHELL)
    said = await claude(live, home, f"{provider}/claude-tool", "--allowedTools", "Bash")
    assert said.strip() == "The gate is open."
    assert (home / "gate.txt").read_text() == "open\n"


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_codex_gets_its_answer(live: Live, home: Path, provider: str) -> None:
    assert "Hello! How can I help you today?" in await codex(live, home, f"{provider}/hello")


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_codex_runs_a_tool(live: Live, home: Path, provider: str) -> None:
    live.provider.responder.scripts["codex-tool"] = calling("exec_command", EXEC)
    assert "The gate is open." in await codex(live, home, f"{provider}/codex-tool")
    assert (home / "gate.txt").read_text() == "open\n"
