"""The members that OpenAI's responses take, from the types of openai-python 3.54 (2026-11)."""

from collections.abc import Mapping

_TEXT, _COUNT, _FLAG, _LIST, _OBJECT = (str,), (int,), (bool,), (list,), (dict,)
_NUMBER = (float, int)

COUNT_MEMBERS: dict[str, tuple[type, ...]] = {
    "conversation": (str, dict),
    "input": (str, list),
    "instructions": _TEXT,
    "model": _TEXT,
    "parallel_tool_calls": _FLAG,
    "personality": _TEXT,
    "previous_response_id": _TEXT,
    "reasoning": _OBJECT,
    "text": _OBJECT,
    "tool_choice": (str, dict),
    "tools": _LIST,
    "truncation": _TEXT,
}
MEMBERS: dict[str, tuple[type, ...]] = {
    **{name: kinds for name, kinds in COUNT_MEMBERS.items() if name != "personality"},
    "access_programs": _OBJECT,
    "background": _FLAG,
    "background_options": _OBJECT,
    "context_management": _LIST,
    "image": _OBJECT,
    "include": _LIST,
    "max_output_tokens": _COUNT,
    "max_tool_calls": _COUNT,
    "metadata": _OBJECT,
    "moderation": _OBJECT,
    "prompt": _OBJECT,
    "prompt_cache_key": _TEXT,
    "prompt_cache_options": _OBJECT,
    "prompt_cache_retention": _TEXT,
    "safety_identifier": _TEXT,
    "service_tier": _TEXT,
    "store": _FLAG,
    "stream": _FLAG,
    "stream_options": _OBJECT,
    "temperature": _NUMBER,
    "top_logprobs": _COUNT,
    "top_p": _NUMBER,
    "user": _TEXT,
}

_Names = frozenset[str]


def _names(text: str) -> _Names:
    return frozenset(text.split())


ITEM_MEMBERS: Mapping[str, tuple[_Names, _Names] | None] = {
    "message": (_names("role content"), _names("status phase")),
    "function_call": (_names("call_id name arguments"), _names("status namespace caller async")),
    "function_call_output": (_names("call_id output"), _names("status caller name namespace")),
    "custom_tool_call": (_names("call_id name input"), _names("status namespace caller async")),
    "custom_tool_call_output": (_names("call_id output"), _names("status caller name namespace")),
    "reasoning": (_names("summary"), _names("content encrypted_content status")),
    "item_reference": (_names("id"), _names("")),
    **dict.fromkeys(
        (
            "additional_tools",
            "apply_patch_call",
            "apply_patch_call_output",
            "code_interpreter_call",
            "compaction",
            "compaction_trigger",
            "configuration_update",
            "computer_call",
            "computer_call_output",
            "file_search_call",
            "image_generation_call",
            "local_shell_call",
            "local_shell_call_output",
            "mcp_approval_request",
            "mcp_approval_response",
            "mcp_call",
            "mcp_list_tools",
            "program",
            "program_output",
            "shell_call",
            "shell_call_output",
            "tool_search_call",
            "tool_search_output",
            "web_search_call",
        )
    ),
}
"""Kind of item -> (required, allowed) members; None: not looked into."""

ITEM_IDS: Mapping[str, str] = {
    "message": "msg",
    "function_call": "fc",
    "custom_tool_call": "ctc",
    "reasoning": "rs",
}

PartMembers = Mapping[str, tuple[_Names, _Names]]
PART_MEMBERS: Mapping[str, PartMembers] = {
    "input": {
        "input_text": (_names("text"), _names("prompt_cache_breakpoint")),
        "input_image": (_names(""), _names("detail file_id image_url prompt_cache_breakpoint")),
        "input_file": (
            _names(""),
            _names("detail file_data file_id file_url filename prompt_cache_breakpoint"),
        ),
    },
    "output": {
        "output_text": (_names("text"), _names("annotations logprobs")),
        "refusal": (_names("refusal"), _names("")),
    },
}
"""Kind of part -> (required texts, allowed) members, by the side that wrote it."""

TOOLS = (
    "function",
    "custom",
    "file_search",
    "computer",
    "computer_use_preview",
    "web_search",
    "web_search_2025_08_26",
    "web_search_preview",
    "web_search_preview_2025_03_11",
    "mcp",
    "code_interpreter",
    "programmatic_tool_calling",
    "image_generation",
    "local_shell",
    "shell",
    "namespace",
    "tool_search",
    "apply_patch",
)
