"""Where a provider deviates from the dialect it speaks: named data, and small pure functions.

A quirk works on the top-level members of a request that is about to be sent, after the dialect wrote
it or the splice patched it; values that it does not concern keep their bytes. Only deviations with a
page to show for it stand here.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec

from sekisho.core.contract import Members
from sekisho.wire import json

Apply = Callable[[Members], bool]
"""Changes the members in place; returns whether it did."""

_messages = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_SYSTEM = json.raw("system")
_DEVELOPER = json.raw("developer")


@dataclass(frozen=True, slots=True)
class Quirk:
    name: str
    reason: str
    source: str
    """Page that says so, and the day it was read."""
    dialects: tuple[str, ...] | None = ("openai_chat",)
    """Whose members it is about: it leaves alone what else the provider speaks. None: it holds for all."""
    apply: Apply | None = None
    drops: tuple[str, ...] = ()
    """Tuning knobs that the provider refuses. They are taken out of the request."""
    count_stream_usage: bool = True
    """False: the provider counts a stream without being asked, and refuses to be asked."""
    needs_done: bool = True
    """False: the provider's streams end without `[DONE]`, after a finish reason."""
    extensions: tuple[str, ...] = ()
    """Members beyond the dialect's published ones that the provider takes (`TargetFacts.extensions`)."""
    opens_seals: bool = False
    """The provider is another Sekisho, which opens sealed signatures itself."""


@dataclass(frozen=True, slots=True)
class Quirks:
    """All quirks of one endpoint, worked out once."""

    names: tuple[str, ...] = ()
    drops: frozenset[str] = frozenset()
    """Members that `apply` takes out: what the client is told that it lost, where it sent them."""
    count_stream_usage: bool = True
    needs_done: bool = True
    extensions: frozenset[str] = frozenset()
    """For `TargetFacts.extensions`."""
    changes: tuple[Apply, ...] = ()
    opens_seals: bool = False

    @property
    def applies(self) -> bool:
        """Whether a request must be decoded into members at all for these quirks."""
        return bool(self.changes or self.drops)

    def apply(self, members: Members) -> bool:
        """Adapt a request in place; returns whether anything changed."""
        changed = False
        for name in self.drops & members.keys():
            del members[name]
            changed = True
        for change in self.changes:
            changed = change(members) or changed
        return changed


def resolve(names: Iterable[str], dialect: str | None = None) -> Quirks:
    """The quirks of an endpoint as one record: those that are about `dialect`, or all of them. Raises
    KeyError for a name that is not in `QUIRKS`."""
    known = [QUIRKS[name] for name in dict.fromkeys(names)]
    found = [quirk for quirk in known if not (dialect and quirk.dialects) or dialect in quirk.dialects]
    if not found:
        return _NONE
    return Quirks(
        names=tuple(quirk.name for quirk in found),
        drops=frozenset(name for quirk in found for name in quirk.drops),
        count_stream_usage=all(quirk.count_stream_usage for quirk in found),
        needs_done=all(quirk.needs_done for quirk in found),
        extensions=frozenset(name for quirk in found for name in quirk.extensions),
        changes=tuple(quirk.apply for quirk in found if quirk.apply is not None),
        opens_seals=any(quirk.opens_seals for quirk in found),
    )


def _renaming(old: str, new: str) -> Apply:
    def rename(members: Members) -> bool:
        value = members.pop(old, None)
        if value is None:
            return False
        members.setdefault(new, value)
        return True

    return rename


def _speak_voyage(members: Members) -> bool:
    renamed = [_renaming("top_n", "top_k")(members), _renaming("dimensions", "output_dimension")(members)]
    return any(renamed)


def _drop_stream_options(members: Members) -> bool:
    return members.pop("stream_options", None) is not None


def _editing_messages(mark: bytes, edit: Callable[[dict[str, msgspec.Raw]], bool]) -> Apply:
    """An edit of every message. Requests without `mark` in their bytes are not decoded."""

    def change(members: Members) -> bool:
        raw = members.get("messages")
        if raw is None or mark not in bytes(raw):
            return False
        try:
            messages = _messages.decode(raw)
        except msgspec.DecodeError:
            return False  # a malformed list is the provider's to refuse, in its own words
        changed = [edit(message) for message in messages]
        if not any(changed):
            return False
        members["messages"] = json.raw(messages)
        return True

    return change


def _call_developer_system(message: dict[str, msgspec.Raw]) -> bool:
    if message.get("role") != _DEVELOPER:
        return False
    message["role"] = _SYSTEM
    return True


def _drop_name(message: dict[str, msgspec.Raw]) -> bool:
    return message.pop("name", None) is not None


