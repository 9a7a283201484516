"""Run by the engine's Python for test_on_policy.py: on-policy training of tiny models beside its definitions.

Command: `python -m tests.support.workers.on_policy FOLDER`; writes checks.json and students into it. The losses come
with those of an oracle in float64, which reads the definitions and the models' logits alone.
"""

import contextlib
import json
import os
import sys
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from stillhouse.errors import ModelError, ServiceError
from stillhouse.recipe.student import MINIMAL_CHATML
from stillhouse.recipe.teaching.on_policy import OnPolicy
from stillhouse.recipe.training import Lora, Training, TrainingExecution
from stillhouse.students.export import save_student
from stillhouse.students.initialise import initialise
from stillhouse.students.on_policy.batches import split_row
from stillhouse.students.on_policy.server import ServerClient
from stillhouse.students.on_policy.teacher_prompts import TeacherPrompts
from stillhouse.students.on_policy.trl_adapter import VLLMClient
from stillhouse.students.spec import TeacherServer, TeacherWeights, TrainSpec
from stillhouse.students.tokens import encode_rows, stop_ids
from stillhouse.students.train import build_trainer, run_trainer, set_threads
from stillhouse.students.trainer_setup import TrainingJob
from stillhouse.students.worker import run as run_worker_here
from tests.support.workers.training import Silent, make_base

WORDS = ("parcel", "refund", "card", "lost", "late", "broken", "invoice", "password", "account", "plan")
PAIRS = ((0.0, 1.0), (1.0, 1.0), (0.5, 1.0), (0.1, 2.0), (1.0, 0.7))  # beta, kd_temperature


class Recording(Silent):
    """A reporter that keeps the log, and ends the training at a step."""

    def __init__(self, dies_at: int = 10**9) -> None:
        self.lines: list[str] = []
        self._dies_at = dies_at

    def log(self, text: str) -> None:
        self.lines.append(text)

    def beat(self) -> None: ...

    def progress(self, done: int, total: int, unit: str, **detail: Any) -> None:
        if done >= self._dies_at:
            raise KeyboardInterrupt


def texts(count: int, seed: int) -> list[dict[str, Any]]:
    """Return rows whose answer is the question's first word."""
    numbers = torch.Generator().manual_seed(seed)
    made = []
    for index in range(count):
        chosen = torch.randint(len(WORDS), (2 + index % 4,), generator=numbers)
        words = [WORDS[at] for at in chosen]
        made.append(
            {
                "prompt": [{"role": "user", "content": " ".join(words)}],
                "completion": [{"role": "assistant", "content": words[0]}],
            }
        )
    return made


def make_teacher(out: Path, base: Path, *, vocabulary: int = 0, seed: int = 1, width: int = 48, heads: int = 4) -> Path:
    """Write a wider model with the tokenizer of `base`, and perhaps a padded vocabulary."""
    tokenizer = AutoTokenizer.from_pretrained(base)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=vocabulary or len(tokenizer),
        hidden_size=width,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        max_position_embeddings=256,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
        # far from uniform, so that a wrong divergence is another number
        initializer_range=0.3,
    )
    LlamaForCausalLM(config).save_pretrained(out)
    tokenizer.save_pretrained(out)
    return out


def make_job(folder: Path, name: str, *, report: Any = None, teacher: str = "teacher", **changes: Any) -> TrainingJob:
    """Return a job of a cut student on the rows of this file."""
    model, tokenizer = initialise(str(folder / "base"), "", changes.pop("layers", 4), MINIMAL_CHATML)
    stops = stop_ids(model.generation_config, tokenizer)
    own = {"max_new_tokens": 6, "text_share": 0.4, **changes.pop("on_policy", {})}
    weights = TeacherWeights(model=str(folder / teacher)) if teacher else None
    marks = TeacherPrompts(weights, with_reasoning=False) if own.get("bridge") and weights else None
    rows, _ = encode_rows(tokenizer, texts(24, seed=1), stops, 100, marks)
    validation, _ = encode_rows(tokenizer, texts(6, seed=2), stops, 100, marks)
    settings = {
        "kind": "on_policy",
        "epochs": 2,
        "batch_size": 4,
        "save_every": 2,
        "evaluate_every": 4,
        "learning_rate": 3e-3,
        "precision": "float32",
        "early_stopping_patience": 2,
        "execution": TrainingExecution(threads=1, device="cpu"),
        **changes,
    }
    training = Training(**settings, on_policy=OnPolicy(**own))
    checkpoints = folder / name / "checkpoints"
    told = report or Recording()
    return TrainingJob(model, tokenizer, rows, validation, training, checkpoints, told, teacher=weights)


