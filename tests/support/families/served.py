"""Has vLLM serve an exported student of one family, and holds its answer against that of transformers.

Command: `python -m tests.support.families.served FOLDER FAMILY`, after `steps` for the same folder; adds what came of
it to FOLDER/served.json. One family a process, because an engine stays in its process.
"""

import importlib.util
import json
import os
import sys
from pathlib import Path

from stillhouse.errors import ModelError
from stillhouse.inference.loading import load_tokenizer
from stillhouse.inference.vllm.engine import environment_for, start_engine
from stillhouse.inference.vllm.request import render, tokenize
from stillhouse.inference.vllm.sizing import Job
from stillhouse.recipe.engine import Engine
from tests.support.families.families import FAMILIES
from tests.support.families.steps import PROMPT, WITH_SYSTEM

NUM_TOKENS = 6
NO_TORCHVISION = "not served here: vLLM needs torchvision for it"


def answers(student: str, engine: Engine) -> str:
    """Return "passed" if vLLM and transformers write the same tokens, or why not."""
    tokenizer = load_tokenizer(student)
    prompts = [list(tokenize(tokenizer, render(tokenizer, turns))) for turns in (PROMPT, WITH_SYSTEM)]
    # before an engine starts, since vLLM changes transformers' own classes of families that it serves by them
    expected = [_written(student, ids) for ids in prompts]
    job = Job(num_requests=2, longest_prompt=max(map(len, prompts)), max_tokens=NUM_TOKENS)
    try:
        llm = start_engine(student, revision="", dtype="float32", quantization="", engine=engine, job=job)
    except ModelError as error:
        if "failed to be inspected" in str(error) and importlib.util.find_spec("torchvision") is None:
            return NO_TORCHVISION
        return f"not served here: {str(error)[:160]}"
    from vllm import SamplingParams

    sampling = SamplingParams(temperature=0.0, max_tokens=NUM_TOKENS, detokenize=False)
    outputs = llm.generate([{"prompt_token_ids": ids} for ids in prompts], sampling, use_tqdm=False)
    found = [list(output.outputs[0].token_ids) for output in outputs]
    return "passed" if found == expected else f"failed: vLLM wrote {found}, transformers {expected}"


def _written(student: str, prompt: list[int]) -> list[int]:
    """Return the tokens that transformers writes after `prompt`."""
    import torch

    from stillhouse.students.base_model import load_base

    model, _ = load_base(student, "")
    written = model.eval().generate(torch.tensor([prompt]), max_new_tokens=NUM_TOKENS, do_sample=False)
    return list(written[0][len(prompt) :].tolist())


def main() -> None:
    folder, name = Path(sys.argv[1]), sys.argv[2]
    engine = Engine(threads=1, mode="eager")
    os.environ.update(environment_for(engine))
    family = next(family for family in FAMILIES if family.name == name)
    said = answers(str(folder / "out" / family.folder / "full"), engine)
    path = folder / "served.json"
    known = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps(known | {name: said}))
    os._exit(0)  # an engine leaves threads that would hold the process


if __name__ == "__main__":
    main()