_NONE = Quirks()
_ALL = (
    Quirk(
        name="max_completion_tokens",
        reason="max_tokens is deprecated, and the reasoning models refuse it",
        source="https://platform.openai.com/docs/api-reference/chat/create 2026-11-22; Model Studio: "
        "https://www.alibabacloud.com/en/notice/model_studio_notice_of_changes_to_certain_model_fields_724",
        apply=_renaming("max_tokens", "max_completion_tokens"),
    ),
    Quirk(
        name="max_tokens",
        reason="max_completion_tokens is unknown: refused, or ignored together with the limit it sets",
        source="https://github.com/editor-code-assistant/eca/issues/315 (Mistral), "
        "https://api-docs.deepseek.com/api/create-chat-completion, "
        "https://docs.ollama.com/api/openai-compatibility, "
        "https://manual.sakura.ad.jp/api/cloud/ai-engine/inference.html 2026-11-22",
        apply=_renaming("max_completion_tokens", "max_tokens"),
    ),
    Quirk(
        name="no_stream_options",
        reason="stream_options is refused (422); the last event of a stream brings the usage anyway",
        source="https://github.com/openai/openai-agents-python/issues/442, "
        "https://strandsagents.com/docs/user-guide/concepts/model-providers/cohere 2026-11-22",
        apply=_drop_stream_options,
        count_stream_usage=False,
    ),
    Quirk(
        name="no_done",
        reason="streams end without [DONE]",
        source="https://github.com/perplexityai/api-discussion/issues/209 2026-11-22",
        needs_done=False,
    ),
    Quirk(
        name="developer_as_system",
        reason="the role developer is unknown",
        source="https://inference-docs.cerebras.ai/resources/openai, https://docs.mistral.ai/api; "
        "error texts of DeepSeek and Model Studio (num-scope/pix#34, haru/redmine_ai_helper#242) 2026-11-22",
        apply=_editing_messages(b'"developer"', _call_developer_system),
    ),
    Quirk(
        name="no_message_names",
        reason="messages[].name is refused (400)",
        source="https://console.groq.com/docs/openai 2026-11-22",
        apply=_editing_messages(b'"name"', _drop_name),
    ),
    Quirk(
        name="no_logprobs",
        reason="logprobs, top_logprobs and logit_bias are refused (400)",
        source="https://console.groq.com/docs/openai 2026-11-22",
        drops=("logprobs", "top_logprobs", "logit_bias"),
    ),
    Quirk(
        name="no_penalties",
        reason="presence_penalty and frequency_penalty are refused by reasoning models",
        source="https://docs.x.ai/docs/guides/reasoning 2026-11-22",
        drops=("presence_penalty", "frequency_penalty"),
    ),
    Quirk(
        name="takes_top_k",
        reason="top_k is taken although OpenAI's API has no such member",
        source="https://docs.vllm.ai/en/stable/serving/openai_compatible_server, "
        "https://openrouter.ai/docs/api_reference/parameters, "
        "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md 2026-11-22",
        extensions=("top_k",),
    ),
    Quirk(
        name="takes_cache_control",
        reason="Anthropic's cache marks are taken on content parts",
        source="https://openrouter.ai/docs/prompt-caching 2026-11-22",
        extensions=("cache_control",),
    ),
    Quirk(
        name="takes_prompt_cache_key",
        reason="prompt_cache_key leads requests with the same beginning to the same cache",
        source="https://developers.openai.com/api/docs/guides/prompt-caching, "
        "https://learn.microsoft.com/azure/foundry/openai/how-to/prompt-caching 2026-11-22; strict servers "
        "refuse it: https://github.com/zed-industries/zed/issues/36215",
        dialects=("openai_chat", "openai_responses"),
        extensions=("prompt_cache_key",),
    ),
    Quirk(
        name="takes_thought_signature",
        reason="signatures of tool calls go back in extra_content; Gemini 3 refuses calls without",
        source="https://ai.google.dev/gemini-api/docs/thought-signatures 2026-11-22",
        extensions=("thought_signature",),
    ),
    Quirk(
        name="takes_video_url",
        reason="videos are taken in the shape of images, by URL or as data",
        source="https://openrouter.ai/docs/features/multimodal/videos 2026-11-22",
        extensions=("video_url",),
    ),
    Quirk(
        name="takes_reasoning_content",
        reason="earlier thinking goes back in assistant messages; tool loops of thinking models fail without",
        source="https://api-docs.deepseek.com/guides/thinking_mode, "
        "https://www.librechat.ai/docs/configuration/librechat_yaml/ai_endpoints/moonshot 2026-11-22",
        extensions=("reasoning_content",),
    ),
    Quirk(
        name="takes_thinking",
        reason="thinking is switched on and off with thinking.type; reasoning_effort says how much",
        source="https://api-docs.deepseek.com/guides/thinking_mode 2026-11-22",
        extensions=("thinking",),
    ),
    Quirk(
        name="takes_reasoning",
        reason="reasoning has efforts, budgets and a switch, for all models behind it",
        source="https://openrouter.ai/docs/use-cases/reasoning-tokens 2026-11-22",
        dialects=("openai_chat", "openai_responses"),
        extensions=("reasoning",),
    ),
    Quirk(
        name="continues_prefix",
        reason="goes on with an assistant's message that ends the request, if it is marked as a prefix",
        source="https://docs.mistral.ai/api (AssistantMessage.prefix) 2026-11-22",
        extensions=("prefix",),
    ),
    Quirk(
        name="voyage_words",
        reason="top_n and dimensions go by other names",
        source="https://docs.voyageai.com/reference/reranker-api, "
        "https://docs.voyageai.com/reference/embeddings-api 2026-11-22",
        apply=_speak_voyage,
    ),
    Quirk(
        name="opens_seals",
        reason="it is a Sekisho itself: signatures that it sealed must come back to it sealed",
        source="docs/decisions/0004-signatures-are-sealed.md 2026-11-22",
        dialects=None,
        opens_seals=True,
    ),
)
QUIRKS = {quirk.name: quirk for quirk in _ALL}
