"""Run by the engine's Python for test_training.py of students/logits: losses on a teacher's stored log-probabilities.

Command: `python -m tests.support.workers.logits FOLDER`; writes checks.json into it. The losses come with those of an
oracle in float64 NumPy, which reads the definition and no code of ours.
"""

import itertools
import json
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from stillhouse.artifacts.store import Store, StoreConfig
from stillhouse.completions.completion import Completion, utc_now
from stillhouse.completions.store import CompletionStore
from stillhouse.completions.token_numbers import TokenLine, read_token_lines, top_numbers, write_token_lines
from stillhouse.data.row import Row, content_sha256
from stillhouse.data.turns import write_rows
from stillhouse.recipe.student import MINIMAL_CHATML
from stillhouse.recipe.teacher import Teacher
from stillhouse.recipe.teaching.logits import LogitsSettings
from stillhouse.recipe.training import Lora, Training, TrainingExecution
from stillhouse.skills.qa import Qa
from stillhouse.students.base_model import load_base
from stillhouse.students.initialise import initialise
from stillhouse.students.label_choices import IGNORE_INDEX
from stillhouse.students.logits.draws_loss import DrawsLoss
from stillhouse.students.logits.loss import LogitsLoss
from stillhouse.students.logits.student_tokens import StudentTokens
from stillhouse.students.logits.token_table import TeacherMarks, TokenTable
from stillhouse.students.tokens import encode, encode_rows, stop_ids
from stillhouse.students.train import build_trainer
from stillhouse.students.trainer_setup import TrainingJob
from stillhouse.teachers.draw_worker import draw
from stillhouse.teachers.draw_worker import run as draw_tokens
from stillhouse.teachers.requests import PreparedRequests
from stillhouse.teachers.spec import DrawSpec
from tests.support.workers.training import Silent, make_base, trainer_loss

WAYS = [
    LogitsSettings(weight=1.0),
    LogitsSettings(weight=1.0, temperature=2.5),
    LogitsSettings(weight=0.4, by_certainty=True),
    LogitsSettings(weight=0.7, loss="skewed_forward_kl", skew=0.2),
    LogitsSettings(weight=1.0, loss="skewed_forward_kl", temperature=2.0),
]
TEACHER = "t" * 64
ANSWERS = ("billing", "delivery is late", "a lost card", "plan")


def make_rows(count: int) -> list[dict[str, Any]]:
    chance = random.Random(3)
    words = ("parcel", "card", "late", "invoice", "plan")
    return [
        {
            "id": f"row {index}",
            "prompt": [{"role": "user", "content": " ".join(chance.choices(words, k=chance.randint(2, 7)))}],
            "completion": [{"role": "assistant", "content": ANSWERS[index % len(ANSWERS)]}],
        }
        for index in range(count)
    ]


def token_oracle(z: Any, token: int, step: dict[int, float], settings: LogitsSettings, share: float = 1.0) -> float:
    """Return the loss of one token by the definition, in float64; `step` holds the known log-probabilities."""
    z = np.asarray(z, np.float64)
    q = np.exp(z - z.max())
    q /= q.sum()
    hard = -np.log(q[token])
    if not step:
        return float(hard)
    known = list(step)
    p = np.exp(np.array([np.float32(step[one]) for one in known], np.float64))
    weight = settings.weight * share * (1 - (p**2).sum() if settings.by_certainty else 1.0)
    mine, theirs = q[known], p
    if len(known) < len(q):
        mine, theirs = np.append(mine, q.sum() - mine.sum()), np.append(theirs, 1 - p.sum())
    softened = [part ** (1 / settings.temperature) for part in (theirs, mine)]
    theirs, mine = (part / part.sum() for part in softened)
    if settings.loss == "skewed_forward_kl":
        mine = settings.skew * theirs + (1 - settings.skew) * mine
    kl = float(np.sum(theirs * np.log(theirs / mine)))
    return float((1 - weight) * hard + weight * settings.temperature**2 * kl)


def steps_of(logits: torch.Tensor, k: int) -> list[dict[int, float]]:
    """Return the k likeliest tokens at each position of logits [N, V]."""
    top = logits.double().log_softmax(-1).topk(k)
    pairs = zip(top.indices.tolist(), top.values.tolist(), strict=True)
    return [dict(zip(ids, values, strict=True)) for ids, values in pairs]