def definition(student: torch.Tensor, teacher: torch.Tensor, beta: float, *, are_logs: bool = False) -> torch.Tensor:
    """Return the divergence of each row's two distributions, from logits in float64, in nats.

    With `are_logs` these are logarithms of shares that need not sum to 1.
    """
    p, q = (part.exp() if are_logs else part.softmax(-1) for part in (teacher, student))
    if beta == 0.0:
        return (p * (p.log() - q.log())).sum(-1)
    if beta == 1.0:
        return (q * (q.log() - p.log())).sum(-1)
    mixed = beta * p + (1 - beta) * q
    to_teacher, to_student = (p * (p / mixed).log()).sum(-1), (q * (q / mixed).log()).sum(-1)
    return beta * to_teacher + (1 - beta) * to_student


def logits_of(model: Any, rows: list[dict[str, list[int]]]) -> torch.Tensor:
    """Return the logits [N, V] from which the rows' answers follow, a row at a time and without padding."""
    found = []
    for row in rows:
        start = row["completion_mask"].index(1)
        found.append(model(input_ids=torch.tensor([row["input_ids"]])).logits[0, start - 1 : -1])
    return torch.cat(found).double()


def check_losses(folder: Path) -> list[dict[str, float]]:
    """Return the validation loss of one batch, and its gradient, beside the definition's."""
    found = []
    for beta, temperature in PAIRS:
        job = make_job(folder, "losses", on_policy={"beta": beta, "kd_temperature": temperature})
        trainer = build_trainer(job)
        student, teacher, rows = trainer.model.eval(), trainer.teacher_model, list(job.validation)
        ours = trainer.compute_loss(student, trainer._prepare_inputs(rows))
        weight = student.model.layers[0].mlp.up_proj.weight
        (gradient,) = torch.autograd.grad(ours, weight)
        with torch.no_grad():
            theirs = logits_of(teacher, rows) / temperature
        oracle = definition(logits_of(student, rows) / temperature, theirs, beta).mean()
        (expected,) = torch.autograd.grad(oracle, weight)
        far = ((gradient - expected).norm() / expected.norm()).item()
        found.append({"beta": beta, "ours": ours.item(), "oracle": oracle.item(), "gradient_far": far})
    return found


def weights_of(model: Any) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def run_job(job: TrainingJob) -> tuple[Any, dict[str, Any]]:
    return run_trainer(build_trainer(job), job)


def check_resume(folder: Path, **changes: Any) -> dict[str, Any]:
    """Return whether trainings killed in both parts have the unkilled one's weights and history."""
    whole, summary = run_job(make_job(folder, "whole", **changes))
    found: dict[str, Any] = {"summary": summary, "equal": []}
    for step in (4, 9):  # of 12; 5 learn text
        name = f"killed-{step}"
        with contextlib.suppress(KeyboardInterrupt):
            run_job(make_job(folder, name, report=Recording(step), **changes))
        report = Recording()
        resumed, again = run_job(make_job(folder, name, report=report, **changes))
        pairs = zip(weights_of(whole).values(), weights_of(resumed).values(), strict=True)
        found["equal"].append(
            {
                "log": report.lines,
                "weights": all(torch.equal(one, other) for one, other in pairs),
                "summary": {k: v for k, v in again.items() if k != "seconds"}
                == {k: v for k, v in summary.items() if k != "seconds"},
            }
        )
    return found


def check_text_steps(folder: Path) -> dict[str, float]:
    """Return the loss of a step on text, and the supervised trainer's own of the same rows."""
    job = make_job(folder, "text", on_policy={"text_share": 0.9}, layers=0)
    trainer, sft = build_trainer(job), build_trainer(make_job(folder, "sft", kind="sft", layers=0))
    rows = list(job.rows)
    trainer.state.max_steps = 10
    (batch,), _ = trainer.get_batch_samples(iter([rows]), 1, trainer.accelerator.device)
    # dropout would differ; the loss is that of a step all the same
    for model in (trainer.model, sft.model):
        model.eval()
    ours = trainer._text_loss(trainer.model, trainer._prepare_inputs(batch)).item()
    return {"ours": ours, "sft": sft.compute_loss(sft.model, sft.data_collator(list(sft.train_dataset))).item()}


