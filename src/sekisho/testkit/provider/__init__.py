"""A scripted provider: the providers' APIs on loopback, as strict as theirs, with every fault on demand."""

from sekisho.testkit.provider.connection import Received
from sekisho.testkit.provider.format import ACCESS_KEY_ID, SECRET_ACCESS_KEY, Credentials, Rules
from sekisho.testkit.provider.ledger import Aborted, Ledger, Served
from sekisho.testkit.provider.script import SCRIPTS, Script, ToolUse
from sekisho.testkit.provider.server import ScriptedProvider

__all__ = [
    "ACCESS_KEY_ID",
    "SCRIPTS",
    "SECRET_ACCESS_KEY",
    "Aborted",
    "Credentials",
    "Ledger",
    "Received",
    "Rules",
    "Script",
    "ScriptedProvider",
    "Served",
    "ToolUse",
]
