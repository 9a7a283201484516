"""curator's own class for asking a model, run by its own environment's Python.

Its cache is on. An answer that ends at the token limit is an answer here: by default curator asks it up to ten times.
"""

import json
import sys
from pathlib import Path
from typing import Any

import litellm.litellm_core_utils.default_encoding  # noqa: F401  has curator's token counter use tables on this disk
from bespokelabs import curator
from datasets import Dataset

NO_LIMIT = 10**9  # a minute; without a limit given it takes that of a small account


class Ask(curator.LLM):
    """One prompt a row."""

    def prompt(self, row: dict[str, Any]) -> str:
        """Return the prompt as it is."""
        return str(row["prompt"])

    def parse(self, row: dict[str, Any], response: str) -> dict[str, Any]:
        """Return the prompt with its answer."""
        return {"prompt": row["prompt"], "answer": response}


def ask_all(spec: dict[str, Any]) -> list[str]:
    """Return the answer to each prompt."""
    limits = {"max_requests_per_minute": NO_LIMIT, "max_tokens_per_minute": NO_LIMIT}
    ask = Ask(
        model_name=spec["model"],
        backend="openai",
        generation_params={"max_tokens": spec["max_tokens"], "temperature": 0.0, "ignore_eos": True},
        backend_params={
            "base_url": spec["address"],
            "api_key": "none",
            "max_concurrent_requests": spec["concurrency"],
            "invalid_finish_reasons": ["content_filter"],
            **limits,
        },
    )
    rows = Dataset.from_list([{"prompt": prompt} for prompt in spec["prompts"]])
    return list(ask(rows, working_dir=spec["folder"]).dataset["answer"])


if __name__ == "__main__":
    answers = ask_all(json.loads(Path(sys.argv[1]).read_text()))
    print(json.dumps({"answers": sum(bool(answer) for answer in answers), "asking_s": None}))
