"""Stands in for the engine's Python in tests: real worker modules on a scripted vLLM and a scripted tokenizer.

Command: `python tests/support/generation/scripted_engine.py -m stillhouse.teachers.engine_worker spec.json`.
What the engine is asked is written to the file that SCRIPTED_LOG names, one line a request: the engine's own log.
"""

import hashlib
import os
import re
import runpy
import signal
import sys
import time
import zlib
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

LOG = Path(os.environ["SCRIPTED_LOG"])
SECONDS = float(os.environ.get("SCRIPTED_SECONDS", "0"))  # that one answer takes
# where each engine says on which GPUs it began and ended an answer
WORKED = os.environ.get("SCRIPTED_WORKED", "")
# the first engine to make this file kills itself after a few answers; without it none does
DIES_ONCE = os.environ.get("SCRIPTED_DIES_ONCE", "")
DIES_AFTER = 6


class Tokenizer:
    """One token a word, so that each label has a first token of its own, as the scores of labels need it."""

    bos_token = bos_token_id = None
    added_tokens_decoder: ClassVar[dict[int, Any]] = {}

    def apply_chat_template(self, turns: list[dict[str, str]], **options: object) -> str:
        return "\n".join(f"{turn['role']}: {turn['content']}" for turn in turns)

    def __call__(self, text: str, add_special_tokens: bool = True) -> SimpleNamespace:
        return SimpleNamespace(input_ids=[zlib.crc32(word.encode()) >> 1 for word in re.findall(r"\s*\S+", text)])


class Engine:
    """Answers each request with one of the allowed choices, by the SHA-256 of its prompt; one request a step."""

    def __init__(self, max_num_seqs: int) -> None:
        self.vllm_config = SimpleNamespace(scheduler_config=SimpleNamespace(max_num_seqs=max_num_seqs))
        self.waiting: list[tuple[str, bytes, SimpleNamespace]] = []
        self.dies = bool(DIES_ONCE) and not Path(DIES_ONCE).exists()
        if self.dies:
            Path(DIES_ONCE).touch()
        self.answered = 0

    def add_request(self, name: str, prompt: dict[str, list[int]], params: SimpleNamespace) -> None:
        digest = hashlib.sha256(repr(prompt["prompt_token_ids"]).encode()).digest()
        with LOG.open("a") as log:
            log.write(f"{digest.hex()} {params.seed}\n")
        self.waiting.append((name, digest, params))

    def step(self) -> list[SimpleNamespace]:
        name, digest, params = self.waiting.pop(0)
        started = time.time()
        time.sleep(SECONDS)
        if WORKED:
            with Path(WORKED).open("a") as worked:
                worked.write(f"{os.environ.get('CUDA_VISIBLE_DEVICES')} {started} {time.time()}\n")
        if self.dies and self.answered == DIES_AFTER:
            os.kill(os.getpid(), signal.SIGKILL)
        self.answered += 1
        choices = params.structured_outputs.choice
        text = choices[digest[0] % len(choices)]
        # a choice that nobody scores is one token, the number of the choice
        tokens = params.logprob_token_ids or list(range(len(choices)))
        scores = {token: SimpleNamespace(logprob=-0.5 - index - digest[1] / 256) for index, token in enumerate(tokens)}
        output = SimpleNamespace(
            text=text,
            finish_reason="stop",
            token_ids=[tokens[choices.index(text)]],
            logprobs=[scores],
            cumulative_logprob=-0.5 - digest[1] / 256,
        )
        return [SimpleNamespace(finished=True, request_id=name, outputs=[output])]


def module(name: str, **members: Any) -> None:
    """Make `import name` find `members`."""
    sys.modules[name] = ModuleType(name)
    vars(sys.modules[name]).update(members)


def main() -> None:
    layer = SimpleNamespace(hidden_size=8, num_attention_heads=2)
    config = SimpleNamespace(per_layer_config=[layer, layer])
    config.get_text_config = lambda: config
    config.update = lambda overrides: None
    module(
        "transformers",
        AutoTokenizer=SimpleNamespace(from_pretrained=lambda *path, **options: Tokenizer()),
        AutoConfig=SimpleNamespace(from_pretrained=lambda *path, **options: config),
    )
    module(
        "vllm",
        LLM=lambda max_num_seqs, **options: SimpleNamespace(llm_engine=Engine(max_num_seqs)),
        SamplingParams=SimpleNamespace,
        TokensPrompt=dict,
    )
    module(
        "vllm.sampling_params",
        RequestOutputKind=SimpleNamespace(FINAL_ONLY=0),
        StructuredOutputsParams=SimpleNamespace,
    )
    module("vllm.platforms", current_platform=SimpleNamespace(is_cpu=lambda: True))
    _, flag, worker, spec = sys.argv
    assert flag == "-m"
    sys.argv = [worker, spec]
    runpy.run_module(worker, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
