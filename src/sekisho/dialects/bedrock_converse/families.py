"""What families of models on Bedrock take beyond the API itself, told from the model's id.

Ids begin with their vendor, maybe behind a region's prefix (`us.anthropic.claude-...`), or are ARNs. Any
other is none of AWS's but of somebody who speaks its API, and gets the API's widest rules.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

_VENDOR = re.compile(
    r"(?:^|[./:])(?P<vendor>ai21|amazon|anthropic|cohere|deepseek|google|meta|minimax|mistral|moonshot(?:ai)?"
    r"|nvidia|openai|qwen|stability|twelvelabs|writer|zai)\."
)


@dataclass(frozen=True, slots=True)
class Family:
    known: bool = False
    """The id is one of AWS's."""
    claude: bool = False
    nova: bool = False
    nova_2: bool = False
    """Takes `reasoningConfig`."""
    gpt_oss: bool = False
    """Takes `reasoning_effort`."""
    cache_points: bool = True
    """Others refuse a request that holds one."""
    takes_thinking: bool = True
    """DeepSeek refuses earlier thinking."""

    @property
    def cached_tools(self) -> bool:
        """Nova caches instructions and messages only."""
        return self.cache_points and not self.nova

    @property
    def long_cache(self) -> bool:
        """Nova knows no lifetime but its own."""
        return not self.nova


@lru_cache(maxsize=1024)
def family(model: str) -> Family:
    """The rules for an id of Bedrock's (prompt caching, supported models: 2026-11)."""
    match = _VENDOR.search(model)
    return Family(
        known=match is not None or model.startswith("arn:"),
        claude="claude" in model,
        nova="amazon.nova" in model,
        nova_2="amazon.nova-2" in model,
        gpt_oss="openai.gpt-oss" in model,
        cache_points=match is None or "claude" in model or "amazon.nova" in model,
        takes_thinking="deepseek" not in model,
    )
