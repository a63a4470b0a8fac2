"""A scripted provider: OpenAI's chat and Anthropic's messages on loopback, with every fault on demand."""

from sekisho.testkit.provider.connection import Received
from sekisho.testkit.provider.ledger import Aborted, Ledger, Served
from sekisho.testkit.provider.script import SCRIPTS, Script, ToolUse
from sekisho.testkit.provider.server import ScriptedProvider

__all__ = ["SCRIPTS", "Aborted", "Ledger", "Received", "Script", "ScriptedProvider", "Served", "ToolUse"]
