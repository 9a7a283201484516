"""Run by the engine's Python for test_preferences.py: what TRL's trainer computes of pairs, and what a student learns.

Command: `python -m tests.support.workers.preferences FOLDER`; writes checks.json into it. The losses come with those of
an oracle in float64, which is written from the papers' formulas and reads the models one row at a time.
"""

import copy
import json
import math
import random
import sys
from pathlib import Path
from typing import Any

import torch

from stillhouse.recipe.student import MINIMAL_CHATML
from stillhouse.recipe.teaching.preferences import Pairs, Preferences
from stillhouse.recipe.training import Lora, Training, TrainingExecution
from stillhouse.students.base_model import load_base
from stillhouse.students.initialise import initialise
from stillhouse.students.preferences.pair_rows import encode_pair
from stillhouse.students.preferences.second_step import second_training
from stillhouse.students.preferences.trainer import build_trainer
from stillhouse.students.spec import TrainSpec
from stillhouse.students.tokens import encode, stop_ids
from stillhouse.students.trainer_setup import TrainingJob
from stillhouse.students.worker import run
from tests.support.workers.training import Silent, make_base

USUAL, BETTER = "no", "go"  # as many tokens each
PLANTED = Preferences(pairs=Pairs(least=8), epochs=3, learning_rate=0.003)
WORDS = ("parcel", "refund", "card", "lost", "late", "broken", "invoice")


