"""Stillhouse's stages from the rows to the answers, with the temporary Prefect server of `stillhouse run`."""

import json
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.support.paths import ROOT

MODEL = str(ROOT / ".models" / "SmolLM2-135M-Instruct.Q4_1.gguf")
# so that every prompt is asked, as the others ask it
KEEP_ALL = {
    "validation_fraction": 0.0,
    "exact_duplicates": "keep",
    "near_duplicate_similarity": None,
    "test_similarity": None,
    "test_run_words": None,
    "conflicting_labels": "keep",
    "personal_data": "allow",
}


def write_recipe(spec: dict[str, Any]) -> Path:
    """Write rows and recipe into the spec's folder; the test row is never asked."""
    folder = Path(spec["folder"])
    test = {"prompt": "Which of these rows is for measuring?", "reply": "This one."}
    for name, lines in (("train", [{"prompt": prompt} for prompt in spec["prompts"]]), ("test", [test])):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    endpoint = {"provider": "vllm", "base_url": spec["address"], "concurrency": spec["concurrency"]}
    sampling = {"max_tokens": spec["max_tokens"]}
    # no log-probabilities, which the others don't ask for either
    teacher = {"endpoint": {**endpoint, "offers": [], "extra_body": {"ignore_eos": True}}, "sampling": sampling}
    recipe = {
        "name": "peers",
        "skill": {"kind": "conversation", "instruction": ""},
        "data": {
            "train": {"path": "train.jsonl", "columns": {"text": "prompt"}},
            "test": {"path": "test.jsonl", "columns": {"text": "prompt", "reference": "reply"}},
            **KEEP_ALL,
        },
        "teachers": [{"model": spec["model"], "output": {"kind": "free"}, **teacher}],
        "student": {"model": MODEL, "chat_template": "minimal"},
    }
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    return folder / "recipe.yaml"


def ask_all(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the summary of the stage that asks."""
    from deployments.foreground import prepare

    recipe = str(write_recipe(spec))
    foreground = prepare(recipe, {})
    # after the environment is set: Prefect reads it on import
    from tests.benchmarks.peers.answers_flow import answers

    return foreground.run(answers, recipe=recipe)


def main() -> None:
    """Ask, and print what the others print."""
    import os

    spec = json.loads(Path(sys.argv[1]).read_text())
    os.environ |= {"STILLHOUSE_STORE": f"{spec['folder']}/store", "STILLHOUSE_WORK": f"{spec['folder']}/work"}
    summary = ask_all(spec)
    print(json.dumps({"answers": summary["from_store"] + summary["generated"], "asking_s": summary["seconds"]}))


if __name__ == "__main__":
    main()