def table_of(folder: Path, tokens: list[int], steps: list[dict[int, float]]) -> tuple[TokenTable, torch.Tensor]:
    table = TokenTable(folder / "table.bin", max(map(len, steps)))
    numbers = top_numbers(tokens, steps, table.width)
    labels, first = [], 0
    for token, size in zip(tokens, numbers.sizes, strict=True):
        labels.append(table.add(token, 1.0, numbers.ids[first : first + size], numbers.logprobs[first : first + size]))
        first += size
    return table, torch.tensor(labels)


def on_random_tensors(folder: Path) -> dict[str, Any]:
    """Return losses and oracles on random logits, dense KL at k = vocabulary, and losses of equal models."""
    chance = torch.Generator().manual_seed(1)
    size, vocab = 40, 61
    teacher, student = (2.5 * torch.randn(size, vocab, generator=chance) for _ in range(2))
    tokens = torch.randint(vocab, (size,), generator=chance).tolist()
    found: dict[str, Any] = {"oracle": [], "equal": [], "dense": [], "gradient": []}
    for settings, k in itertools.product(WAYS, (1, 7, vocab)):
        steps = steps_of(teacher, k)
        table, labels = table_of(folder, tokens, steps)
        # every fifth token is known by its text alone
        labels[::5] = torch.tensor(tokens[::5])
        ours = LogitsLoss(settings, table).summed(student, labels).item()
        by_row = zip(student.tolist(), tokens, steps, range(size), strict=True)
        theirs = sum(token_oracle(z, token, step if n % 5 else {}, settings) for z, token, step, n in by_row)
        found["oracle"].append([ours / size, theirs / size])
        table, labels = table_of(folder, tokens, steps)
        alone = settings.model_copy(update={"weight": 1.0, "by_certainty": False})
        found["equal"].append(LogitsLoss(alone, table).summed(teacher, labels).item() / size)
        few = student[:4].double().requires_grad_()
        loss = LogitsLoss(settings, table)
        found["gradient"].append(
            torch.autograd.gradcheck(lambda z, loss=loss, few=labels[:4]: loss.summed(z, few), few)
        )
    for temperature in (1.0, 3.0):
        table, labels = table_of(folder, tokens, steps_of(teacher, vocab))
        ours = LogitsLoss(LogitsSettings(weight=1.0, temperature=temperature), table).summed(student, labels).item()
        sides = [(side.double() / temperature).log_softmax(-1) for side in (student, teacher)]
        dense = torch.nn.functional.kl_div(*sides, reduction="sum", log_target=True).item() * temperature**2
        found["dense"].append([ours / size, dense / size])
    return found


def on_a_toy(folder: Path) -> float:
    """Return the loss of a vocabulary of three with one known number: 0.7 ln(0.7/0.5) + 0.3 ln(0.3/0.5)."""
    table, labels = table_of(folder, [2], [{0: float(np.log(0.7))}])
    logits = torch.tensor([[0.5, 0.3, 0.2]]).log() + 4.0
    return LogitsLoss(LogitsSettings(weight=1.0), table).summed(logits, labels).item()