def check_accumulation(folder: Path) -> float:
    """Return how far weights are apart whose steps took their rows at once, and in two passes."""
    kept = []
    for rows, passes in ((4, 1), (2, 2)):
        changes = {"batch_size": rows, "gradient_accumulation": passes, "max_steps": 4, "learning_rate": 1e-3}
        job = make_job(folder, f"passes-{passes}", on_policy={"text_share": 0.5, "own_share": 0.5}, **changes)
        job.model.config.attention_dropout = 0.0
        for layer in job.model.model.layers:
            layer.self_attn.attention_dropout = 0.0
        model, _ = run_job(replace(job, validation=[]))
        kept.append(weights_of(model))
    pairs = zip(kept[0].values(), kept[1].values(), strict=True)
    return max((one - other).abs().max().item() for one, other in pairs)


def reverse_kl(student: Any, teacher: Any, rows: list[Any]) -> float:
    with torch.no_grad():
        return definition(logits_of(student.eval(), rows), logits_of(teacher, rows), 1.0).mean().item()


def check_learning(folder: Path) -> dict[str, Any]:
    """Return the reverse KL to the teacher on the student's own answers, before and after training on them."""
    job = make_job(
        folder, "learning", on_policy={"text_share": 0.0}, epochs=4, learning_rate=0.01, early_stopping_patience=0
    )
    trainer = build_trainer(job)
    teacher, prompts = trainer.teacher_model, [split_row(row)[0] for row in job.validation]
    found = []
    for _ in range(2):
        torch.manual_seed(0)
        rows = [
            {"input_ids": prompt + answer, "completion_mask": [0] * len(prompt) + [1] * len(answer)}
            for prompt, answer in zip(prompts, trainer._write(prompts), strict=True)
        ]
        found.append(reverse_kl(trainer.model, teacher, rows))
        if len(found) == 1:
            run_trainer(trainer, job)
    return {"before": found[0], "after": found[1]}


def check_sampling(folder: Path) -> dict[str, Any]:
    """Return answers at two temperatures of sampling, and those of a student with one of their tokens to stop at."""
    found: dict[str, Any] = {}
    stops: list[int] = []
    for name, temperature in (("hot", 1.0), ("cold", 1e-3), ("stopped", 1e-3)):
        job = make_job(folder, "sampling", on_policy={"sampling_temperature": temperature, "kd_temperature": 3.0})
        if name == "stopped":
            stops = [job.tokenizer.eos_token_id, found["cold"][0][0]]
            job.model.generation_config.eos_token_id = stops
        trainer = build_trainer(job)
        torch.manual_seed(0)
        found[name] = trainer._write([split_row(row)[0] for row in job.validation])
        found["compared_at"] = trainer.temperature
    return {**found, "stops": stops}


def check_lora(folder: Path) -> dict[str, Any]:
    """Return what an adapter's training changed, and how far the merged export is from it."""
    job = make_job(folder, "lora", method="lora", lora=Lora(r=4), max_steps=4)
    trained, summary = run_job(job)
    ids = torch.tensor([next(iter(job.rows))["input_ids"]])
    with torch.no_grad():
        adapted = trained.eval()(input_ids=ids).logits
        with trained.disable_adapter():
            before = trained(input_ids=ids).logits
    save_student(trained, job.tokenizer, folder / "merged", "float32")
    merged = LlamaForCausalLM.from_pretrained(folder / "merged", dtype=torch.float32).eval()
    with torch.no_grad():
        after = merged(input_ids=ids).logits
    return {
        "effect": (adapted - before).abs().max().item(),
        "merge_difference": (after - adapted).abs().max().item(),
        "steps": summary["steps"],
    }


def check_padded(folder: Path) -> dict[str, Any]:
    """Return the loss against a teacher whose vocabulary is padded, and that by its definition."""
    job = make_job(folder, "padded", teacher="padded")
    trainer = build_trainer(job)
    rows, width = list(job.validation), job.model.config.vocab_size
    ours = trainer.compute_loss(trainer.model.eval(), trainer._prepare_inputs(rows)).item()
    whole = LlamaForCausalLM.from_pretrained(folder / "padded", dtype=torch.float32).eval()
    with torch.no_grad():
        teacher = logits_of(whole, rows)[:, :width]
        oracle = definition(logits_of(trainer.model, rows), teacher, 1.0).mean().item()
    return {"ours": ours, "oracle": oracle, "widths": [width, whole.config.vocab_size]}


