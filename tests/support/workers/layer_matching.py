"""Run by the engine's Python for test_layer_matching.py: tiny students that learn layers, beside oracles in float64.

Command: `python -m tests.support.workers.layer_matching FOLDER`; writes checks.json into it. The oracles go row by row,
without padding, over what transformers says of its own layers; they read the definitions and no code of ours.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from stillhouse.errors import ModelError
from stillhouse.recipe.student import MINIMAL_CHATML
from stillhouse.recipe.training import Lora, Training, TrainingExecution
from stillhouse.students.export import save_student
from stillhouse.students.initialise import initialise
from stillhouse.students.spec import TeacherWeights
from stillhouse.students.tokens import encode_rows, stop_ids
from stillhouse.students.train import build_trainer, train
from stillhouse.students.trainer_setup import TrainingJob
from tests.support.workers.soft_labels import make_rows
from tests.support.workers.training import Silent, make_base

STATES = {"kind": "hidden_states"}
RELATIONS = {"kind": "attention"}


class Dying(Silent):
    """A reporter under which a training ends at a step."""

    def progress(self, done: int, total: int, unit: str, **detail: Any) -> None:
        if done > 4:
            raise KeyboardInterrupt


class Lab:
    """A student of 2 of 6 layers, a wider teacher of 8, and rows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        raw = make_rows(12)
        make_base(folder / "base", [row["prompt"][0]["content"] for row in raw])
        self.teacher = self.make_teacher("teacher", hidden_size=48, num_hidden_layers=8, num_attention_heads=6)
        self.tokenizer = self.fresh()[1]
        stops = stop_ids(self.fresh()[0].generation_config, self.tokenizer)
        self.rows, _ = encode_rows(self.tokenizer, raw, stops, 200)

    def make_teacher(self, name: str, **sizes: int) -> TeacherWeights:
        tokenizer = AutoTokenizer.from_pretrained(self.folder / "base")
        torch.manual_seed(7)
        config = LlamaConfig(
            vocab_size=len(tokenizer),
            intermediate_size=64,
            num_key_value_heads=sizes["num_attention_heads"] // 2,
            max_position_embeddings=256,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=None,
            **sizes,
        )
        LlamaForCausalLM(config).save_pretrained(self.folder / name)
        tokenizer.save_pretrained(self.folder / name)
        return TeacherWeights(model=str(self.folder / name))

    def fresh(self, layers: int = 2, *, has_dropout: bool = False) -> tuple[Any, Any]:
        torch.manual_seed(0)
        model, tokenizer = initialise(str(self.folder / "base"), "", layers, MINIMAL_CHATML)
        if not has_dropout:
            for module in model.modules():
                if hasattr(module, "attention_dropout"):
                    module.attention_dropout = 0.0
        return model, tokenizer

    def job(self, model: Any, *, teacher: TeacherWeights | None = None, report: Any = None, **training: Any) -> Any:
        settings: dict[str, Any] = {
            "batch_size": len(self.rows),
            "learning_rate": 5e-3,
            "precision": "float32",
            "max_length": 200,
            "execution": TrainingExecution(threads=1, device="cpu"),
            **training,
        }
        name = settings.pop("name", "none")
        asked = Training.model_validate(settings)
        place = self.folder / name
        source = teacher or self.teacher
        validation = self.rows[:4] if settings.get("evaluate_every") else []
        return TrainingJob(
            model, self.tokenizer, self.rows, validation, asked, place, report or Silent(), teacher=source
        )


def whole_loss(trainer: Any, side: str = "right") -> float:
    """Return the loss of all rows as one batch, padded at one side."""
    batch = trainer.data_collator([trainer.train_dataset[i] for i in range(len(trainer.train_dataset))])
    if side == "left":
        lengths = batch["attention_mask"].sum(dim=1).tolist()
        batch = {
            name: torch.stack([row.roll(len(row) - length) for row, length in zip(value, lengths, strict=True)])
            for name, value in batch.items()
        }
        batch["position_ids"] = (batch["attention_mask"].cumsum(dim=1) - 1).clamp(min=0)
    # as in training; there is no dropout
    trainer.model.train()
    with torch.no_grad():
        return float(trainer.compute_loss(trainer.model, dict(batch)))