def on_draws(folder: Path) -> dict[str, Any]:
    """Return how draws are spread, their losses beside the definition, and means over many beside the exact KL."""
    chance = torch.Generator().manual_seed(4)
    teacher, student = (torch.randn(1, 9, generator=chance) for _ in range(2))
    found: dict[str, Any] = {"oracle": [], "means": [], "equal": []}
    for temperature in (1.0, 2.0):
        ids, logprobs = draw(teacher, 200_000, temperature, np.random.default_rng(1))
        p, q = ((z.double() / temperature).softmax(-1)[0].numpy() for z in (teacher, student))
        found["oracle"].append([(np.bincount(ids, minlength=9) / len(ids)).tolist(), p.tolist()])
        found["oracle"].append([np.exp(logprobs[:50]).tolist(), p[ids[:50]].tolist()])
        mixture = 0.3 * p + 0.7 * q
        exact = {
            "forward_kl": np.sum(p * np.log(p / q)),
            "skewed_forward_kl": np.sum(p * np.log(p / mixture)),
            "reverse_kl": np.sum(q * np.log(q / p)),
        }
        for loss, value in exact.items():
            settings = LogitsSettings(draws=12, weight=1.0, loss=loss, skew=0.3, temperature=temperature)
            table = TokenTable(folder / "draws.bin", len(ids))
            labels = torch.tensor([table.add(3, 1.0, ids, logprobs)])
            z = student.clone().requires_grad_()
            mean = DrawsLoss(settings, table).summed(z, labels)
            mean.backward()
            found["means"].append([mean.item(), float(value) * temperature**2])
            found["means"].append([z.grad[0].tolist(), exact_gradient(teacher, student, settings)])
            found["equal"].append(DrawsLoss(settings, table).summed(teacher, labels).item())
    settings = LogitsSettings(draws=12, weight=0.6, by_certainty=True)
    table = TokenTable(folder / "draws.bin", 3)
    p, q = (z.double().softmax(-1)[0].numpy() for z in (teacher, student))
    labels = torch.tensor([table.add(3, 0.5, np.array([1, 1, 4]), np.log(p[[1, 1, 4]])), 2])
    ours = DrawsLoss(settings, table).summed(student.repeat(2, 1), labels).item()
    weight = 0.6 * 0.5 * (1 - p[[1, 1, 4]].mean())
    theirs = (1 - weight) * -np.log(q[3]) + weight * np.log(p[[1, 1, 4]] / q[[1, 1, 4]]).mean() - np.log(q[2])
    found["oracle"].append([[ours], [float(theirs)]])
    return found


def exact_gradient(teacher: torch.Tensor, student: torch.Tensor, settings: LogitsSettings) -> list[float]:
    z = student.double().requires_grad_()
    p = (teacher.double() / settings.temperature).log_softmax(-1)
    q = (z / settings.temperature).log_softmax(-1)
    mixture = (settings.skew * p.exp() + (1 - settings.skew) * q.exp()).log()
    of_loss = {"forward_kl": (p, q), "skewed_forward_kl": (p, mixture), "reverse_kl": (q, p)}
    one, other = of_loss[settings.loss]
    (settings.temperature**2 * (one.exp() * (one - other)).sum()).backward()
    gradient: list[float] = z.grad[0].tolist()
    return gradient


def plain_row(name: str) -> Row:
    messages = [{"role": "user", "content": f"late parcel {name}"}]
    empty: dict[str, Any] = {"references": [], "label": None, "source": "train", "meta": "{}"}
    return {"id": name, "content_sha256": content_sha256(messages), "messages": messages, **empty}


def drawn_by_a_teacher(lab: "Lab", folder: Path) -> dict[str, Any]:
    """Return the draws that the worker writes of three completions, and the teacher's own probabilities of them."""
    write_rows(folder / "rows.parquet", [plain_row(f"r{place}") for place in range(3)])
    store = StoreConfig(url=str(folder / "store"))
    prompt = {"layout": "turns", "examples": 0}
    spec = DrawSpec(
        model_path=str(folder / "base"),
        teacher=Teacher(model=str(folder / "base"), prompt=prompt, output={"kind": "free"}),
        teacher_fingerprint=TEACHER,
        skill=Qa(kind="qa"),
        labels=(),
        rows=(str(folder / "rows.parquet"),),
        skip_labelled=True,
        examples=None,
        store=store,
        draws=12,
        temperature=2.0,
        out=str(folder),
    )
    requests = PreparedRequests(spec).requests
    answers = [(5, 9, 7), (11,), ()]
    fields = {"text": "x", "finish_reason": "stop", "prompt_tokens": 1, "completion_tokens": 1, "seconds": 0.1}
    made = [
        Completion(key=one.key, token_ids=answer, teacher=TEACHER, created=utc_now(), **fields)
        for one, answer in zip(requests, answers, strict=True)
    ]
    CompletionStore(Store(store), TEACHER).append(made, 0)
    summary = draw_tokens(spec, Silent())
    first = (folder / "draws.parquet").read_bytes()
    draw_tokens(spec, Silent())
    base, _ = load_base(str(folder / "base"), "")
    found: dict[str, Any] = {"summary": summary, "again": first == (folder / "draws.parquet").read_bytes(), "pairs": []}
    prompts = {one.key: list(one.token_ids) for one in requests}
    for line in read_token_lines(folder / "draws.parquet"):
        ids = torch.tensor([prompts[line.id] + line.numbers.token_ids.tolist()])
        with torch.no_grad():
            p = (base.eval()(input_ids=ids).logits[0].double() / 2.0).log_softmax(-1)
        for place, drawn in enumerate(line.numbers.ids.reshape(-1, 12)):
            step = p[len(prompts[line.id]) - 1 + place]
            ours = line.numbers.logprobs.reshape(-1, 12)[place]
            found["pairs"].append([ours.tolist(), step[drawn.tolist()].tolist()])
    return found