def check_refusals(folder: Path) -> dict[str, str]:
    """Return what is said of jobs that can't be trained."""
    jobs = {
        "other vocabulary": {"teacher": "other"},
        "no teacher": {"teacher": ""},
        "context": {"on_policy": {"max_new_tokens": 250}},
    }
    said = {}
    for name, changes in jobs.items():
        try:
            build_trainer(make_job(folder, "refused", **changes))
        except ModelError as error:
            said[name] = str(error)
    return said


def of_answer(model: Any, prompt: list[int], answer: list[int]) -> torch.Tensor:
    """Return the probabilities [C, V] that an answer's tokens follow from, in float64."""
    ids = torch.tensor([prompt + answer])
    return model(input_ids=ids).logits[0, len(prompt) - 1 : -1].double().softmax(-1)


def merged(shares: torch.Tensor, answer: list[int], groups: list[list[int]]) -> torch.Tensor:
    """Return for each group of tokens the probabilities of its last one, by the chain rule with those before it."""
    rows = []
    for group in groups:
        before = [shares[at, answer[at]] for at in group[:-1]]
        rows.append(shares[group[-1]] * torch.stack(before).prod() if before else shares[group[-1]])
    return torch.stack(rows)


def groups_of(ends: list[int], common: set[int]) -> list[list[int]]:
    found: list[list[int]] = [[]]
    for at, end in enumerate(ends):
        found[-1].append(at)
        if end in common:
            found.append([])
    return found[:-1]


def gold_definition(trainer: Any, row: dict[str, list[int]], beta: float) -> float:
    """Return GOLD's loss of one row whose answer is ASCII, from texts and probabilities alone."""
    tokenizers = trainer._tokenizer, trainer._teacher_tokenizer
    prompt, answer = split_row(row)
    text = tokenizers[0].decode(answer[:-1])
    theirs = [*tokenizers[1](text, add_special_tokens=False)["input_ids"], tokenizers[1].eos_token_id]
    answers, prompts = (answer, theirs), (prompt, row["teacher_prompt"])
    ends = []
    for tokenizer, ids in zip(tokenizers, answers, strict=True):
        lengths = [len(tokenizer.decode([token])) for token in ids[:-1]]
        # the stop token ends behind the text, and nowhere within it
        ends.append([*(sum(lengths[: at + 1]) for at in range(len(lengths))), len(text) + 1])
    common = set(ends[0]) & set(ends[1])
    shares = []
    for model, before, ids, places in zip((trainer.model, trainer.teacher_model), prompts, answers, ends, strict=True):
        shares.append(merged(of_answer(model, before, ids), ids, groups_of(places, common)))
    q, p = shares
    ours, others = (tokenizer.get_vocab() for tokenizer in tokenizers)
    both = sorted(set(ours) & set(others))
    mine, its = [ours[token] for token in both], [others[token] for token in both]
    matched = definition(q[:, mine].clamp_min(1e-8).log(), p[:, its].clamp_min(1e-8).log(), beta, are_logs=True)
    rest_q = q[:, sorted(set(range(q.size(1))) - set(mine))].sort(-1, descending=True).values
    rest_p = p[:, sorted(set(range(p.size(1))) - set(its))].sort(-1, descending=True).values
    width = max(rest_q.size(1), rest_p.size(1))
    rest_q, rest_p = (torch.nn.functional.pad(rest, (0, width - rest.size(1))) for rest in (rest_q, rest_p))
    weight = len(both) / p.size(1)
    return float(weight * matched.mean() + (1 - weight) * (rest_q - rest_p).abs().sum(-1).mean())


