"""Run by the engine's Python for test_soft_labels.py: a tiny student's losses on the teacher's probabilities.

Command: `python -m tests.support.workers.soft_labels FOLDER`; writes checks.json into it. The losses come with those of
an oracle in float64 NumPy, which reads the definition and no code of ours: it walks over label texts, not over a table.
"""

import json
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import MixtralConfig, MixtralForCausalLM

from stillhouse.recipe.student import MINIMAL_CHATML
from stillhouse.recipe.training import Lora, SoftLabels, Training, TrainingExecution
from stillhouse.students.initialise import initialise
from stillhouse.students.label_choices import ChoiceTable, num_with_choices
from stillhouse.students.soft_loss import SoftLabelLoss
from stillhouse.students.tokens import encode, encode_rows, stop_ids
from stillhouse.students.train import build_trainer
from stillhouse.students.trainer_setup import TrainingJob
from tests.support.workers.training import Silent, make_base, trainer_loss

# several tokens each; some begin alike, and two begin with the whole of another
LABELS = ("billing", "billing error", "delivery", "delivery late", "d")
SHARES = (0.4, 0.1, 0.3, 0.15, 0.05)


def make_rows(count: int) -> list[dict[str, Any]]:
    chance = random.Random(3)
    made = []
    for index in range(count):
        shares = np.array([chance.random() ** 3 for _ in LABELS])
        text = " ".join(chance.choices(("parcel", "card", "late", "invoice", "plan"), k=chance.randint(2, 7)))
        row = {
            "prompt": [{"role": "user", "content": text}],
            "completion": [{"role": "assistant", "content": LABELS[index % len(LABELS)]}],
        }
        if index % 4:  # the others are gold: their label alone
            row["label_probabilities"] = dict(zip(LABELS, (shares / shares.sum()).tolist(), strict=True))
        made.append(row)
    return made


class Lab:
    """The tiny student, its rows as token ids, and trainers for both."""

    def __init__(self, folder: Path, rows: list[dict[str, Any]]) -> None:
        self.folder, self.raw = folder, rows
        self.model, self.tokenizer = self.fresh()
        self.stops = stop_ids(self.model.generation_config, self.tokenizer)

    def fresh(self) -> tuple[Any, Any]:
        model, tokenizer = initialise(str(self.folder / "base"), "", 4, MINIMAL_CHATML)
        return model, tokenizer

    def trainer(self, model: Any, soft: SoftLabels | None, **training: Any) -> Any:
        choices = ChoiceTable(lambda prompt, answer: encode(self.tokenizer, prompt, answer, self.stops))
        rows, _ = encode_rows(self.tokenizer, self.raw, self.stops, 200, choices if soft else None)
        here = TrainingExecution(threads=1, device="cpu")
        settings = {"batch_size": len(rows), "learning_rate": 5e-4, "precision": "float32", "max_length": 200}
        settings["execution"] = here
        asked = Training(**{**settings, "soft_labels": soft, **training})
        out = self.folder / "none"
        return build_trainer(TrainingJob(model, self.tokenizer, rows, [], asked, out, Silent(), choices.choices))

    def answer(self, row: dict[str, Any], label: str) -> tuple[list[int], list[int]]:
        turn = [{"role": "assistant", "content": label}]
        found = encode(self.tokenizer, row["prompt"], turn, self.stops)
        start = found["completion_mask"].index(1)
        return found["input_ids"][:start], found["input_ids"][start:]


def oracle(lab: Lab, soft: SoftLabels) -> float:
    """Return the mean loss of a token by the definition, one row at a time."""
    total, count = 0.0, 0
    for row in lab.raw:
        label = row["completion"][0]["content"]
        prompt, answer = lab.answer(row, label)
        with torch.no_grad():
            logits = lab.model(input_ids=torch.tensor([prompt + answer])).logits[0].double().numpy()
        for depth, token in enumerate(answer):
            q = np.exp(logits[len(prompt) + depth - 1])
            q /= q.sum()
            total += token_loss(lab, row, (answer[:depth], token), q, soft)
            count += 1
    return total / count


def token_loss(lab: Lab, row: dict[str, Any], at: tuple[list[int], int], q: Any, soft: SoftLabels) -> float:
    path, token = at
    hard = -np.log(q[token])
    masses: dict[int, float] = {}
    for label, share in row.get("label_probabilities", {}).items():
        _, other = lab.answer(row, label)
        if other[: len(path)] == path:
            masses[other[len(path)]] = masses.get(other[len(path)], 0.0) + share
    if not masses:
        return float(hard)
    branches = list(masses)
    p = np.array([masses[branch] for branch in branches]) ** (1 / soft.temperature)
    mine = q[branches] ** (1 / soft.temperature)
    p, mine = p / p.sum(), mine / mine.sum()
    kl = float(np.sum(p * np.log(p / mine)))
    return float((1 - soft.weight) * hard + soft.weight * (-np.log(q[branches].sum()) + soft.temperature**2 * kl))


def losses(lab: Lab) -> list[dict[str, float]]:
    """Return the trainer's loss and the oracle's for several settings, with and without packing."""
    found = []
    for weight, temperature in ((0.3, 1.0), (1.0, 1.0), (0.7, 2.5)):
        soft = SoftLabels(weight=weight, temperature=temperature)
        lab.model.eval()
        apart, _ = trainer_loss(lab.trainer(lab.model, soft))
        packed, _ = trainer_loss(lab.trainer(lab.model, soft, packing=True))
        found.append({"apart": apart, "packed": packed, "oracle": oracle(lab, soft)})
    return found


