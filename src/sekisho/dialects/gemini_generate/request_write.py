"""The hub's request as a body of Google's: compact, camelCase, and the same bytes for the same request."""

from sekisho.core.contract import Members, TargetFacts, Written
from sekisho.core.request import OutputFormat, Request
from sekisho.dialects.gemini_generate import contents_write, thinking, tools
from sekisho.dialects.gemini_generate.models import rules
from sekisho.dialects.gemini_generate.parts_write import Item, Writing
from sekisho.dialects.gemini_generate.request import CONFIG, SCHEMA
from sekisho.dialects.gemini_generate.routes import resource
from sekisho.dialects.gemini_generate.schema import own, spread
from sekisho.wire.json import encode, members_of

MOST_STOPS = 5
"""`stopSequences` takes no more (https://ai.google.dev/api/generate-content, 2026-11)."""

_SAMPLING = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
    "logprobs": "responseLogprobs",
    "top_logprobs": "logprobs",
}
_NO_KNOBS = ("logit_bias", "verbosity")
_TIERS = {
    "default": "standard",
    "standard": "standard",
    "standard_only": "standard",
    "flex": "flex",
    "priority": "priority",
}


def write(request: Request, target: TargetFacts) -> Written:
    """The body for `target`, and what it could not say.

    It repeats the model of the path, as clients made from Google's interface descriptions do (Go's, 2026-11):
    a count of tokens that is made from the body must name it.
    """
    writing = Writing(rules(target.model))
    kept = own(request.vendor)
    body: Item = {"model": resource(target.model)}
    instruction = contents_write.write_instruction(request.messages, writing)
    if instruction is not None:
        body["systemInstruction"] = instruction
    offered = tools.write(request.tools, writing)
    if offered:
        body["tools"] = offered
    body |= tools.write_choice(request.tool_choice, kept)
    body["contents"] = contents_write.write_contents(request.messages, writing)
    config = _config(request, kept, writing)
    if config:
        body[CONFIG] = config
    _rest(body, request, writing)
    return Written(body=encode(body), losses=tuple(writing.found))


def _config(request: Request, kept: Members, writing: Writing) -> Item:
    config: Item = {}
    if request.max_tokens is not None:
        config["maxOutputTokens"] = request.max_tokens
    if request.stop:
        config["stopSequences"] = list(request.stop[:MOST_STOPS])
    if len(request.stop) > MOST_STOPS:
        writing.knob("stop", f"Gemini takes {MOST_STOPS} stop sequences; the first were sent")
    if request.choices is not None:
        config["candidateCount"] = request.choices
    for name, member in _SAMPLING.items():
        value = getattr(request.sampling, name)
        if value is not None:
            config[member] = value
    for name in _NO_KNOBS:
        if getattr(request.sampling, name) is not None:
            writing.knob(f"sampling.{name}", "Gemini has no such parameter")
    config |= _output(request.output, kept)
    thoughts = thinking.write(request.reasoning, kept, writing.rules, writing)
    if thoughts:
        config["thinkingConfig"] = thoughts
    rest = kept.get(CONFIG)
    return config if rest is None else {**config, **members_of(rest)}


def _output(output: OutputFormat | None, kept: Members) -> Item:
    if output is None:
        return {}
    if output.kind == "text":
        return {"responseMimeType": "text/plain"}
    found: Item = {"responseMimeType": "application/json"}
    if output.kind == "json_schema":
        if SCHEMA in kept:
            found["responseSchema"] = kept[SCHEMA]
        else:
            found["responseJsonSchema"] = output.schema
    return found


def _rest(body: Item, request: Request, writing: Writing) -> None:
    if request.parallel_tool_calls is False:
        writing.knob("parallel_tool_calls", "Gemini decides itself whether to call several functions at once")
    writing.unsaid(request, ("user", "metadata"), "Gemini has no place for it")
    writing.unsaid(request, ("cache", "cache_key"), "Gemini caches prefixes by itself")
    tier = request.service_tier
    if tier is not None:
        if tier in _TIERS:
            body["serviceTier"] = _TIERS[tier]
        else:
            writing.knob("service_tier", "Gemini takes standard, flex and priority")
    for name, raw in spread(request.vendor).items():
        if name not in (CONFIG, "thinkingConfig"):
            body[name] = raw
    writing.foreign("", request.vendor, request.required)