def check_gold(folder: Path) -> dict[str, Any]:
    """Return GOLD's loss beside its definition, for another tokenizer and for the same, and that of a training."""
    found: dict[str, Any] = {"losses": []}
    for teacher, beta in (("other", 1.0), ("other", 0.5), ("teacher", 1.0)):
        job = make_job(folder, "gold", teacher=teacher, on_policy={"bridge": "gold", "beta": beta})
        trainer = build_trainer(job)
        trainer.model.eval()
        rows = list(job.validation)
        with torch.no_grad():
            ours = trainer.compute_loss(trainer.model, trainer._prepare_inputs(rows)).item()
            oracle = sum(gold_definition(trainer, row, beta) for row in rows) / len(rows)
        found["losses"].append({"teacher": teacher, "ours": ours, "oracle": oracle})
    changes = {"teacher": "other", "learning_rate": 0.01, "on_policy": {"bridge": "gold", "text_share": 0.0}}
    _, summary = run_job(make_job(folder, "bridged", epochs=4, **changes))
    found["history"] = [one["validation_loss"] for one in summary["history"] if "validation_loss" in one]
    return found


class OneModelServer:
    """Stands for a vLLM server: what it would answer, from a model in this process."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.requests: list[list[int]] = []

    def get_sequence_logprobs(
        self, sequences: list[list[int]], prompt_lengths: list[int], top_logprobs: int, temperature: float
    ) -> dict[str, list[Any]]:
        answers = []
        for sequence, start in zip(sequences, prompt_lengths, strict=True):
            self.requests.append(sequence)
            with torch.no_grad():
                logs = self._model(input_ids=torch.tensor([sequence])).logits[0].log_softmax(-1)
            positions = []
            for at in range(len(sequence)):
                top = logs[at - 1].topk(top_logprobs) if at else None
                entry = {} if top is None else dict(zip(top.indices.tolist(), top.values.tolist(), strict=True))
                ranked = {
                    str(token): {"logprob": value, "rank": rank + 1}
                    for rank, (token, value) in enumerate(entry.items())
                }
                if at and sequence[at] not in entry:
                    rank = int((logs[at - 1] > logs[at - 1, sequence[at]]).sum()) + 1
                    ranked[str(sequence[at])] = {"logprob": float(logs[at - 1, sequence[at]]), "rank": rank}
                positions.append(ranked or None)
            answers.append(
                VLLMClient._format_sequence_logprobs({"prompt_logprobs": positions}, sequence, start, top_logprobs)
            )
        return {name: [answer[name] for answer in answers] for name in answers[0]}


def check_server(folder: Path) -> list[dict[str, float]]:
    """Return the loss of a teacher behind a server beside its definition on the tokens that the server names."""
    found = []
    for beta, tokens in ((1.0, 1), (0.0, 5)):
        own = {"teacher": "server", "beta": beta, "server_tokens": tokens}
        server = TeacherServer(url="http://127.0.0.1:9/v1", model="teacher")
        job = replace(make_job(folder, "server", teacher="", on_policy=own), teacher_server=server)
        trainer = build_trainer(job)
        teacher = LlamaForCausalLM.from_pretrained(folder / "teacher", dtype=torch.float32).eval()
        trainer.teacher_client, rows = OneModelServer(teacher), list(job.validation)
        with torch.no_grad():
            ours = trainer.compute_loss(trainer.model.eval(), trainer._prepare_inputs(rows)).item()
            p, q = (logits_of(model, rows).softmax(-1) for model in (teacher, trainer.model))
        named = torch.tensor([[token] for row in rows for token in split_row(row)[1]])
        if beta == 0.0:
            named = p.topk(tokens).indices
        coarse = [torch.cat([one.gather(1, named), 1 - one.gather(1, named).sum(1, keepdim=True)], 1) for one in (p, q)]
        oracle = definition(coarse[1].log(), coarse[0].log(), beta).mean().item()
        found.append({"beta": beta, "ours": ours, "oracle": oracle})
    return found


class Answering(BaseHTTPRequestHandler):
    """Stands for a vLLM server: it keeps a request, and answers with one token's log-probability at each position."""

    seen: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.seen.append({"path": self.path, "key": self.headers["Authorization"], **body})
        one = {"logprob": -0.5, "rank": 1}
        choices = [{"prompt_logprobs": [None, *({str(at): one} for at in ids[1:])]} for ids in body["prompt"]]
        said = json.dumps({"choices": choices}).encode()
        self.send_response(200 if body["model"] == "teacher" else 404)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, format: str, *given: Any) -> None: ...