def layers_of(model: Any, ids: list[int]) -> tuple[list[np.ndarray], Any]:
    """Return what each layer gives (T, D), before the last norm, and the model's own outputs."""
    last: list[Any] = []
    hook = model.model.norm.register_forward_pre_hook(lambda _, given: last.append(given[0]))
    with torch.no_grad():
        outputs = model(input_ids=torch.tensor([ids]), output_hidden_states=True)
    hook.remove()
    states = [*outputs.hidden_states[1:-1], last[0]]
    return [state[0].double().numpy() for state in states], outputs


def oracle(
    lab: Lab, models: tuple[Any, Any], distance: Any, tokens: str, answers: Any = None, *, weights: tuple[float, float]
) -> float:
    """Return cross-entropy, distance and answers, each a mean over its tokens, the last two weighted."""
    ce, compared, softened, count, matched = 0.0, 0.0, 0.0, 0, 0
    for row in lab.rows:
        ids, mask = row["input_ids"], row["completion_mask"]
        both = [layers_of(model, ids) for model in models]
        logits = [each[1].logits[0].double().numpy() for each in both]
        places = [place for place, is_answer in enumerate(mask) if is_answer]
        for place in places:
            log_q = log_softmax(logits[0][place - 1])
            ce -= log_q[ids[place]]
            if answers:
                softened += answers(logits[0][place - 1], logits[1][place - 1])
        chosen = range(len(ids)) if tokens == "all" else [place - 1 for place in places]
        compared += sum(distance(models, both, token) for token in chosen)
        count, matched = count + len(places), matched + len(chosen)
    return ce / count + weights[0] * compared / matched + weights[1] * softened / count


def log_softmax(scores: np.ndarray) -> np.ndarray:
    return scores - scores.max() - np.log(np.exp(scores - scores.max()).sum())


def state_distance(kind: str, pairs: list[tuple[int, int]], projections: dict[str, np.ndarray]) -> Any:
    def distance(_: Any, both: Any, token: int) -> float:
        found = []
        for own, other in pairs:
            s, t = both[0][0][own][token], both[1][0][other][token]
            if f"layer_{own}" in projections:
                s = projections[f"layer_{own}"] @ s
            if kind == "cosine":
                found.append(1 - s @ t / np.sqrt((s @ s) * (t @ t)))
            else:
                found.append(np.mean((s - t) ** 2) / (np.mean(t**2) if kind == "relative_mse" else 1.0))
        return float(np.mean(found))

    return distance


def relation_distance(pairs: list[tuple[int, int]], relations: tuple[str, ...], heads: int) -> Any:
    def vectors(model: Any, outputs: Any, layer: int, relation: str) -> np.ndarray:
        block = model.model.layers[layer]
        name = {"queries": "q_proj", "keys": "k_proj", "values": "v_proj"}[relation]
        with torch.no_grad():
            given = block.input_layernorm(outputs.hidden_states[layer][0])
            return getattr(block.self_attn, name)(given).double().numpy()

    def log_relation(whole: np.ndarray, head: int, token: int) -> np.ndarray:
        size = whole.shape[1] // heads
        part = whole[: token + 1, head * size : (head + 1) * size]
        return log_softmax(part @ part[token] / np.sqrt(size))

    def distance(models: Any, both: Any, token: int) -> float:
        total = 0.0
        for own, other in pairs:
            for relation in relations:
                s = vectors(models[0], both[0][1], own, relation)
                t = vectors(models[1], both[1][1], other, relation)
                for head in range(heads):
                    log_s, log_t = log_relation(s, head, token), log_relation(t, head, token)
                    total += float(np.sum(np.exp(log_t) * (log_t - log_s))) / heads
        return total / len(pairs)

    return distance


def softened_kl(temperature: float) -> Any:
    def kl(student: np.ndarray, source: np.ndarray) -> float:
        q, p = log_softmax(student / temperature), log_softmax(source / temperature)
        return float(temperature**2 * np.sum(np.exp(p) * (p - q)))

    return kl


