"""Run by the engine's Python for test_worker.py: a tiny encoder, its losses and its head, beside oracles in NumPy.

Command: `python -m tests.support.workers.encoder FOLDER`; writes base/, rows, checks.json and students into it.
"""

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from transformers import BertConfig, BertModel

from stillhouse.recipe.training import SoftLabels
from stillhouse.students.encoder.head import STRENGTHS, Vectors, choose_strength, fit_head
from stillhouse.students.encoder.loss import label_loss
from stillhouse.students.encoder.worker import run
from tests.support.bert_folder import CONFIG, write_bert_folder
from tests.support.workers.encoder_rows import OTHERS, make_rows, spec_of
from tests.support.workers.training import Silent


def loss_of(logits: np.ndarray, targets: np.ndarray, teacher: np.ndarray, soft: SoftLabels) -> float:
    """Return the loss by its definition, row by row in float64."""
    total = 0.0
    for row, target, shares in zip(logits, targets, teacher, strict=True):
        student = np.exp(row) / np.exp(row).sum()
        hard = -np.log(student[target])
        if not shares.sum():
            total += hard
            continue
        softened, theirs = student ** (1 / soft.temperature), shares ** (1 / soft.temperature)
        softened, theirs = softened / softened.sum(), theirs / theirs.sum()
        divergence = sum(p * np.log(p / q) for p, q in zip(theirs, softened, strict=True) if p)
        total += (1 - soft.weight) * hard + soft.weight * soft.temperature**2 * divergence
    return float(total)


def check_losses() -> list[dict[str, float]]:
    """Return our loss and the oracle's at several weights and temperatures."""
    numbers = np.random.default_rng(0)
    logits, targets = numbers.normal(size=(7, 4)) * 3, numbers.integers(0, 4, 7)
    teacher = numbers.dirichlet(np.ones(4) * 0.4, 7)
    teacher[1], teacher[2] = 0.0, (1, 0, 0, 0)  # of a gold row, and a teacher that is certain
    given = [torch.tensor(part) for part in (logits, targets, teacher)]
    found = []
    for weight, temperature in ((0.0, 1.0), (0.3, 1.0), (0.5, 2.0), (1.0, 4.0)):
        soft = SoftLabels(weight=weight, temperature=temperature)
        ours = float(label_loss(*given, soft))
        found.append({"ours": ours, "oracle": loss_of(logits, targets, teacher, soft), "weight": weight})
    return [*found, {"ours": float(label_loss(*given, None)), "oracle": found[0]["oracle"], "weight": -1.0}]


def check_head() -> dict[str, Any]:
    """Return how far the fitted layer's probabilities are from scikit-learn's, and from the teacher's."""
    numbers = np.random.default_rng(1)
    vectors = numbers.normal(size=(60, 6)).astype(np.float32)
    targets = (vectors[:, 0] > 0).astype(int) + (vectors[:, 1] > 0.5)
    teacher = numbers.dirichlet(np.ones(3), 60)
    rows = Vectors(torch.tensor(vectors), torch.tensor(targets), torch.tensor(teacher))
    far = []
    for strength in (0.1, 1.0, 100.0):
        ours = fit_head(rows, None, strength)
        theirs = LogisticRegression(C=strength, max_iter=5000, tol=1e-8).fit(vectors.astype(np.float64), targets)
        logits = vectors @ ours.weight_LD.numpy().T + ours.bias_L.numpy()
        shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        far.append(float(np.abs(shares - theirs.predict_proba(vectors)).max()))
    # scikit-learn learns shares as weighted copies of a row, which is our loss at weight 1 and temperature 1
    copies = LogisticRegression(C=3.0, max_iter=5000, tol=1e-8).fit(
        np.repeat(vectors, 3, axis=0).astype(np.float64), np.tile(np.arange(3), 60), sample_weight=teacher.reshape(-1)
    )
    soft = fit_head(rows, SoftLabels(weight=1.0), 3.0)
    logits = vectors @ soft.weight_LD.numpy().T + soft.bias_L.numpy()
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    single = Vectors(rows.vectors_ND[:3], torch.arange(3), rows.teacher_NL[:3])
    return {
        "far_from_sklearn": max(far),
        "far_from_weighted_copies": float(np.abs(shares - copies.predict_proba(vectors)).max()),
        "chosen": choose_strength(rows, None, 0),
        "chosen_of_single_rows": choose_strength(single, None, 0),
        "strengths": list(STRENGTHS),
    }


def main(folder: Path) -> None:
    base = write_bert_folder(folder / "base")
    torch.manual_seed(0)
    config = BertConfig(
        **{name: value for name, value in CONFIG.items() if name not in ("model_type", "architectures")}
    )
    BertModel(config).save_pretrained(base)
    for name, count, seed in (("rows", 60, 1), ("validation", 18, 2)):
        lines = (json.dumps(row) + "\n" for row in make_rows(count, seed))
        (folder / f"{name}.jsonl").write_text("".join(lines))
    (folder / "checks.json").write_text(json.dumps({"losses": check_losses(), "head": check_head()}))
    # here and not in processes of their own, each of which would load torch first
    for name, changes in OTHERS.items():
        (folder / name).mkdir()
        run(spec_of(folder, name, **changes), Silent())
    (folder / "killed").mkdir()
    spec = spec_of(folder, "killed", **OTHERS["plain"])
    with contextlib.suppress(KeyboardInterrupt):
        run(spec, Dying())
    found = Noting()
    run(spec, found)
    (folder / "resumed.txt").write_text("\n".join(found.lines))


class Dying(Silent):
    """A reporter under which a training ends at its sixth step."""

    def progress(self, done: int, total: int, unit: str, **detail: Any) -> None:
        if done > 5:
            raise KeyboardInterrupt


class Noting(Silent):
    """A reporter that keeps the log."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, text: str) -> None:
        self.lines.append(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
