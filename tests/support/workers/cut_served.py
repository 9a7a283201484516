"""Has vLLM serve a tiny model, whole or without what was planted in it as useless.

Command: `python -m tests.support.workers.cut_served FOLDER FAMILY whole|cut`, after `cutting` for the same folder;
writes tokens.json into its folder. One model a process, because an engine stays in its process.
"""

import json
import os
import sys
from pathlib import Path

from stillhouse.inference.loading import load_tokenizer
from stillhouse.inference.vllm.engine import environment_for, start_engine
from stillhouse.inference.vllm.request import render, tokenize
from stillhouse.inference.vllm.sizing import Job
from stillhouse.recipe.engine import Engine
from stillhouse.recipe.student import MINIMAL_CHATML
from stillhouse.students.cutting.families import FAMILIES
from stillhouse.students.initialise import run as write_untrained
from stillhouse.students.spec import InitialiseSpec
from tests.support.workers.cutting import Calm, cut, write_family

# heads as large as engines take them
LARGER = {"head_dim": 32, "hidden_size": 64, "intermediate_size": 128}
OWN = {"gpt2": {"n_embd": 64, "n_head": 2}}
NUM_TOKENS = 8
PROMPTS = ("Where is my parcel?", "I lost my card, and the invoice is late.")


def student_of(folder: Path, kind: str, which: str) -> Path:
    """Write the model as a student before training, and return its folder."""
    base, start = folder / "served" / kind, folder / "cuts" / f"served-{kind}"
    if which == "whole":
        write_family(kind, folder / "base", base, **OWN.get(kind, LARGER))
    else:
        heads = 0.5 if FAMILIES[kind].heads else 1.0
        cut(folder, base, f"served-{kind}", 4, layers="influence", feed_forward=0.5, heads=heads)
    made_from = base if which == "whole" else start
    out = folder / "served" / f"{kind}-{which}"
    spec = InitialiseSpec(base_model=str(made_from), chat_template=MINIMAL_CHATML, out=str(out), precision="float32")
    write_untrained(spec, Calm())
    return out


def main() -> None:
    engine = Engine(threads=1, mode="eager")
    os.environ.update(environment_for(engine))
    student = str(student_of(Path(sys.argv[1]), *sys.argv[2:]))
    tokenizer = load_tokenizer(student)
    prompts = [list(tokenize(tokenizer, render(tokenizer, [{"role": "user", "content": text}]))) for text in PROMPTS]
    job = Job(num_requests=len(prompts), longest_prompt=max(map(len, prompts)), max_tokens=NUM_TOKENS)
    llm = start_engine(student, revision="", dtype="float32", quantization="", engine=engine, job=job)
    from vllm import SamplingParams

    sampling = SamplingParams(temperature=0.0, max_tokens=NUM_TOKENS, detokenize=False, ignore_eos=True)
    outputs = llm.generate([{"prompt_token_ids": ids} for ids in prompts], sampling, use_tqdm=False)
    tokens = [list(output.outputs[0].token_ids) for output in outputs]
    (Path(student) / "tokens.json").write_text(json.dumps(tokens))
    os._exit(0)  # an engine leaves threads that would hold the process


if __name__ == "__main__":
    main()
