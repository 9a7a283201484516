"""Takes small checkpoints of model families through every step of a student, in the engine environment.

Command: `python -m tests.support.families.steps FOLDER [FAMILY...]`; writes FOLDER/steps.json,
what came of each step.
"""

import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import GenerationConfig

from stillhouse.errors import UserError
from stillhouse.inference.vllm.kv_cache import kv_bytes_per_token
from stillhouse.inference.vllm.request import render, tokenize
from stillhouse.recipe.student import MINIMAL_CHATML
from stillhouse.recipe.training import Lora, Training, TrainingExecution
from stillhouse.students.base_model import load_base
from stillhouse.students.initialise import run as write_untrained
from stillhouse.students.spec import InitialiseSpec, TrainSpec
from stillhouse.students.tokens import encode, stop_ids
from stillhouse.students.worker import run as train
from tests.support.families.checkpoints import write_checkpoint
from tests.support.families.families import FAMILIES, Family

PROMPT = [{"role": "user", "content": "Where is my parcel?"}]
WITH_SYSTEM = [{"role": "system", "content": "Name the topic."}, *PROMPT]
ANSWER = [{"role": "assistant", "content": "billing"}]


class Silent:
    def progress(self, done: int, total: int, unit: str, **detail: Any) -> None: ...
    def metric(self, name: str, value: float, step: int = 0) -> None: ...
    def log(self, text: str) -> None: ...


class Steps:
    """One family's checkpoint on its way; each method is a step and raises if it fails."""

    def __init__(self, family: Family, folder: Path) -> None:
        """Write the checkpoint."""
        self.family = family
        self.base = folder / family.folder
        self.out = folder / "out" / family.folder
        write_checkpoint(family, self.base)
        rows = [
            {"id": str(n), "prompt": turns, "completion": ANSWER} for n, turns in enumerate([PROMPT, WITH_SYSTEM] * 2)
        ]
        self.rows = folder / "rows.jsonl"
        self.rows.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def _spec(self, name: str, **fields: Any) -> dict[str, Any]:
        template = None if self.family.template else MINIMAL_CHATML
        return {"base_model": str(self.base), "chat_template": template, "out": str(self.out / name), **fields}

    def sizes(self) -> None:
        """Read off what an engine's memory is counted by."""
        from stillhouse.inference.loading import load_config

        assert kv_bytes_per_token(load_config(str(self.base))) == 2 * 2 * 4 * 32

    def example(self) -> None:
        """Hold the tokens of a training example against those that are served."""
        write_untrained(InitialiseSpec(**self._spec("untrained"), precision="float32"), Silent())
        model, tokenizer = load_base(str(self.out / "untrained"), "")
        stops = stop_ids(model.generation_config, tokenizer)
        for turns in (PROMPT, WITH_SYSTEM):
            served = list(tokenize(tokenizer, render(tokenizer, turns)))
            row = encode(tokenizer, turns, ANSWER, stops)
            learnt = row["input_ids"][len(served) :]
            assert row["input_ids"][: len(served)] == served
            assert row["completion_mask"] == [0] * len(served) + [1] * len(learnt)
            assert learnt[-1] in stops
            assert not set(learnt[:-1]) & stops
            assert tokenizer.decode(row["input_ids"]).count(turns[0]["content"]) == 1
            assert tokenizer.decode(learnt[:-1]).strip() == "billing"

    def full(self) -> None:
        """Train all weights of the language model for two steps."""
        self._train("full", "full")

    def lora(self) -> None:
        """Train an adapter of the language model for two steps, and merge it."""
        self._train("lora", "lora")

    def _train(self, name: str, method: str) -> None:
        training = Training(
            method=method,
            lora=Lora(r=2),
            max_steps=2,
            batch_size=2,
            learning_rate=0.05,
            precision="float32",
            warmup_ratio=0.0,
            save_every=1,
            execution=TrainingExecution(threads=1, device="cpu"),
        )
        checkpoints = str(self.out / f"{name}-checkpoints")
        spec = self._spec(name, rows=str(self.rows), training=training, checkpoints=checkpoints)
        assert train(TrainSpec(**spec), Silent())["steps"] == 2
        before, after = (dict(load_base(str(path), "")[0].named_parameters()) for path in (self.base, self.out / name))
        changed = {part for part in after if not torch.equal(before[part], after[part])}
        assert changed
        assert not {part for part in changed if "vision" in part or "visual" in part}

    def layers(self) -> str:
        """Keep two of four layers: decoding with a cache writes what decoding without one does."""
        spec = InitialiseSpec(**self._spec("cut", layers=2), precision="float32")
        if self.family.cut_refused:
            try:
                write_untrained(spec, Silent())
            except UserError as error:
                return f"refused: {self.family.cut_refused}" if "layers is 2" in str(error) else str(error)
            raise AssertionError("the cut was not refused")
        write_untrained(spec, Silent())
        model, tokenizer = load_base(str(self.out / "cut"), "")
        assert model.config.get_text_config().num_hidden_layers == 2
        assert self._answer(model, tokenizer, use_cache=True) == self._answer(model, tokenizer, use_cache=False)
        return ""

    def export(self) -> None:
        """Load what was written: the same logits, tokens and stop tokens, and no way of sampling."""
        base, tokenizer = load_base(str(self.base), "")
        written, its_tokenizer = load_base(str(self.out / "untrained"), "")
        ids = torch.tensor([tokenizer("Where is my parcel? " * 30).input_ids])
        with torch.no_grad():
            assert torch.equal(base.eval()(input_ids=ids).logits, written.eval()(input_ids=ids).logits)
        for text in ("Where is\nbilling", "billing", f"a{tokenizer.eos_token} b"):
            assert tokenizer(text).input_ids == its_tokenizer(text).input_ids
        declared = GenerationConfig.from_pretrained(self.out / "untrained")
        declared.validate(strict=True)
        assert not declared.do_sample
        assert declared.repetition_penalty in (None, 1.0)
        stops = {tokenizer.convert_tokens_to_ids(token) for token in self.family.stops}
        eos = declared.eos_token_id
        assert stops <= set(eos if isinstance(eos, list) else [eos])
        if written.config.get_text_config() is not written.config:
            assert (self.out / "untrained" / "preprocessor_config.json").is_file()

    def answer(self) -> None:
        """Have the trained student answer."""
        model, tokenizer = load_base(str(self.out / "full"), "")
        assert self._answer(model, tokenizer, use_cache=True)

    def _answer(self, model: Any, tokenizer: Any, *, use_cache: bool) -> list[int]:
        ids = torch.tensor([tokenize(tokenizer, render(tokenizer, PROMPT))])
        written = model.eval().generate(ids, max_new_tokens=12, use_cache=use_cache, do_sample=False)
        return list(written[0][ids.shape[1] :].tolist())


STEPS = ("sizes", "example", "full", "lora", "layers", "export", "answer")


def outcome(step: Callable[[], str | None]) -> str:
    """Return "passed", or why a step was refused or failed."""
    try:
        return step() or "passed"
    except Exception as error:  # noqa: BLE001 - whatever a step meets belongs into the table
        traceback.print_exc()
        return f"failed: {type(error).__name__}: {' '.join(str(error).split())[:200]}"


def main() -> None:
    folder, *names = sys.argv[1:]
    torch.set_num_threads(1)
    found: dict[str, dict[str, str]] = {}
    for family in FAMILIES:
        if not names or family.name in names:
            steps = Steps(family, Path(folder))
            found[family.name] = {name: outcome(getattr(steps, name)) for name in STEPS}
    (Path(folder) / "steps.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
