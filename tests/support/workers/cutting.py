"""Run by the engine's Python for test_cutting.py: cuts tiny models in which useless parts were planted.

Command: `python -m tests.support.workers.cutting FOLDER`; writes FOLDER/cuts.json.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from stillhouse.errors import UserError
from stillhouse.recipe.student import MINIMAL_CHATML
from stillhouse.recipe.training import Training, TrainingExecution
from stillhouse.students.base_model import load_base
from stillhouse.students.cutting import importance
from stillhouse.students.cutting.families import FAMILIES
from stillhouse.students.cutting.loss import mean_loss
from stillhouse.students.cutting.shape import Shape
from stillhouse.students.cutting.spec import CutSpec
from stillhouse.students.cutting.worker import run
from stillhouse.students.initialise import find_layers, initialise, take_layers
from stillhouse.students.tokens import encode_rows, stop_ids
from tests.support.workers.training import Silent, make_base, manual_loss

SIZES = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 6,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 256,
}
TOKENS = {"bos_token_id": None, "eos_token_id": 1, "pad_token_id": 0}
OWN: dict[str, dict[str, Any]] = {
    "llama": {"attention_bias": True, "mlp_bias": True},
    "gpt2": {"n_embd": 32, "n_layer": 6, "n_head": 4, "n_positions": 256},
    "gemma3_text": {"sliding_window": 64},
    "gemma2": {"sliding_window": 64},
}
USELESS_LAYERS = (2, 4)
CALM = TrainingExecution(threads=1, device="cpu")


class Calm(Silent):
    def beat(self) -> None: ...


def write_family(kind: str, tokens: Path, folder: Path, **more: Any) -> Any:
    """Write a tiny model of a family, in float32, with the tokenizer that lies in `tokens`, and return it."""
    tokenizer = AutoTokenizer.from_pretrained(tokens)
    sizes = {} if kind == "gpt2" else SIZES
    torch.manual_seed(1)
    sizes = sizes | TOKENS | {"vocab_size": len(tokenizer)}
    config = AutoConfig.for_model(kind, **(sizes | OWN.get(kind, {}) | more))
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            # as initialised all parts add next to nothing, and biases are 0
            if weight.dim() > 1:
                weight.normal_(0, 0.2)
            elif name.endswith("bias"):
                weight.normal_(0, 0.1)
    plant(model, kind)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model


def plant(model: Any, kind: str) -> None:
    """Make two layers, half of the neurons and half of the groups of heads add nothing, others in each layer."""
    family, shape = FAMILIES[kind], Shape.of(model.config)
    for number, layer in enumerate(find_layers(model)):
        chance = torch.Generator().manual_seed(number)
        neurons = torch.randperm(shape.neurons, generator=chance)[: shape.neurons // 2]
        clear_inputs(layer.get_submodule(family.feed_forward.out), neurons)
        if family.heads:
            # of a model whose heads all share keys and values: half of the heads
            parts = shape.kv_heads if shape.kv_heads > 1 else shape.heads
            gone = torch.randperm(parts, generator=chance)[: parts // 2]
            width = shape.heads // parts * shape.head_size
            clear_inputs(layer.get_submodule(family.heads.out), (gone[:, None] * width + torch.arange(width)).flatten())
        if number in USELESS_LAYERS:
            for name in joins(layer, family):
                module = layer.get_submodule(name)
                for weight in module.parameters():
                    weight.data.zero_()
            for name, module in layer.named_children():
                # Gemma norms what a block adds, with 1 + weight
                if name in ("post_attention_layernorm", "post_feedforward_layernorm") and "gemma" in kind:
                    module.weight.data.fill_(-1.0)


def joins(layer: Any, family: Any) -> list[str]:
    names = [family.feed_forward.out]
    names += [family.heads.out] if family.heads else []
    others = [
        name for name, _ in layer.named_modules() if name in ("attn.c_proj", "attention.dense", "self_attn.o_proj")
    ]
    return sorted({*names, *others})


def clear_inputs(module: Any, indices: torch.Tensor) -> None:
    weight = module.weight.data if isinstance(module, nn.Linear) else module.weight.data.T
    weight[:, indices] = 0.0


def cut(folder: Path, base: Path, name: str, keep: int = 0, **own: Any) -> dict[str, Any]:
    """Return what the worker says of one cut, with the largest difference of logits before and after it."""
    fields = {key: own.pop(key) for key in ("correction", "validation") if key in own}
    spec = CutSpec(
        base_model=str(base),
        layers=keep,
        cut={"sample": 7, **own},
        chat_template=MINIMAL_CHATML,
        rows=str(folder / "rows.jsonl"),
        max_length=100,
        device="cpu",
        threads=1,
        checkpoints=str(folder / "checkpoints" / name),
        out=str(folder / "cuts" / name),
        **fields,
    )
    Path(spec.out).mkdir(parents=True)
    try:
        said = run(spec, Calm())
    except UserError as error:
        return {"refused": str(error)}
    files = sorted(path.name for path in Path(spec.out).iterdir())
    if "config.json" not in files:
        return said | {"files": files}
    before, after = (load_base(str(path), "")[0].eval() for path in (base, spec.out))
    ids = torch.arange(5, 45)[None]
    with torch.no_grad():
        whole, left = before(input_ids=ids).logits, after(input_ids=ids).logits
        used = [
            after.generate(ids, max_new_tokens=8, do_sample=False, use_cache=use)[0].tolist() for use in (True, False)
        ]
    config = json.loads((Path(spec.out) / "config.json").read_text())
    return said | {
        "files": files,
        "config": config,
        "difference": (whole - left).abs().max().item(),
        "scale": whole.abs().max().item(),
        "cached_decoding_is_equal": used[0] == used[1],
        "is_tied": after.get_input_embeddings().weight is after.get_output_embeddings().weight,
    }


def families(folder: Path) -> dict[str, Any]:
    """Cut away from each family what was planted."""
    found = {}
    for kind, family in FAMILIES.items():
        base = folder / "bases" / kind
        write_family(kind, folder / "base", base)
        heads = 0.5 if family.heads else 1.0
        found[kind] = cut(folder, base, kind, 4, layers="influence", feed_forward=0.5, heads=heads)
    return found


def numbers(folder: Path, raw: list[dict[str, Any]]) -> dict[str, Any]:
    """Hold importance and losses against their definitions, a token, a neuron and a head at a time."""
    base = folder / "bases" / "llama"
    model, tokenizer = initialise(str(base), "", 0, MINIMAL_CHATML)
    model.eval()
    rows, _ = encode_rows(tokenizer, raw[:3], stop_ids(model.generation_config, tokenizer), 100)
    family, shape = FAMILIES["llama"], Shape.of(model.config)
    measured = importance.measure(model, rows, family.feed_forward, family.heads, lambda: None)
    found: dict[str, Any] = {"loss": mean_loss(model, rows), "manual_loss": manual_loss(model, rows)}
    found["influence"], found["manual_influence"] = measured.influence(), by_hand_influence(model, rows)
    found["neurons"], found["heads"] = (measured.neurons[1].tolist(), measured.heads[1].tolist())
    found["manual_neurons"] = by_hand_added(model, rows, "mlp.down_proj", 1)
    found["manual_heads"] = by_hand_added(model, rows, "self_attn.o_proj", shape.head_size)
    found["loss_without"] = importance.loss_without(model, rows, lambda: None)
    found["manual_loss_without"] = []
    for left_out in range(shape.layers):
        less, _ = load_base(str(base), "")
        take_layers(less, [layer for layer in range(shape.layers) if layer != left_out])
        found["manual_loss_without"].append(manual_loss(less.eval(), rows) - found["manual_loss"])
    return found


def by_hand_influence(model: Any, rows: list[dict[str, Any]]) -> list[float]:
    """Return 1 - cosine a layer, of the hidden states that each layer in turn makes of the one before."""
    sums, tokens = [0.0] * len(model.model.layers), 0
    for row in rows:
        ids = torch.tensor([row["input_ids"]])
        states = []
        with torch.no_grad():
            hidden = model.model.embed_tokens(ids)
            positions = model.model.rotary_emb(hidden, torch.arange(ids.shape[1])[None])
            mask = torch.full((ids.shape[1],) * 2, float("-inf")).triu(1)[None, None]
            for layer in model.model.layers:
                read, hidden = hidden, layer(hidden, attention_mask=mask, position_embeddings=positions)
                states.append((read, hidden))
        for layer, (read, written) in enumerate(states):
            for before, after in zip(read[0].double().tolist(), written[0].double().tolist(), strict=True):
                dot = sum(a * b for a, b in zip(before, after, strict=True))
                sums[layer] += 1 - dot / (sum(a * a for a in before) * sum(b * b for b in after)) ** 0.5
        tokens += ids.shape[1]
    return [total / tokens for total in sums]


def by_hand_added(model: Any, rows: list[dict[str, Any]], name: str, size: int) -> list[float]:
    """Return for layer 1 the squared length of what each part of the inputs of a linear layer adds alone."""
    module = model.model.layers[1].get_submodule(name)
    inputs: list[torch.Tensor] = []
    hook = module.register_forward_pre_hook(lambda _m, args: inputs.append(args[0][0].double()))
    with torch.no_grad():
        for row in rows:
            model(input_ids=torch.tensor([row["input_ids"]]))
    hook.remove()
    weight, given = module.weight.detach().double(), torch.cat(inputs)
    found = []
    for start in range(0, given.shape[1], size):
        alone = torch.zeros_like(given)
        alone[:, start : start + size] = given[:, start : start + size]
        found.append((alone @ weight.T).square().sum().item())
    return found


def single_cuts(folder: Path) -> dict[str, Any]:
    llama, gpt2 = folder / "bases" / "llama", folder / "bases" / "gpt2"
    shared = folder / "bases" / "shared"
    write_family("llama", folder / "base", shared, num_key_value_heads=1)
    training = Training(max_steps=12, learning_rate=0.01, batch_size=4, precision="float32", execution=CALM)
    return {
        "even": cut(folder, llama, "even", 4, layers="even"),
        "first": cut(folder, llama, "first", 3, layers="first"),
        "given": cut(folder, llama, "given", layers=[1, 2, 5]),
        "loss": cut(folder, llama, "loss", 4, layers="loss"),
        "shared": cut(folder, shared, "shared", heads=0.5),
        "untied": cut(folder, gpt2, "untied", embeddings="untied"),
        "tied": cut(folder, llama, "tied", embeddings="tied"),
        "new": cut(folder, llama, "new", embeddings="new"),
        "validation": cut(folder, llama, "validation", 4, validation=str(folder / "validation.jsonl")),
        "corrected": cut(folder, llama, "corrected", 4, layers="first", correction=training),
    }


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    raw = [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]
    make_base(folder / "base", [row["prompt"][0]["content"] for row in raw])
    found = {"families": families(folder), "numbers": numbers(folder, raw), "cuts": single_cuts(folder)}
    (folder / "cuts.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
