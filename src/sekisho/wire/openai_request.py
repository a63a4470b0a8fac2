"""What requests of OpenAI's two newer APIs say in the same way."""

import msgspec

from sekisho.core.error import BadRequest
from sekisho.core.loss import Losses
from sekisho.core.message import Audio, Document, Inline
from sekisho.core.request import CustomTool, OutputFormat, ReasoningSettings, Tool, ToolChoice
from sekisho.wire import media

AUTO, NONE, REQUIRED = ToolChoice(mode="auto"), ToolChoice(mode="none"), ToolChoice(mode="required")
_CHOICES = {b'"auto"': AUTO, b'"none"': NONE, b'"required"': REQUIRED}

_LOW_BELOW = 4_096
_MEDIUM_BELOW = 16_384

_AUDIO_TYPES = {"mp3": "audio/mpeg"}
_AUDIO_FORMATS = {"audio/mpeg": "mp3", "audio/x-wav": "wav", "audio/wave": "wav"}


# --- tools ------------------------------------------------------------------------------------------


def read_choice(raw: msgspec.Raw) -> ToolChoice | None:
    """A `tool_choice` that is a word; None: it is an object. Raises BadRequest."""
    if not bytes(raw).startswith(b'"'):
        return None
    found = _CHOICES.get(bytes(raw))
    if found is None:
        raise BadRequest("tool_choice: unknown. Use auto, none, required or a tool.", param="tool_choice")
    return found


def kind_of(name: str | None, tools: tuple[Tool, ...]) -> str:
    """The type by which a named tool is called for."""
    custom = any(isinstance(tool, CustomTool) and tool.name == name for tool in tools)
    return "custom" if custom else "function"


# --- settings ---------------------------------------------------------------------------------------


def json_schema(output: OutputFormat) -> dict[str, object]:
    """The members of a format that is a schema. Its name is compulsory."""
    found: dict[str, object] = {"name": output.name or "response"}
    for name in ("description", "schema", "strict"):
        value = getattr(output, name)
        if value is not None:
            found[name] = value
    return found


def effort_for(settings: ReasoningSettings, losses: Losses) -> str | None:
    """The effort that says what is wanted, as far as one can; None: the model's default."""
    if settings.effort is not None:
        if settings.budget_tokens is not None:
            losses.knob("reasoning.budget_tokens", "the effort was sent instead")
        return settings.effort
    if settings.enabled is False:
        reason = "cannot be switched off, only set to an effort; the model's default applies"
        losses.knob("reasoning", reason)
        return None
    if settings.budget_tokens is not None:
        effort = effort_of(settings.budget_tokens)
        losses.knob("reasoning.budget_tokens", f"sent as the effort {effort}")
        return effort
    if settings.enabled:
        return "medium"
    losses.knob("reasoning", "the model decides by its own default how much it thinks")
    return None


def effort_of(budget_tokens: int) -> str:
    """The effort that a budget of thinking tokens comes closest to, by the bounds between which clients of
    Anthropic's API commonly choose: 1,024-4,000, 8,000-16,000, 31,999."""
    if budget_tokens < _LOW_BELOW:
        return "low"
    return "medium" if budget_tokens < _MEDIUM_BELOW else "high"


# --- media ------------------------------------------------------------------------------------------


def read_audio(data: str, form: str, path: str) -> Inline:
    """The content of an `input_audio` at `path`. Raises BadRequest."""
    return media.inline(_AUDIO_TYPES.get(form, f"audio/{form}"), data, f"{path}.input_audio.data")


def write_audio(part: Audio, path: str, losses: Losses) -> dict[str, object] | None:
    """The content part, or None and a loss."""
    if not isinstance(part.source, Inline):
        losses.content(path, "audio goes as data only")
        return None
    if part.transcript is not None:
        losses.knob(f"{path}.transcript", "audio goes without its transcript")
    media_type = part.source.media_type
    form = _AUDIO_FORMATS.get(media_type) or media_type.rpartition("/")[2]
    return {"type": "input_audio", "input_audio": {"data": part.source.data, "format": form}}


def file_name(part: Document, source: Inline) -> str:
    """The name of a file that goes as data, which the APIs want to have."""
    return part.title if part.title is not None else f"document.{source.media_type.rpartition('/')[2]}"