class Lab:
    """A tiny student and teacher, rows, and trainers for them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.raw = folder, make_rows(12)
        self.model, self.tokenizer = self.fresh()
        self.stops = stop_ids(self.model.generation_config, self.tokenizer)
        self.teacher, _ = self.fresh()
        chance = torch.Generator().manual_seed(7)
        with torch.no_grad():
            for weights in self.teacher.parameters():
                weights += 0.3 * torch.randn(weights.shape, generator=chance)
        self.teacher.eval()

    def fresh(self) -> tuple[Any, Any]:
        return initialise(str(self.folder / "base"), "", 4, MINIMAL_CHATML)

    def answer(self, row: dict[str, Any]) -> tuple[list[int], list[int]]:
        found = encode(self.tokenizer, row["prompt"], row["completion"], self.stops)
        start = found["completion_mask"].index(1)
        return found["input_ids"][:start], found["input_ids"][start:]

    def steps(self, row: dict[str, Any], k: int) -> list[dict[int, float]]:
        prompt, answer = self.answer(row)
        with torch.no_grad():
            logits = self.teacher(input_ids=torch.tensor([prompt + answer])).logits[0, len(prompt) - 1 : -1]
        return steps_of(logits, k)

    def kept_steps(self, number: int, row: dict[str, Any], k: int) -> list[dict[int, float]]:
        """Return what is known of each token of a row's answer: of every third row nothing, of others not its end."""
        steps = self.steps(row, k)
        if number % 3 == 0:
            return [{}] * len(steps)
        return steps if number % 3 == 1 else [*steps[:-1], {}]

    def write_numbers(self, rows: list[dict[str, Any]], path: Path, k: int) -> None:
        write_token_lines(self._lines(rows, k), path)

    def _lines(self, rows: list[dict[str, Any]], k: int) -> Any:
        for line, row in enumerate(rows):
            number = int(row["id"].split()[1])
            _, answer = self.answer(row)
            steps = self.kept_steps(number, row, k)
            known = [(token, step) for token, step in zip(answer, steps, strict=True) if step]
            if known:
                # the teacher thought before it answered
                thought = [(5, {5: -0.1}), (6, {6: -0.2})] if number % 2 else []
                tokens, numbers = zip(*thought, *known, strict=True)
                yield TokenLine(line, row["id"], None, 0, top_numbers(tokens, numbers, k))

    def trainer(self, model: Any, settings: LogitsSettings, rows: Any = None, **training: Any) -> Any:
        raw = self.raw if rows is None else rows
        width = training.pop("width", settings.k)
        path = self.folder / "train.logits.parquet"
        self.write_numbers(raw, path, width)
        table = TokenTable(self.folder / "tokens.bin", width)
        student = StudentTokens(
            self.tokenizer,
            lambda prompt, answer: encode(self.tokenizer, prompt, answer, self.stops),
            len(self.tokenizer),
        )
        marks = TeacherMarks(path, table, settings, student, longest=200)
        encoded, _ = encode_rows(self.tokenizer, raw, self.stops, 200, marks)
        self.covered = [marks.num_covered, marks.num_tokens]
        here = TrainingExecution(threads=1, device="cpu")
        fields = {"batch_size": len(encoded), "learning_rate": 5e-4, "precision": "float32", "max_length": 200}
        asked = Training(**{**fields, "execution": here, "kind": "logits", "logits": settings, **training})
        job = TrainingJob(
            model, self.tokenizer, encoded, [], asked, self.folder / "none", Silent(), teacher_tokens=table
        )
        return build_trainer(job)

    def oracle(self, settings: LogitsSettings, k: int) -> float:
        total, count = 0.0, 0
        for number, row in enumerate(self.raw):
            prompt, answer = self.answer(row)
            with torch.no_grad():
                logits = self.model(input_ids=torch.tensor([prompt + answer])).logits[0].double().numpy()
            for depth, (token, step) in enumerate(zip(answer, self.kept_steps(number, row, k), strict=True)):
                total += token_oracle(logits[len(prompt) + depth - 1], token, step, settings)
                count += 1
        return total / count


