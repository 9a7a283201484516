"""What training on stored log-probabilities takes against plain training: bytes a token, and time a token.

    PYTHONPATH=. .venv/engine/bin/python tests/benchmarks/logits_training.py [--layers 24] [--answer 40] [--steps 6]

A student of SmolLM2-135M's shapes and random weights learns random rows, forward and backward, in turn by its text, by
the likeliest tokens and by draws. One thread, processor time, so that other work on the machine does not count. The
bounds are 150 bytes and 1.10 of plain training's time.
"""

import argparse
import random
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from stillhouse.completions.token_numbers import TokenLine, TokenNumbers, tokens_path, write_token_lines
from stillhouse.inference.loading import load_tokenizer
from stillhouse.recipe.teaching.logits import LogitsSettings
from stillhouse.recipe.training import Training, TrainingExecution
from stillhouse.students.logits.student_tokens import StudentTokens
from stillhouse.students.logits.token_table import TeacherMarks, TokenTable
from stillhouse.students.row_file import keep_on_disk
from stillhouse.students.train import build_trainer
from stillhouse.students.trainer_setup import TrainingJob
from tests.support.workers.training import Silent, make_base

VOCABULARY = 49_152
PROMPT = 40
ROWS = 64
WAYS = {
    "16 likeliest": LogitsSettings(k=16),
    "20 likeliest": LogitsSettings(k=20),
    "12 draws": LogitsSettings(draws=12),
}


def main() -> None:
    """Print bytes and time a token of each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--answer", type=int, default=40, help="tokens of an answer")
    parser.add_argument("--steps", type=int, default=6)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_base(folder / "base", ["a parcel"])
        model = student(arguments.layers)
        trainers = {"text": trainer_of(folder, model, None, arguments.answer)}
        for way, settings in WAYS.items():
            trainers[way] = trainer_of(folder, model, settings, arguments.answer)
            size = tokens_path(folder / "rows.jsonl").stat().st_size
            print(f"{way}: {size / (ROWS * arguments.answer):.1f} bytes a token")
        seconds = times_of(trainers, arguments.steps)
        for way, found in seconds.items():
            ratio = median(found) / median(seconds["text"])
            print(f"{way}: {1000 * median(found) / (8 * (PROMPT + arguments.answer)):.2f} ms a token, {ratio:.3f}")


def student(layers: int) -> Any:
    torch.manual_seed(0)
    heads = {"num_attention_heads": 9, "num_key_value_heads": 3}
    shape = {"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": layers, **heads}
    return LlamaForCausalLM(LlamaConfig(vocab_size=VOCABULARY, tie_word_embeddings=True, pad_token_id=0, **shape))


def trainer_of(folder: Path, model: Any, settings: LogitsSettings | None, answer: int) -> Any:
    chance = random.Random(1)
    rows = [[chance.randrange(VOCABULARY) for _ in range(PROMPT + answer)] for _ in range(ROWS)]
    encoded = [{"input_ids": ids, "completion_mask": [0] * PROMPT + [1] * answer} for ids in rows]
    table = None
    if settings:
        path = tokens_path(folder / "rows.jsonl")
        write_token_lines(
            (TokenLine(n, str(n), None, 0, numbers(ids[PROMPT:], settings.width, n)) for n, ids in enumerate(rows)),
            path,
        )
        table = TokenTable(folder / f"{settings.width}.bin", settings.width)
        readable: Any = type("Readable", (), {"decode": lambda self, ids, **_: "a"})()
        student = StudentTokens(readable, lambda *_: {}, VOCABULARY)
        marks = TeacherMarks(path, table, settings, student, longest=9999)
        row = {"completion": [{"content": "a"}]}
        encoded = [marks.mark({"id": str(n), **row}, one) for n, one in enumerate(encoded)]
    kind = {"kind": "logits", "logits": settings} if settings else {}
    fields = {"batch_size": 8, "learning_rate": 1e-4, "precision": "float32", "max_length": 9999, **kind}
    training = Training(execution=TrainingExecution(threads=1, device="cpu"), **fields)
    kept = keep_on_disk(encoded, folder / f"{settings and settings.width}.arrow")
    tokenizer = load_tokenizer(str(folder / "base"))
    return build_trainer(TrainingJob(model, tokenizer, kept, [], training, folder, Silent(), teacher_tokens=table))


def numbers(answer: list[int], width: int, seed: int) -> TokenNumbers:
    """Return numbers as a teacher gives them: the ids are any, the probabilities fall like those of a softmax."""
    chance = np.random.default_rng(seed)
    logits = np.sort(3.0 * chance.standard_normal((len(answer), width + 60)))[:, ::-1]
    logprobs = (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))[:, :width].astype(np.float32)
    ids = np.stack([chance.choice(VOCABULARY, width, replace=False) for _ in answer]).astype(np.int32)
    sizes = np.full(len(answer), width, np.int32)
    return TokenNumbers(np.array(answer, np.int32), sizes, ids.ravel(), logprobs.ravel())


def times_of(trainers: dict[str, Any], steps: int) -> dict[str, list[float]]:
    """Return the processor seconds of each step of each trainer, in turn, after one to warm up."""
    batches = {way: iter(trainer.get_train_dataloader()) for way, trainer in trainers.items()}
    found: dict[str, list[float]] = {way: [] for way in trainers}
    for trainer in trainers.values():
        trainer.current_gradient_accumulation_steps = 1  # as `train` sets it
    for step in range(steps + 1):
        for way, trainer in trainers.items():
            started = time.process_time()
            trainer.training_step(trainer.model, next(batches[way]))
            trainer.model.zero_grad()
            if step:
                found[way].append(time.process_time() - started)
    return found


if __name__ == "__main__":
    main()