def answer(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def make_rows(
    count: int, seed: int, better: str = BETTER, usual: str = USUAL
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of which three in four teach the usual answer, whatever the prompt; and pairs that prefer the other one."""
    chance = random.Random(seed)
    rows, pairs = [], []
    for index in range(count):
        prompt = [{"role": "user", "content": " ".join(chance.choices(WORDS, k=chance.randint(2, 7)))}]
        rows.append({"id": str(index), "prompt": prompt, "completion": answer(usual if index % 4 else better)})
        pairs.append({"id": str(index), "prompt": prompt, "chosen": answer(better), "rejected": answer(usual)})
    return rows, pairs


def write_lines(path: Path, lines: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


def settings(**fields: Any) -> Training:
    here = TrainingExecution(threads=1, device="cpu", gradient_checkpointing=False)
    given = {"batch_size": 4, "learning_rate": 0.01, "precision": "float32", "max_length": 200, "execution": here}
    return Training(**{**given, **fields})


class Lab:
    """The tiny student, its pairs as token ids, and trainers of the second step."""

    def __init__(self, folder: Path, pairs: list[dict[str, Any]]) -> None:
        self.folder, self.raw = folder, pairs
        self.model, self.tokenizer = initialise(str(folder / "base"), "", 4, MINIMAL_CHATML)
        self.stops = stop_ids(self.model.generation_config, self.tokenizer)
        self.pairs = [encode_pair(self.tokenizer, pair, self.stops) for pair in pairs]

    def trainer(self, model: Any, preferences: Preferences, **training: Any) -> Any:
        asked = second_training(settings(preferences=preferences, **training))
        job = TrainingJob(model, self.tokenizer, self.pairs, [], asked, self.folder / "none", Silent())
        return build_trainer(job, preferences)

    def log_probability(self, model: Any, pair: dict[str, list[int]], name: str) -> float:
        """Of an answer's tokens behind its prompt, summed, in float64 (nats)."""
        ids, start = pair["prompt_ids"] + pair[name], len(pair["prompt_ids"])
        with torch.no_grad():
            log_probs = model(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(-1)
        return sum(log_probs[place - 1, ids[place]].item() for place in range(start, len(ids)))


def moved(model: Any) -> None:
    """Change every trainable weight a little, as training would."""
    chance = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight += 0.02 * torch.randn(weight.shape, generator=chance)


def oracle(lab: Lab, student: Any, reference: Any, preferences: Preferences) -> float:
    """Return the mean loss of a pair: equation 7 of arXiv:2305.18290, or 17 of arXiv:2310.12036 of mean tokens."""
    total = 0.0
    for pair in lab.pairs:
        gains = {
            name: lab.log_probability(student, pair, name) - lab.log_probability(reference, pair, name)
            for name in ("chosen_ids", "rejected_ids")
        }
        if preferences.loss == "sigmoid":
            margin = preferences.beta * (gains["chosen_ids"] - gains["rejected_ids"])
            total += math.log1p(math.exp(-margin))
        else:
            means = {name: gain / len(pair[name]) for name, gain in gains.items()}
            total += (means["chosen_ids"] - means["rejected_ids"] - 1 / (2 * preferences.beta)) ** 2
    return total / len(lab.pairs)


def trainer_loss(trainer: Any) -> float:
    batch = trainer.data_collator([trainer.train_dataset[i] for i in range(len(trainer.train_dataset))])
    trainer.model.eval()
    with torch.no_grad():
        loss: float = trainer.compute_loss(trainer.model, dict(batch)).item()
    return loss


def losses(lab: Lab) -> list[dict[str, float]]:
    """Return the trainer's loss and the oracle's, of a student that has moved from its reference."""
    found = []
    for loss, beta in (("sigmoid", 0.1), ("sigmoid", 2.0), ("ipo", 0.1), ("ipo", 0.7)):
        preferences = Preferences(loss=loss, beta=beta, learning_rate=0.01)
        student, reference = copy.deepcopy(lab.model), copy.deepcopy(lab.model).eval()
        trainer = lab.trainer(student, preferences)
        start = trainer_loss(trainer)
        moved(student)
        found.append(
            {
                "loss": trainer_loss(trainer),
                "oracle": oracle(lab, student, reference, preferences),
                "start": start,
                "start_oracle": oracle(lab, reference, reference, preferences),
            }
        )
    return found


def adapter_losses(lab: Lab) -> dict[str, float]:
    """Return the same of a student with an adapter that has learnt: its reference has that adapter too."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM", lora_dropout=0.3)
    student = get_peft_model(copy.deepcopy(lab.model), config)
    moved(student)
    reference, base = copy.deepcopy(student).eval(), copy.deepcopy(lab.model).eval()
    preferences = Preferences(learning_rate=0.01)
    trainer = lab.trainer(student, preferences, method="lora", lora=Lora(r=4))
    moved(trainer.model)
    return {
        "loss": trainer_loss(trainer),
        "oracle": oracle(lab, student.eval(), reference, preferences),
        "against_base": oracle(lab, student, base, preferences),
        "adapters": list(trainer.model.peft_config),
    }


def batch_ids(lab: Lab) -> list[list[list[int]]]:
    """Return [what the trainer's batch has as tokens and mask, what supervised training has] of each answer."""
    trainer = lab.trainer(copy.deepcopy(lab.model), Preferences(learning_rate=0.01))
    batch = trainer.data_collator([trainer.train_dataset[i] for i in range(len(trainer.train_dataset))])
    found = []
    for place, (pair, name) in enumerate((pair, name) for name in ("chosen", "rejected") for pair in lab.raw):
        length = int(batch["attention_mask"][place].sum())
        theirs = [batch[key][place][:length].tolist() for key in ("input_ids", "completion_mask")]
        ours = encode(lab.tokenizer, pair["prompt"], pair[name], lab.stops)
        found.append([theirs, [ours["input_ids"], ours["completion_mask"]]])
    return found


def one_step(lab: Lab, batch_size: int, accumulation: int) -> tuple[float, float]:
    """Return loss and norm of the gradient of one step over all pairs, of a student away from its reference."""
    student = copy.deepcopy(lab.model)
    trainer = lab.trainer(
        student, Preferences(learning_rate=0.01), batch_size=batch_size, gradient_accumulation=accumulation
    )
    moved(student)
    trainer.args.max_steps = 1
    trainer.train()
    entry = next(entry for entry in trainer.state.log_history if "loss" in entry)
    return entry["loss"], entry["grad_norm"]


def planted(folder: Path, method: str) -> dict[str, Any]:
    """Return which answer the student finds likelier before and after a second step, and that step's numbers."""
    rows, pairs = make_rows(40, seed=1)
    files = {"rows": write_lines(folder / "rows.jsonl", rows), "pairs": write_lines(folder / "pairs.jsonl", pairs)}
    files["validation_pairs"] = write_lines(folder / "validation_pairs.jsonl", make_rows(8, seed=2)[1])
    found: dict[str, Any] = {}
    for name, preferences in (
        ("before", None),
        ("after", PLANTED),
    ):
        training = settings(
            epochs=2, method=method, lora=Lora(r=4, dropout=0.1), preferences=preferences, save_every=100
        )
        out = folder / method / name
        spec = TrainSpec(
            base_model=str(folder / "base"),
            layers=4,
            chat_template=MINIMAL_CHATML,
            training=training,
            checkpoints=str(out / "checkpoints"),
            out=str(out / "student"),
            **(files if preferences else {"rows": files["rows"]}),
        )
        summary = run(spec, Silent())
        found[name] = {"summary": summary.get("preferences"), "shares": shares(out / "student", pairs)}
        found[name]["steps"] = summary["steps"]
    return found


def shares(folder: Path, pairs: list[dict[str, Any]]) -> float:
    """Return the share of pairs whose better answer a student finds likelier."""
    model, tokenizer = load_base(str(folder), "")
    stops = stop_ids(model.generation_config, tokenizer)
    right = 0
    for pair in pairs:
        ids = encode_pair(tokenizer, pair, stops)
        means = []
        for name in ("chosen_ids", "rejected_ids"):
            whole, start = ids["prompt_ids"] + ids[name], len(ids["prompt_ids"])
            with torch.no_grad():
                log_probs = model.eval()(input_ids=torch.tensor([whole])).logits[0].double().log_softmax(-1)
            means.append(sum(log_probs[i - 1, whole[i]].item() for i in range(start, len(whole))))
        right += means[0] > means[1]
    return right / len(pairs)


if __name__ == "__main__":
    root = Path(sys.argv[1])
    torch.set_num_threads(1)
    texts = [row["prompt"][0]["content"] for row in make_rows(40, seed=1)[0]]
    make_base(root / "base", texts)
    lab = Lab(root, make_rows(6, seed=3, better="bill", usual="a delivery")[1])
    result = {
        "losses": losses(lab),
        "adapter": adapter_losses(lab),
        "ids": batch_ids(lab),
        "steps": [one_step(lab, 12, 1), one_step(lab, 2, 6)],
        "planted": {method: planted(root, method) for method in ("full", "lora")},
    }
    (root / "checks.json").write_text(json.dumps(result))
