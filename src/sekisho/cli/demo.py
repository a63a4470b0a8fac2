"""`sekisho demo`: a gateway in front of something real, one streamed call in each dialect, and what next."""

import asyncio
import http.client
import json
import os
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from sekisho.cli import demo_backend, streaming
from sekisho.cli.demo_backend import Backend
from sekisho.cli.demo_gateway import HOST, DemoGateway, GatewayFailed, free_port
from sekisho.cli.streaming import CallFailed, Kind, Outcome
from sekisho.testkit.small_model import ModelMissing

PROMPT = "In one or two sentences: what was a checkpoint on an old trade road for?"
MAX_TOKENS = 120
TITLES: dict[Kind, str] = {"chat": "OpenAI chat completions", "messages": "Anthropic messages"}


def demo(
    *,
    scripted: Annotated[bool, typer.Option(help="answer from a script instead of a model")] = False,
    port: Annotated[int, typer.Option(help="the gateway's port; another one where it is taken")] = 4000,
    once: Annotated[bool, typer.Option(help="end after the two calls")] = False,
    model: Annotated[str | None, typer.Option(help="the model to call, of those discovered")] = None,
    prompt: Annotated[str, typer.Option(help="what to ask")] = PROMPT,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document instead of prose")] = False,
) -> None:
    """Start a gateway in front of a real model, call it in both dialects, and stay up."""
    console = Console(stderr=as_json, quiet=as_json, highlight=False)
    show = _Show(console, as_json=as_json)
    try:
        asyncio.run(_run(show, scripted=scripted, port=port, once=once, asked=(model, prompt)))
    except (ModelMissing, GatewayFailed, CallFailed) as error:
        Console(stderr=True, highlight=False).print(f"[red]The demo could not go on:[/] {error}")
        raise typer.Exit(1) from None
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("\nStopped; everything it made is gone.")


class _Show:
    """What the demo says, for people or as one JSON document."""

    def __init__(self, console: Console, *, as_json: bool):
        self.console = console
        self._as_json = as_json

    def done(self, what: str, detail: str) -> None:
        self.console.print(f"[green]✓[/] {what:<16} {detail}")

    def title(self, kind: Kind, prompt: str) -> None:
        self.console.print(f"\n[bold]{TITLES[kind]}[/]  [dim]POST {streaming.PATHS[kind]}[/]")
        self.console.print(Text(f"› {prompt}", style="dim"))

    def piece(self, text: str) -> None:
        self.console.print(Text(text, style="cyan"), end="", soft_wrap=True)

    def outcome(self, outcome: Outcome, cost: str) -> None:
        first = "-" if outcome.first_token_ms is None else f"{outcome.first_token_ms} ms"
        self.console.print(
            f"\n[dim]{outcome.input_tokens} tokens in, {outcome.output_tokens} out · {cost} · "
            f"first token {first} · total {outcome.total_ms} ms · {outcome.call_id}[/]",
            soft_wrap=True,
        )

    def end(self, report: dict[str, Any], *, once: bool) -> None:
        if self._as_json:
            typer.echo(json.dumps(report, ensure_ascii=False))
            return
        self.console.print("\n[bold]Point your tools here[/]")
        self.console.print(_directions(report), soft_wrap=True)  # lines stay whole, to be copied
        if not once:
            self.console.print("\nThe gateway stays up. Ctrl-C ends it and removes what it made.")


def _directions(report: dict[str, Any]) -> Text:
    url, key, model = report["url"], report["key"], report["model"]
    return Text(
        f'OpenAI SDK      OpenAI(base_url="{url}/v1", api_key="{key}")\n'
        f'Anthropic SDK   Anthropic(base_url="{url}", api_key="{key}")\n'
        f"Claude Code     ANTHROPIC_BASE_URL={url} ANTHROPIC_AUTH_TOKEN={key} "
        f"ANTHROPIC_MODEL={model} claude\n"
        f"curl            curl {url}/v1/models -H 'Authorization: Bearer {key}'\n"
        f"Model           {model}"
    )


async def _run(show: _Show, *, scripted: bool, port: int, once: bool, asked: tuple[str | None, str]) -> None:
    model, prompt = asked
    _stop_on_terminate()
    async with AsyncExitStack() as stack:
        backend = await _backend(show, stack, scripted=scripted, model=model)
        with show.console.status("Starting the gateway ..."):
            gateway = await stack.enter_async_context(DemoGateway(backend.document, free_port(port)))
            show.done("gateway is up", f"{gateway.url} ({gateway.seconds:.1f} s)")
            key = await gateway.create_key("demo")
            show.done("key is made", "name `demo`")
        report: dict[str, Any] = {
            "url": gateway.url,
            "key": key,
            "model": backend.model,
            "backend": backend.label,
            "gateway_seconds": round(gateway.seconds, 3),
            "calls": [],
        }
        for kind in TITLES:
            show.title(kind, prompt)
            outcome = await _call(gateway, key, (kind, backend.model, prompt), show.piece)
            cost = await asyncio.to_thread(_cost, gateway.port, key, outcome.call_id)
            show.outcome(outcome, _cost_said(backend, cost))
            told = {name: value for name, value in asdict(outcome).items() if name != "headers"}
            report["calls"].append({**told, "cost_usd": cost if backend.priced else None})
        show.end(report, once=once)
        if not once and await gateway.wait():
            raise GatewayFailed("the gateway ended by itself")


async def _backend(show: _Show, stack: AsyncExitStack, *, scripted: bool, model: str | None) -> Backend:
    if scripted:
        backend = await stack.enter_async_context(demo_backend.scripted())
    else:
        found = demo_backend.discovered(os.environ, model)
        if found is None:
            with show.console.status("Loading a small model (135 million parameters, 98 MB) ..."):
                found = await stack.enter_async_context(demo_backend.small_model())
        backend = found
    show.done("answers come from", backend.label)
    return backend


async def _call(
    gateway: DemoGateway, key: str, asked: tuple[Kind, str, str], piece: Callable[[str], None]
) -> Outcome:
    kind, model, prompt = asked
    body = streaming.body(kind, model, prompt, MAX_TOKENS)
    return await asyncio.to_thread(streaming.call, HOST, gateway.port, key, (kind, body), piece)


def _cost(port: int, key: str, call_id: str) -> float:
    """What the books say of the call, in USD."""
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request(
            "GET", f"/api/v1/generation?id={call_id}", headers={"authorization": f"Bearer {key}"}
        )
        answer = connection.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise CallFailed(f"the books do not know the call {call_id}: {said.decode('utf-8', 'replace')}")
        return float(json.loads(said)["data"]["total_cost"])
    finally:
        connection.close()


def _cost_said(backend: Backend, cost: float) -> str:
    if not backend.priced:
        return "local, no price"
    return f"{cost:.6f} USD" if cost else "unpriced: no price is known for this model"


def _stop_on_terminate() -> None:
    """SIGTERM ends the demo as Ctrl-C does."""
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
