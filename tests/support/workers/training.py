"""Run by the engine's Python for test_training.py: makes the tiny base model, and checks what needs torch.

Command: `python -m tests.support.workers.training FOLDER`; prints one JSON object.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import SFTConfig, SFTTrainer

from stillhouse.recipe.student import MINIMAL_CHATML
from stillhouse.recipe.training import Lora, Training
from stillhouse.students.base_model import load_base
from stillhouse.students.export import save_student
from stillhouse.students.initialise import initialise
from stillhouse.students.tokens import encode_rows, stop_ids
from stillhouse.students.train import build_trainer
from stillhouse.students.trainer_setup import TrainingJob

DEFAULT_SYSTEM = "You are a model with much to say about itself"
# as SmolLM2's: a default system prompt, and a newline after the stop token
TALKATIVE = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\n" + DEFAULT_SYSTEM + "<|im_end|>\n' }}{% endif %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


class Silent:
    def progress(self, done: int, total: int, unit: str, **detail: Any) -> None: ...
    def metric(self, name: str, value: float, step: int = 0) -> None: ...
    def log(self, text: str) -> None: ...
    def beat(self) -> None: ...


def make_base(out: Path, texts: list[str]) -> None:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(texts, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|im_end|>")
    fast.chat_template = TALKATIVE
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(fast),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=6,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        # so that a resumed run must restore the random numbers too
        attention_dropout=0.2,
        eos_token_id=fast.eos_token_id,
        pad_token_id=fast.pad_token_id,
        bos_token_id=None,
        tie_word_embeddings=True,
    )
    LlamaForCausalLM(config).save_pretrained(out)
    fast.save_pretrained(out)


def manual_loss(model: Any, rows: list[dict[str, list[int]]]) -> float:
    """Return the mean negative log-likelihood of the masked tokens, one row at a time, in float64."""
    total, count = 0.0, 0
    for row in rows:
        ids = torch.tensor([row["input_ids"]])
        with torch.no_grad():
            log_probs = model(input_ids=ids).logits[0].double().log_softmax(-1)
        for place, counts in enumerate(row["completion_mask"]):
            if counts:
                total -= log_probs[place - 1, row["input_ids"][place]].item()
                count += 1
    return total / count


def trainer_loss(trainer: Any) -> tuple[float, list[list[int]]]:
    """Return the trainer's own loss on all rows as one batch, without dropout, and the batch's labels."""
    batch = trainer.data_collator([trainer.train_dataset[i] for i in range(len(trainer.train_dataset))])
    trainer.model.eval()
    with torch.no_grad():
        loss = trainer.compute_loss(trainer.model, dict(batch)).item()
    return loss, batch["labels"].tolist()


def check(folder: Path, raw: list[dict[str, Any]]) -> dict[str, Any]:
    base = folder / "base"
    model, tokenizer = initialise(str(base), "", 4, MINIMAL_CHATML)
    whole, _ = load_base(str(base), "")
    found: dict[str, Any] = {"layer_indices": [layer.self_attn.layer_idx for layer in model.model.layers]}
    found["kept_weights_equal"] = all(
        torch.equal(kept, original)
        for new, old in enumerate((0, 2, 3, 5))
        for kept, original in zip(
            model.model.layers[new].parameters(), whole.model.layers[old].parameters(), strict=True
        )
    )
    found["config_layers"] = model.config.num_hidden_layers
    rows, _ = encode_rows(tokenizer, raw[:5], stop_ids(model.generation_config, tokenizer), 100)
    found["prompt"] = tokenizer.decode(
        [t for t, m in zip(rows[0]["input_ids"], rows[0]["completion_mask"], strict=True) if not m]
    )
    found["completion"] = tokenizer.decode(
        [t for t, m in zip(rows[0]["input_ids"], rows[0]["completion_mask"], strict=True) if m]
    )
    training = Training(batch_size=5, learning_rate=5e-4, precision="float32", max_length=100)
    found["manual_loss"] = manual_loss(model.eval(), rows)
    for packing in (False, True):
        job = TrainingJob(
            model, tokenizer, rows, [], training.model_copy(update={"packing": packing}), folder / "none", Silent()
        )
        trainer = build_trainer(job)
        found["packed_loss" if packing else "loss"], labels = trainer_loss(trainer)
        if not packing:
            found["labels"], found["rows"] = labels, rows
    found["trl"] = trl_tokens(model, tokenizer, raw[:5], folder / "none")
    found["merge_difference"], found["adapter_effect"] = lora_merge(base, rows, folder)
    return found


def trl_tokens(model: Any, tokenizer: Any, raw: list[dict[str, Any]], out: Path) -> list[dict[str, Any]]:
    """Return what TRL itself makes of the same rows."""
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(output_dir=str(out), use_cpu=True, bf16=False, report_to="none", gradient_checkpointing=False),
        train_dataset=Dataset.from_list([{key: row[key] for key in ("prompt", "completion")} for row in raw]),
        processing_class=tokenizer,
    )
    return [{"input_ids": row["input_ids"], "labels": row["labels"]} for row in trainer.train_dataset]


def lora_merge(base: Path, rows: list[dict[str, list[int]]], folder: Path) -> tuple[float, float]:
    """Return the largest logit difference of adapter and merged export, and of adapter and base."""
    model, tokenizer = initialise(str(base), "", 4, MINIMAL_CHATML)
    ids = torch.tensor([rows[0]["input_ids"]])
    with torch.no_grad():
        before = model.eval()(input_ids=ids).logits
    training = Training(method="lora", lora=Lora(r=4), max_steps=5, learning_rate=0.01, precision="float32")
    trainer = build_trainer(TrainingJob(model, tokenizer, rows, [], training, folder / "lora", Silent()))
    trainer.train()
    with torch.no_grad():
        adapted = trainer.model.eval()(input_ids=ids).logits
    save_student(trainer.model, tokenizer, folder / "merged", "float32")
    merged = AutoModelForCausalLM.from_pretrained(folder / "merged", dtype=torch.float32).eval()
    assert AutoTokenizer.from_pretrained(folder / "merged").chat_template == MINIMAL_CHATML
    with torch.no_grad():
        after = merged(input_ids=ids).logits
    return (after - adapted).abs().max().item(), (adapted - before).abs().max().item()


if __name__ == "__main__":
    root = Path(sys.argv[1])
    given = [json.loads(line) for line in (root / "rows.jsonl").read_text().splitlines()]
    make_base(root / "base", [row["prompt"][0]["content"] for row in given])
    result = check(root, given)
    (root / "checks.json").write_text(json.dumps(result))
