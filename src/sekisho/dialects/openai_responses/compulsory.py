"""Members that a response must have beside its output, as they are where nobody asked."""

from sekisho.core.contract import Members
from sekisho.wire import json

ECHOED: dict[str, object] = {
    "instructions": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "temperature": None,
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
}
"""Members that echo the request and that the official SDKs insist on."""
OF_OPENROUTER: dict[str, object] = {"completed_at": None, "presence_penalty": None, "frequency_penalty": None}
"""What OpenRouter's document demands on top: answers below `/api/v1` have it."""
MISSING: Members = {
    name: json.raw(value)
    for name, value in {"error": None, "incomplete_details": None, **ECHOED, **OF_OPENROUTER}.items()
}
"""What a response that passes through is given there, where its provider sent none."""
