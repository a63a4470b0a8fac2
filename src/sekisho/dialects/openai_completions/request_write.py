"""The hub's request as a legacy Completions body.

Which template a model was trained with is the server's secret here: nothing but what a user says in words
can be put into a prompt honestly. Roles, earlier turns, tools, images and formats are named as lost content.
"""

from sekisho.core.contract import Members, TargetFacts, Written
from sekisho.core.loss import Losses
from sekisho.core.message import Message, Text
from sekisho.core.request import Request
from sekisho.dialects.openai_completions.request import PROMPT_LIST, TOP_K
from sekisho.dialects.openai_completions.schema import NAME, own, spread
from sekisho.wire import json, openai_streaming

_UNSAID = (
    "tool_choice",
    "parallel_tool_calls",
    "reasoning",
    "service_tier",
    "cache",
    "metadata",
    "cache_key",
)
_KNOBS = ("temperature", "top_p", "seed", "presence_penalty", "frequency_penalty", "logit_bias")


def write(request: Request, target: TargetFacts) -> Written:
    """The body for `target`, and what of the request it cannot say."""
    losses = Losses(NAME)
    kept = own(request.vendor)
    losses.foreign("", request.vendor, request.required)
    body: dict[str, object] = {"model": target.model}
    if "prompt" not in kept:
        prompt = _prompt(request, losses)
        body["prompt"] = [prompt] if PROMPT_LIST in kept else prompt
    body |= _limits(request)
    body |= _sampling(request, kept, target, losses)
    _name_the_rest(request, losses)
    rest = spread(request.vendor)
    body |= openai_streaming.write(request, rest.pop(openai_streaming.NAME, None), target)
    return Written(body=json.encode({**body, **rest}), losses=tuple(losses.found))


def _prompt(request: Request, losses: Losses) -> str:
    """What the user says last; everything else is lost."""
    users = [at for at, message in enumerate(request.messages) if message.role == "user"]
    prompt = ""
    for at, message in enumerate(request.messages):
        path = f"messages.{at}"
        losses.foreign(path, message.vendor)
        if users and at == users[-1]:
            prompt = _said(message, path, losses)
        else:
            losses.content(path, f"a prompt has no roles and no turns, so none of the {message.role}'s")
    return prompt


def _said(message: Message, path: str, losses: Losses) -> str:
    if message.name is not None:
        losses.knob(f"{path}.name", "a prompt has no names")
    texts: list[str] = []
    for number, part in enumerate(message.parts):
        place = f"{path}.parts.{number}"
        if not isinstance(part, Text):
            losses.content(place, "a prompt is text and nothing else")
            continue
        if part.cache is not None:
            losses.knob(f"{place}.cache", "a prompt takes no cache marks")
        losses.foreign(place, part.vendor)
        texts.append(part.text)
    return "\n".join(texts)


def _limits(request: Request) -> dict[str, object]:
    found: dict[str, object] = {}
    if request.max_tokens is not None:
        found["max_tokens"] = request.max_tokens
    if request.stop:
        found["stop"] = list(request.stop)
    if request.choices is not None:
        found["n"] = request.choices
    if request.user is not None:
        found["user"] = request.user
    return found


def _sampling(request: Request, kept: Members, target: TargetFacts, losses: Losses) -> dict[str, object]:
    sampling = request.sampling
    found = {name: value for name in _KNOBS if (value := getattr(sampling, name)) is not None}
    if sampling.top_k is not None:
        if TOP_K in kept or "top_k" in target.extensions:
            found["top_k"] = sampling.top_k
        else:
            losses.knob("sampling.top_k", "OpenAI's API has no such knob")
    if sampling.logprobs:
        found["logprobs"] = sampling.top_logprobs or 0
    if sampling.verbosity is not None:
        losses.knob("sampling.verbosity", "Completions has no such knob")
    return found


def _name_the_rest(request: Request, losses: Losses) -> None:
    for index in range(len(request.tools)):
        losses.content(f"tools.{index}", "Completions has no tools")
    if request.output is not None and request.output.kind != "text":
        losses.content("output", "Completions has no formats of answers")
    losses.unsaid(request, _UNSAID, "Completions has no such knob")