def losses(lab: Lab) -> list[dict[str, float]]:
    """Return the trainer's loss of all rows in several arrangements, and the oracle's."""
    found = []
    lab.model.eval()
    for settings in WAYS:
        apart, _ = trainer_loss(lab.trainer(lab.model, settings))
        packed, _ = trainer_loss(lab.trainer(lab.model, settings, packing=True))
        turned, _ = trainer_loss(lab.trainer(lab.model, settings, rows=lab.raw[::-1]))
        padded = left_padded_loss(lab.trainer(lab.model, settings))
        ours = {"apart": apart, "packed": packed, "turned": turned, "padded on the left": padded}
        found.append({**ours, "oracle": lab.oracle(settings, settings.k)})
    return found


def left_padded_loss(trainer: Any) -> float:
    rows = [trainer.train_dataset[place] for place in range(len(trainer.train_dataset))]
    longest = max(len(row["input_ids"]) for row in rows)
    columns: dict[str, list[list[int]]] = {"input_ids": [], "labels": [], "attention_mask": []}
    for row in rows:
        gap = longest - len(row["input_ids"])
        columns["input_ids"].append([0] * gap + list(row["input_ids"]))
        columns["labels"].append([IGNORE_INDEX] * gap + list(row["labels"]))
        columns["attention_mask"].append([0] * gap + [1] * len(row["input_ids"]))
    batch = {name: torch.tensor(values) for name, values in columns.items()}
    with torch.no_grad():
        return float(trainer.compute_loss(trainer.model, batch).item())


def first_step(lab: Lab, batch_size: int, accumulation: int) -> tuple[float, float]:
    """Return loss and norm of the gradient of one step over all rows, without dropout."""
    model, _ = lab.fresh()
    for module in model.modules():
        if hasattr(module, "attention_dropout"):
            module.attention_dropout = 0.0
    settings = {"batch_size": batch_size, "gradient_accumulation": accumulation, "max_steps": 1}
    trainer = lab.trainer(model, LogitsSettings(weight=0.7, temperature=2.0), **settings)
    trainer.train()
    entry = next(entry for entry in trainer.state.log_history if "loss" in entry)
    return entry["loss"], entry["grad_norm"]


def divergence_after(lab: Lab, settings: LogitsSettings, **training: Any) -> list[float]:
    """Return the mean dense KL from the teacher over the answers before and after training."""
    model, _ = lab.fresh()
    trainer = lab.trainer(model, settings, batch_size=4, max_steps=60, learning_rate=0.01, **training)
    before = dense_kl(lab, model)
    trainer.train()
    return [before, dense_kl(lab, trainer.model)]


def dense_kl(lab: Lab, model: Any) -> float:
    model.eval()
    total, count = 0.0, 0
    for number, row in enumerate(lab.raw):
        if number % 3 == 0:
            continue
        prompt, answer = lab.answer(row)
        ids = torch.tensor([prompt + answer])
        with torch.no_grad():
            sides = [
                one(input_ids=ids).logits[0, len(prompt) - 1 : -2].double().log_softmax(-1)
                for one in (model, lab.teacher)
            ]
        total += torch.nn.functional.kl_div(*sides, reduction="sum", log_target=True).item()
        count += len(answer) - 1
    return total / count


def check(folder: Path) -> dict[str, Any]:
    rows = make_rows(12)
    make_base(folder / "base", [row["prompt"][0]["content"] for row in rows])
    found: dict[str, Any] = {"random": on_random_tensors(folder), "toy": on_a_toy(folder), "draws": on_draws(folder)}
    lab = Lab(folder)
    found["drawn"] = drawn_by_a_teacher(lab, folder)
    found["losses"] = losses(lab)
    found["covered"] = lab.covered
    found["steps"] = [first_step(lab, 12, 1), first_step(lab, 4, 3)]
    soft = LogitsSettings(weight=1.0, k=20)
    found["divergence"] = {
        "text": divergence_after(lab, LogitsSettings(weight=0.0)),
        "logits": divergence_after(lab, soft),
        "lora": divergence_after(lab, soft, method="lora", lora=Lora(r=8)),
    }
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    root = Path(sys.argv[1])
    (root / "checks.json").write_text(json.dumps(check(root)))