def trained(lab: Lab, soft: SoftLabels | None, **training: Any) -> dict[str, torch.Tensor]:
    """Return the weights after a few steps; dropout is on."""
    model, _ = lab.fresh()
    settings = {"batch_size": 4, "max_steps": 6, "learning_rate": 0.01, **training}
    trainer = lab.trainer(model, soft, **settings)
    trainer.train()
    return {name: value.detach().clone() for name, value in trainer.model.state_dict().items()}


def is_equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def first_step(lab: Lab, batch_size: int, accumulation: int) -> tuple[float, float]:
    """Return loss and norm of the gradient of one step over all rows, without dropout."""
    model, _ = lab.fresh()
    for module in model.modules():
        if hasattr(module, "attention_dropout"):
            module.attention_dropout = 0.0
    soft = SoftLabels(weight=0.7, temperature=2.0)
    trainer = lab.trainer(model, soft, batch_size=batch_size, gradient_accumulation=accumulation, max_steps=1)
    trainer.train()
    entry = next(entry for entry in trainer.state.log_history if "loss" in entry)
    return entry["loss"], entry["grad_norm"]


def chain_rule() -> tuple[float, float]:
    """Return the expected soft loss of a path over labels drawn from the teacher, and the KL of whole labels."""
    answers = {"a": [1, 2, 9], "ab": [1, 2, 3, 9], "c": [1, 4, 9], "d": [5, 9]}
    shares = {"a": 0.4, "ab": 0.3, "c": 0.2, "d": 0.1}
    chance = torch.Generator().manual_seed(5)
    known: dict[tuple[int, ...], torch.Tensor] = {}

    def logits(prefix: list[int]) -> torch.Tensor:
        return known.setdefault(tuple(prefix), torch.randn(12, generator=chance))

    expected, whole = 0.0, 0.0
    for label, share in shares.items():
        ids = answers[label]
        table = ChoiceTable(
            lambda _, turns: {
                "input_ids": answers[turns[0]["content"]],
                "completion_mask": [1] * len(answers[turns[0]["content"]]),
            }
        )
        row = {"prompt": [], "completion": [{"content": label}], "label_probabilities": shares}
        labels = torch.tensor(table.mark(row, {"input_ids": ids, "completion_mask": [1] * len(ids)})["labels"])
        step_logits = torch.stack([logits(ids[:depth]) for depth in range(len(ids))])
        loss = SoftLabelLoss(SoftLabels(weight=1.0), table.choices)
        hard = torch.nn.functional.cross_entropy(step_logits, loss.tokens(labels), reduction="sum")
        expected += share * (hard + loss.added(step_logits, labels)).item()
        log_q = sum(float(logits(ids[:depth]).double().log_softmax(0)[token]) for depth, token in enumerate(ids))
        whole += share * (np.log(share) - log_q)
    return expected, whole


def mixture_of_experts(lab: Lab) -> tuple[float, float]:
    """Return the loss at weight 0, and TRL's own, of a model whose routing has a loss too."""
    torch.manual_seed(1)
    size = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = MixtralConfig(
        vocab_size=len(lab.tokenizer), num_key_value_heads=1, num_local_experts=2, output_router_logits=True, **size
    )
    model = MixtralForCausalLM(config)
    ours, _ = trainer_loss(lab.trainer(model, SoftLabels(weight=0.0)))
    theirs, _ = trainer_loss(lab.trainer(model, None))
    return ours, theirs


def learnt(lab: Lab, soft: SoftLabels | None) -> list[float]:
    """Return the student's probabilities of the first tokens after training on one distribution, as the teacher's."""
    model, _ = lab.fresh()
    trainer = lab.trainer(model, soft, batch_size=4, max_steps=60, learning_rate=0.01)
    trainer.train()
    prompt, _ = lab.answer(lab.raw[0], LABELS[0])
    with torch.no_grad():
        q = model.eval()(input_ids=torch.tensor([prompt])).logits[0, -1].softmax(0)
    firsts = [lab.answer(lab.raw[0], label)[1][0] for label in LABELS]
    return [q[token].item() for token in dict.fromkeys(firsts)]


def check(folder: Path) -> dict[str, Any]:
    rows = make_rows(12)
    make_base(folder / "base", [row["prompt"][0]["content"] for row in rows])
    lab = Lab(folder, rows)
    found: dict[str, Any] = {"answers": [lab.answer(rows[0], label)[1] for label in LABELS]}
    found["losses"] = losses(lab)
    marked = lab.trainer(lab.model, SoftLabels()).train_dataset
    found["num_with_choices"] = num_with_choices([{"labels": row["labels"]} for row in marked])
    found["is_plain"] = {}
    ways: dict[str, dict[str, Any]] = {"full": {}, "lora": {"method": "lora", "lora": Lora(r=4)}}
    for name, way in (ways | {"packed": {"packing": True}}).items():
        plain = trained(lab, None, **way)
        soft = {weight: SoftLabels(weight=weight, temperature=3.0) for weight in (0.0, 0.5)}
        found["is_plain"][name] = [is_equal(trained(lab, one, **way), plain) for one in soft.values()]
    found["steps"] = [first_step(lab, 12, 1), first_step(lab, 4, 3)]
    found["chain_rule"] = chain_rule()
    found["experts"] = mixture_of_experts(lab)
    same = [row | {"label_probabilities": dict(zip(LABELS, SHARES, strict=True))} for row in make_rows(12)]
    for row in same:
        row["completion"] = [{"role": "assistant", "content": LABELS[0]}]
    found["learnt"] = {
        "hard": learnt(Lab(folder, same), None),
        "soft": learnt(Lab(folder, same), SoftLabels(weight=1.0, temperature=2.0)),
    }
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    root = Path(sys.argv[1])
    (root / "checks.json").write_text(json.dumps(check(root)))