def check_client(folder: Path) -> dict[str, Any]:
    """Return what a server is sent, what is read of its answer, and what is said of one that refuses."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ["OWN_API_KEY"] = "k"
    url = f"http://127.0.0.1:{server.server_port}/v1"
    client = ServerClient(TeacherServer(url=url, model="teacher", key_variable="OWN_API_KEY"))
    found = {"read": client.get_sequence_logprobs([[5, 6, 7]], [1], top_logprobs=1)}
    try:
        ServerClient(TeacherServer(url=url, model="other")).get_sequence_logprobs([[5, 6]], [1], top_logprobs=1)
    except ServiceError as error:
        found["refused"] = str(error)
    server.shutdown()
    return {**found, "sent": Answering.seen[0]}


def check_vllm(folder: Path) -> dict[str, float]:
    """Return the loss of a teacher behind the real server at TEACHER_URL, and that of the same weights here."""
    found = {}
    for beta, tokens in ((1.0, 1), (0.0, 5)):
        own = {"teacher": "server", "beta": beta, "server_tokens": tokens}
        server = TeacherServer(url=os.environ["TEACHER_URL"], model="teacher", key_variable="OWN_API_KEY")
        job = replace(make_job(folder, "vllm", teacher="", on_policy=own), teacher_server=server)
        trainer = build_trainer(job)
        batch = trainer._prepare_inputs(list(job.validation))
        with torch.no_grad():
            asked = trainer.compute_loss(trainer.model.eval(), batch).item()
            weights = LlamaForCausalLM.from_pretrained(folder / "servable", dtype=torch.float32).eval()
            trainer.teacher_client = OneModelServer(weights)
            found[f"beta {beta:g}"] = [asked, trainer.compute_loss(trainer.model, batch).item()]
    return found


def check_whole(folder: Path) -> dict[str, Any]:
    """Return the summary of the stage's own worker with a teacher of another tokenizer, and what it exported."""
    for name, count in (("rows", 24), ("validation", 6)):
        lines = (json.dumps({"id": str(at), **row}) + "\n" for at, row in enumerate(texts(count, seed=count)))
        (folder / f"{name}.jsonl").write_text("".join(lines))
    job = make_job(folder, "whole-run", teacher="other", epochs=1, on_policy={"bridge": "gold", "text_share": 0.5})
    spec = TrainSpec(
        base_model=str(folder / "base"),
        layers=4,
        chat_template=MINIMAL_CHATML,
        rows=str(folder / "rows.jsonl"),
        validation=str(folder / "validation.jsonl"),
        training=job.training,
        checkpoints=str(job.checkpoints),
        teacher=job.teacher,
        out=str(folder / "exported"),
    )
    report = Recording()
    (folder / "exported").mkdir()
    summary = run_worker_here(spec, report)
    exported = LlamaForCausalLM.from_pretrained(folder / "exported")
    return {"steps": summary["steps"], "layers": exported.config.num_hidden_layers, "log": report.lines}


def main(folder: Path) -> None:
    make_base(folder / "base", [" ".join(WORDS)])
    make_teacher(folder / "teacher", folder / "base")
    make_teacher(folder / "padded", folder / "base", vocabulary=len(AutoTokenizer.from_pretrained(folder / "base")) + 8)
    # vLLM's attention on CPUs takes heads of 32 numbers and more
    make_teacher(folder / "servable", folder / "base", width=64, heads=2)
    # whose tokens are parts of the student's, and not of the same words
    make_base(folder / "other-words", ["par cel ref und in voi ce plan lost"])
    make_teacher(folder / "other", folder / "other-words")
    checks = {
        "losses": check_losses,
        "text": check_text_steps,
        "accumulation": check_accumulation,
        "learning": check_learning,
        "sampling": check_sampling,
        "lora": check_lora,
        "padded": check_padded,
        "refusals": check_refusals,
        "gold": check_gold,
        "server": check_server,
        "resume": check_resume,
        "client": check_client,
        "whole": check_whole,
        **({"vllm": check_vllm} if "TEACHER_URL" in os.environ else {}),
    }
    found = {}
    for name in sys.argv[2:] or checks:
        started = time.monotonic()
        found[name] = checks[name](folder)
        sys.stderr.write(f"{name}: {time.monotonic() - started:.1f} s {found[name]}\n")
    (folder / "checks.json").write_text(json.dumps(found))


if __name__ == "__main__":
    set_threads(1)
    main(Path(sys.argv[1]))