def losses(lab: Lab) -> dict[str, list[float]]:
    """Return by name the trainer's loss padded right, padded left, and the oracle's."""
    teacher = LlamaForCausalLM.from_pretrained(lab.folder / "teacher", dtype=torch.float32).eval()
    found = {}
    for kind, tokens in (("mse", "all"), ("relative_mse", "completion"), ("cosine", "all")):
        settings = {"loss": kind, "tokens": tokens, "logits_weight": 0.7, "kd_temperature": 2.0}
        trainer = build_trainer(lab.job(lab.fresh()[0], hidden_states=settings, **STATES))
        learnt = {
            name.split(".")[0]: weight.double().numpy()
            for name, weight in trainer.model.layer_projections.state_dict().items()
        }
        ours = [whole_loss(trainer), whole_loss(trainer, "left")]
        distance = state_distance(kind, [(0, 3), (1, 7)], learnt)
        models = (trainer.model, teacher)
        found[kind] = [*ours, oracle(lab, models, distance, tokens, softened_kl(2.0), weights=(1.0, 0.7))]
    for name, pairs, settings in (
        ("last", [(1, 7)], {}),
        ("given", [(0, 2), (1, 5)], {"layers": [2, 5], "relations": ["keys", "values"], "relation_heads": 4}),
        ("completion", [(0, 3), (1, 7)], {"layers": "even", "tokens": "completion", "relations": ["queries"]}),
    ):
        # relations of random models hardly differ: a large weight shows them beside the cross-entropy
        weighted = {**settings, "weight": 1000.0}
        trainer = build_trainer(lab.job(lab.fresh()[0], attention=weighted, **RELATIONS))
        ours = [whole_loss(trainer), whole_loss(trainer, "left")]
        relations = tuple(settings.get("relations", ("queries", "keys", "values")))
        # widths of queries 32 and 48, of keys and values 16 and 24
        heads = settings.get("relation_heads") or (16 if relations == ("queries",) else 8)
        distance = relation_distance(pairs, relations, heads)
        models, tokens = (trainer.model, teacher), settings.get("tokens", "all")
        found[name] = [*ours, oracle(lab, models, distance, tokens, weights=(1000.0, 0.0))]
    return found


def matching_alone(lab: Lab, model: Any, method: dict[str, Any], **training: Any) -> float:
    """Return the loss without its cross-entropy, with the whole base model as the source."""
    settings = {"cross_entropy_weight": 0.0, "source": "base", "logits_weight": 1.0, "embeddings": True}
    if method is RELATIONS:
        settings.pop("embeddings")
    base = TeacherWeights(model=str(lab.folder / "base"))
    job = lab.job(model, teacher=base, **method, **{method["kind"]: settings}, **training)
    return whole_loss(build_trainer(job))


def step_of(lab: Lab, method: dict[str, Any], **training: Any) -> tuple[float, float, float]:
    """Return loss, matching loss and norm of the gradient of one step over all rows."""
    trainer = build_trainer(lab.job(lab.fresh()[0], max_steps=1, **method, **training))
    trainer.train()
    entry = next(entry for entry in trainer.state.log_history if "loss" in entry)
    return entry["loss"], entry["matching_loss"], entry["grad_norm"]


def steps(lab: Lab) -> dict[str, list[Any]]:
    """Return by name the numbers of a step over one batch, and over others that must be the same."""
    found = {}
    for name, method in {
        "states": {**STATES, "hidden_states": {"logits_weight": 0.5}},
        "relations": {**RELATIONS, "attention": {"layers": "even", "logits_weight": 0.5}},
    }.items():
        checkpointed = TrainingExecution(threads=1, device="cpu", gradient_checkpointing=True)
        found[name] = [
            step_of(lab, method),
            step_of(lab, method, batch_size=4, gradient_accumulation=3),
            step_of(lab, method, execution=checkpointed),
        ]
    # the larger the weight, the more of the step is what is compared
    method = {**RELATIONS, "attention": {"weight": 1000.0}}
    found["bfloat16"] = [step_of(lab, method), step_of(lab, method, precision="bfloat16")]
    found["packed"] = [step_of(lab, STATES), step_of(lab, STATES, packing=True)]
    return found


