"""Writes docs/development/model-families.md from what `steps` and `served` found.

Command: `python -m tests.support.families.page FOLDER`.
"""

import json
import sys
from pathlib import Path

from stillhouse.repository import ROOT
from tests.support.families.families import FAMILIES

PAGE = ROOT / "docs" / "development" / "model-families.md"
STEPS = {
    "sizes": "engine sizes",
    "example": "training example",
    "full": "training, full",
    "lora": "training, LoRA",
    "layers": "layers cut",
    "export": "export and reload",
    "answer": "answer, transformers",
    "served": "answer, vLLM",
}
_HEAD = """# Model families

Which families of models were taken through every step of a student, and what came of it. Each stands for its kind: a
checkpoint of four layers with random weights, the family's configuration, its kind of tokenizer, and its chat template
or, where that is not at hand, a short one with the same traits. No published weights of these families were run here.

- *engine sizes*: the memory that an engine needs is counted from the language model's own configuration.
- *training example*: the tokens before the answer are those that are served, with and without a system turn; those
  after it end on one of the model's stop tokens.
- *training*: two steps with checkpoints; of a model that sees, only the language model changes.
- *layers cut*: two of four layers; decoding with a cache writes what decoding without one does.
- *export and reload*: equal logits and tokens, all stop tokens, a valid generation_config.json, the processor's files.
- *answer*: the trained student answers in transformers; in vLLM it writes the same tokens.

"""
_TAIL = """
Exported students are written by the pinned transformers 5, which `transformers_version` in their config.json names.
The configurations and tokenizers of all families above but Qwen3.5, which is newer, were also read by transformers
4.57.1, with equal rotary positions. The engine environment for CPUs has no torchvision, without which vLLM loads
neither models that see nor Qwen3.5; on GPUs it is installed.

`pytest -m slow tests/students/test_families.py` takes the steps, `pytest -m long` the same file's answers of vLLM; both
hold this page. `python -m tests.support.families.steps FOLDER`, then `served` for each family and `page`, make it
again.
"""


def page(found: dict[str, dict[str, str]]) -> str:
    """Return the page for what came of each family's steps."""
    lines = [
        "| " + " | ".join(["family", "what is special", *STEPS.values()]) + " |",
        "| --- " * (len(STEPS) + 2) + "|",
    ]
    for family in FAMILIES:
        said = found[family.name]
        lines.append(
            "| " + " | ".join([family.name, family.traits, *(said.get(step, "not run") for step in STEPS)]) + " |"
        )
    return _HEAD + "\n".join(lines) + "\n" + _TAIL


def main() -> None:
    folder = Path(sys.argv[1])
    found = json.loads((folder / "steps.json").read_text())
    served = json.loads((folder / "served.json").read_text())
    for name, said in served.items():
        found[name]["served"] = said
    PAGE.write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    main()
