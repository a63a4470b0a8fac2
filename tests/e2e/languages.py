"""A call in each of the five API languages, as bytes that a plain HTTP client sends."""

from typing import Any, NamedTuple
from urllib.parse import quote

TEXT = "関所はどこですか"
PROVIDERS = {
    "openai_chat": "oai",
    "openai_responses": "rsp",
    "anthropic_messages": "ant",
    "gemini_generate": "gem",
    "bedrock_converse": "brk",
}
"""Dialect -> its provider in the document of `live`."""


class Call(NamedTuple):
    path: str
    body: dict[str, Any]


def call(dialect: str, model: str, *, stream: bool) -> Call:
    """What a client of the dialect sends to ask the model."""
    named = {"model": model, **({"stream": True} if stream else {})}
    user = {"role": "user", "content": TEXT}
    match dialect:
        case "openai_chat":
            return Call("/v1/chat/completions", {**named, "messages": [user]})
        case "openai_responses":
            return Call("/v1/responses", {**named, "input": TEXT, "store": False})
        case "anthropic_messages":
            return Call("/v1/messages", {**named, "max_tokens": 500, "messages": [user]})
        case "gemini_generate":
            ending = "streamGenerateContent?alt=sse" if stream else "generateContent"
            contents = [{"role": "user", "parts": [{"text": TEXT}]}]
            return Call(f"/v1beta/models/{quote(model)}:{ending}", {"contents": contents})
        case _:
            ending = "converse-stream" if stream else "converse"
            messages = [{"role": "user", "content": [{"text": TEXT}]}]
            return Call(f"/model/{quote(model, safe='')}/{ending}", {"messages": messages})