def trained(lab: Lab, name: str, report: Any = None, **training: Any) -> tuple[Any, dict[str, Any]]:
    model, _ = lab.fresh(has_dropout=True)
    job = lab.job(model, name=name, report=report, batch_size=4, epochs=3, save_every=2, **training)
    return train(job)


def resumed(lab: Lab, name: str, **training: Any) -> dict[str, Any]:
    """Return whether a killed and resumed training has the unkilled one's weights and history, and what was kept."""
    whole, summary = trained(lab, f"{name}-whole", **training)
    try:
        trained(lab, f"{name}-killed", report=Dying(), **training)
    except KeyboardInterrupt:
        kept = sorted((lab.folder / f"{name}-killed").glob("checkpoint-*"))[-1]
    for torn in (lab.folder / f"{name}-killed").glob("checkpoint-*"):
        if torn != kept:
            shutil.rmtree(torn)
    files = {weight for path in kept.glob("*.safetensors") for weight in load_file(path)}
    again, summary_again = trained(lab, f"{name}-killed", **training)
    has_equal_weights = is_equal(whole.state_dict(), again.state_dict())
    # which merges an adapter
    save_student(whole, lab.tokenizer, lab.folder / f"{name}-export", "float32")
    exported = load_file(lab.folder / f"{name}-export" / "model.safetensors")
    untrained = lab.fresh()[0].state_dict()
    return {
        "weights": has_equal_weights,
        "history": summary["history"] == summary_again["history"],
        "projections_kept": len({weight for weight in files if weight.endswith(("layer_0.weight", "layer_1.weight"))}),
        "exported_beside_the_base": sorted(exported.keys() - untrained.keys()),
        "losses": [point["matching_loss"] for point in summary["history"] if "matching_loss" in point],
    }


def is_equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def validation_losses(lab: Lab) -> list[float]:
    """Return the loss of validation of plain training and of both methods."""
    ways: list[dict[str, Any]] = [{"kind": "sft"}, {**STATES, "hidden_states": {"logits_weight": 1.0}}, RELATIONS]
    jobs = [lab.job(lab.fresh()[0], evaluate_every=1, **way) for way in ways]
    return [float(build_trainer(job).evaluate()["eval_loss"]) for job in jobs]


def refusals(lab: Lab) -> dict[str, str]:
    """Return what is said of what does not fit."""
    other = Path(lab.folder / "other")
    lab.make_teacher("other", hidden_size=48, num_hidden_layers=8, num_attention_heads=6)
    tokenizer = json.loads((other / "tokenizer.json").read_text())
    first = next(iter(tokenizer["model"]["vocab"]))
    tokenizer["model"]["vocab"]["unknown"] = tokenizer["model"]["vocab"].pop(first)
    (other / "tokenizer.json").write_text(json.dumps(tokenizer))
    asked: dict[str, dict[str, Any]] = {
        "length": {**STATES, "hidden_states": {"layers": [1, 2, 3]}},
        "range": {**STATES, "hidden_states": {"layers": [1, 8]}},
        "heads": {**RELATIONS, "attention": {"relation_heads": 5}},
        "vocabulary": {**RELATIONS, "teacher": TeacherWeights(model=str(other))},
    }
    found = {}
    for name, given in asked.items():
        try:
            build_trainer(lab.job(lab.fresh()[0], **given))
        except ModelError as error:
            found[name] = str(error)
    return found


def check(folder: Path) -> dict[str, Any]:
    lab = Lab(folder)
    whole = {"layers": 0}
    return {
        "losses": losses(lab),
        "equal": [matching_alone(lab, lab.fresh(**whole)[0], method) for method in (STATES, RELATIONS)],
        "cut": [matching_alone(lab, lab.fresh()[0], method) for method in (STATES, RELATIONS)],
        "steps": steps(lab),
        "validation": validation_losses(lab),
        "resumed": {
            "states": resumed(lab, "states", evaluate_every=4, **STATES),
            "adapter": resumed(lab, "adapter", method="lora", lora=Lora(r=4), **STATES),
            "relations": resumed(lab, "relations", **RELATIONS),
        },
        "refusals": refusals(lab),
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    root = Path(sys.argv[1])
    (root / "checks.json").write_text(json.dumps(check(root)))
