"""What answers in the demo: the providers whose keys are here, a small model on this machine, or a script."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sekisho.core.route import Snapshot
from sekisho.providers import catalog
from sekisho.routing.discover import discover
from sekisho.testkit.provider import Script, ScriptedProvider
from sekisho.testkit.small_model import SmallModel

PREFERRED = ("gpt-5-nano", "gpt-4o-mini", "claude-haiku-4.5", "deepseek-chat", "kimi-k2", "qwen-flash")
"""Quick and inexpensive; the first that a provider serves is taken."""
SCRIPTED_TEXT = (
    "You have reached the checkpoint. 関所へようこそ。 This answer is a script: it came through the gateway "
    "event by event, was counted, and is on the books."
)
SCRIPTED_MODEL = "demo/scripted"
LOCAL_MODEL = "local/smollm2-135m"


@dataclass(frozen=True, slots=True)
class Backend:
    label: str
    """For people."""
    model: str
    """The name to call it by, through the gateway."""
    document: str | None
    """The configuration document; None: discovered from the environment."""
    priced: bool


def discovered(environment: Mapping[str, str], wanted: str | None) -> Backend | None:
    """The providers that the environment has keys for; None where there is none that serves a known model."""
    snapshot = discover(catalog.load(), environment)
    model = wanted or _choose(snapshot)
    if not snapshot.providers or model is None:
        return None
    labels = ", ".join(provider.label for provider in snapshot.providers.values())
    return Backend(f"{labels} (keys from the environment)", model, None, priced=True)


def _choose(snapshot: Snapshot) -> str | None:
    for slug in PREFERRED:
        for name in snapshot.routes:
            if name.partition("/")[2] == slug:
                return name
    return next(iter(snapshot.routes), None)


@asynccontextmanager
async def small_model() -> AsyncIterator[Backend]:
    """A real model on loopback. Raises ModelMissing, which says what to install."""
    async with SmallModel() as running:
        text = _document(running.openai_base_url, LOCAL_MODEL, running.model)
        yield Backend("SmolLM2 135M on this machine", LOCAL_MODEL, text, priced=False)


@asynccontextmanager
async def scripted() -> AsyncIterator[Backend]:
    script = Script(text=SCRIPTED_TEXT, first_token_delay=0.15, chunk_gap=0.03)
    async with ScriptedProvider(script) as running:
        text = _document(running.openai_base_url, SCRIPTED_MODEL, "scripted")
        yield Backend("scripted provider, no model", SCRIPTED_MODEL, text, priced=False)


def _document(base_url: str, model: str, upstream: str) -> str:
    return (
        "providers:\n"
        "  local:\n"
        "    like: openai-compatible\n"
        f"    base_url: {base_url}\n"
        "    api_key: none\n"
        "    models:\n"
        f"      {model}: {{upstream: {upstream}}}\n"
    )
