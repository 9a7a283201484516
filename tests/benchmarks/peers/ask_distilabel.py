"""distilabel's own pipeline of one task, run by its own environment's Python.

Its cache is off: it goes by the pipeline's definition and not by the rows, and gave the first rows' answers again when
there were more rows.
"""

import json
import sys
from pathlib import Path
from typing import Any

from distilabel.models import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from distilabel.steps.tasks import TextGeneration


def ask_all(spec: dict[str, Any]) -> list[str]:
    """Return the answer to each prompt; a batch of the task is what it has open at once."""
    sampling = {"max_new_tokens": spec["max_tokens"], "temperature": 0.0, "extra_body": {"ignore_eos": True}}
    llm = OpenAILLM(
        model=spec["model"], base_url=spec["address"], api_key="none", timeout=600, generation_kwargs=sampling
    )
    with Pipeline(name="peers", cache_dir=spec["folder"]) as pipeline:
        rows = LoadDataFromDicts(
            data=[{"instruction": prompt} for prompt in spec["prompts"]], batch_size=spec["concurrency"]
        )
        rows >> TextGeneration(llm=llm, input_batch_size=spec["concurrency"])
    return list(pipeline.run(use_cache=False)["default"]["train"]["generation"])


if __name__ == "__main__":
    answers = ask_all(json.loads(Path(sys.argv[1]).read_text()))
    print(json.dumps({"answers": sum(bool(answer) for answer in answers), "asking_s": None}))
