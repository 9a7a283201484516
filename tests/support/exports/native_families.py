"""Small checkpoints through a native format: what its runtime scores and writes, beside transformers' own numbers.

Command (engine environment): `python -m tests.support.exports.native_families FORMAT PRECISION FOLDER FAMILY...`;
prints one JSON line a family.
"""

import json
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from stillhouse.errors import ModelError
from stillhouse.recipe.student import MINIMAL_CHATML
from tests.support.families.checkpoints import write_checkpoint
from tests.support.families.families import FAMILIES, Family
from tests.support.families.steps import Silent

# the pattern of Llama 3's published tokenizer; the families' own short one is no engine's
WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# longer than the window of the families that have one
PROMPT = [{"role": "user", "content": "Where is my parcel? " * 8}]


_LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 10_000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}


def known() -> dict[str, Family]:
    """Return the families, as published where the small ones differ, and variants that only exports tell apart."""
    by_name = {family.name: family for family in FAMILIES}
    gemma, llama = {"query_pre_attn_scalar": 32}, by_name["Llama 3.2"]
    by_name |= {name: _changed(by_name[name], **gemma) for name in ("Gemma 2", "Gemma 3 text")}
    by_name["Llama 3.1"] = _changed(llama, rope_parameters=_LLAMA3, tie_word_embeddings=False)
    short = _LLAMA3 | {"original_max_position_embeddings": 64}
    by_name["Llama 3.1 for short texts"] = _changed(llama, rope_parameters=short)
    by_name["Llama with biases"] = _changed(llama, attention_bias=True, mlp_bias=True)
    by_name["Llama of wide heads"] = _changed(llama, head_dim=64)
    by_name["Llama of linear positions"] = _changed(llama, rope_parameters=_LINEAR)
    return by_name


_LINEAR = {"rope_type": "linear", "rope_theta": 10_000.0, "factor": 4.0}


def _changed(family: Family, **config: Any) -> Family:
    return replace(family, config=family.config | config)


def write(family: Family, folder: Path) -> Path:
    """Write the family's checkpoint with a published way to cut words, and the untrained student made of it."""
    from stillhouse.students.initialise import run as write_untrained
    from stillhouse.students.spec import InitialiseSpec

    base, student = folder / "base", folder / "student"
    write_checkpoint(family, base)
    path = base / "tokenizer.json"
    content = json.loads(path.read_text())
    for part in (content.get("pre_tokenizer") or {}).get("pretokenizers", []):
        if part["type"] == "Split":
            part["pattern"] = {"Regex": WORDS}
    path.write_text(json.dumps(content))
    template = None if family.template else MINIMAL_CHATML
    spec = InitialiseSpec(base_model=str(base), chat_template=template, out=str(student), precision="float32")
    write_untrained(spec, Silent())
    _shake(student / "model.safetensors")
    return student


def _shake(path: Path) -> None:
    """Change the norms, which are all 1, and the biases, which are all 0: a lost or misplaced one must show."""
    import torch
    from safetensors.torch import load_file, save_file

    torch.manual_seed(1)
    tensors = load_file(path)
    shaken = {name: one + 0.3 * torch.randn_like(one) if one.dim() == 1 else one for name, one in tensors.items()}
    save_file(shaken, path, {"format": "pt"})


def through(format_name: str, precision: str, family: Family, folder: Path) -> dict[str, Any]:
    """Return what an export of the family scores and writes, and what transformers does."""
    import torch
    from transformers import AutoModelForCausalLM, GenerationConfig

    from stillhouse.exports.convert import Conversion
    from stillhouse.inference.loading import load_tokenizer
    from stillhouse.inference.vllm.request import render, tokenize
    from stillhouse.students.tokens import stop_ids

    student = write(family, folder)
    out, work = (folder / name for name in ("out", "work"))
    out.mkdir()
    work.mkdir()
    package = f"stillhouse.exports.{format_name}"
    job = Conversion(student=student, out=out, work=work, precision=precision, kind="causal_lm")
    made = import_module(f"{package}.convert").convert(job)
    tokenizer = load_tokenizer(str(student))
    rendered = render(tokenizer, PROMPT)
    prompt = list(tokenize(tokenizer, rendered))
    # of one token, of two, and of two that begin alike
    choices = [[310], [311, 312], [311, 313, 314]]
    runtime = import_module(f"{package}.runtime").load_runtime(out, 1)
    model = AutoModelForCausalLM.from_pretrained(student, dtype=torch.float32).eval()

    def expected(choice: list[int]) -> float:
        with torch.no_grad():
            logits = model(torch.tensor([prompt + choice])).logits[0].log_softmax(-1)
        return float(sum(logits[len(prompt) - 1 + place, token] for place, token in enumerate(choice)))

    def worst_choice(written: list[int]) -> float:
        """Return by how much the likeliest token is likelier than the written one, where most."""
        with torch.no_grad():
            logits = model(torch.tensor([prompt + written])).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
        return float((logits.max(-1).values - logits[range(len(written)), written]).max())

    one_pass = [[token] for token in range(0, 300, 7)]
    own = runtime.own_tokens()
    found = {
        "scores": runtime.score(prompt, choices),
        "expected": [expected(choice) for choice in choices],
        "one_pass": runtime.score(prompt, one_pass),
        "one_pass_expected": [expected(choice) for choice in one_pass[:3]],
        "worst_choice": worst_choice(runtime.generate(prompt, max_tokens=8, stop_ids=frozenset({0}))),
        "tokens": runtime.tokenize(rendered),
        "tokens_expected": prompt,
        "stops": sorted(own.stop_ids) if own else None,
        "training_stops": sorted(stop_ids(GenerationConfig.from_pretrained(student), tokenizer)),
        "adds_bos": own.adds_bos if own else None,
        "training_adds_bos": tokenizer("a").input_ids[:1] == [tokenizer.bos_token_id],
    }
    runtime.close()
    return found | {"damaged": _damaged(out / made.weights[0], package, out)}


def _damaged(weights: Path, package: str, out: Path) -> str:
    """Return what is said of an export whose file of weights ends too early."""
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
    try:
        import_module(f"{package}.runtime").load_runtime(out, 1)
    except ModelError as error:
        return str(error)
    return "it was loaded"


def main(format_name: str, precision: str, folder: str, *names: str) -> None:
    """Print the line of each family."""
    for name, family in known().items():
        if names and name not in names:
            continue
        own = Path(folder) / name.lower().replace(" ", "-")
        try:
            found: object = through(format_name, precision, family, own)
        except ModelError as error:
            found = str(error)
        sys.stdout.write(json.dumps({name: found}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
