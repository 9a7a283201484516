"""What providers call the end of a completion, in the four words that Stillhouse knows."""

import re
from typing import Any

# (what it means here, what servers say): in lower case, without the name of an enumeration before it
_NAMES = {
    "stop": ("stop", "eos", "eos_token", "end_turn", "end", "stop_sequence", "stop_token", "complete", "completed"),
    "length": (
        *("length", "max_tokens", "max_output_tokens", "max_completion_tokens", "max_length", "model_length"),
        *("error_limit", "model_context_window_exceeded"),
    ),
    "error:content_filter": (
        *("content_filter", "content_filtered", "sensitive", "safety", "image_safety", "recitation", "blocklist"),
        *("prohibited_content", "spii", "refusal", "guardrail_intervened", "error_toxic", "language"),
    ),
    "error:server": ("error", "network_error", "insufficient_system_resource", "abort", "other", "load"),
}
_MEANINGS = {name: meaning for meaning, names in _NAMES.items() for name in names}
_ENUMERATION = re.compile(r"^finish_?reason[._]")


def read_finish_reason(given: Any) -> str | None:
    """Return stop, length, error:content_filter or error:server; None for an end that nobody knows."""
    if not isinstance(given, str):
        return None
    # Gemini writes `content_filter: SAFETY`
    name = _ENUMERATION.sub("", given.partition(":")[0].strip().lower().replace("-", "_"))
    return _MEANINGS.get(name)
