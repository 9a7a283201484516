"""The trainer of a student on its own answers: text first, then the teacher's word on what the student writes.

TRL's trainer samples and compares; what is added is what a training here has: rows as they are served, both parts under
one schedule, the same weights after a kill, and a validation loss. Imported in the engine environment only.

Shapes: B rows, P tokens of the longest prompt, C of the longest answer, T = P + C, D of a hidden state.
"""

from __future__ import annotations

import inspect
from itertools import islice
from typing import TYPE_CHECKING, Any

import torch
from peft import PeftModel
from torch.nn import functional
from transformers import Trainer

from stillhouse.students.epoch_order import EpochSampler, lengths_of
from stillhouse.students.on_policy.batches import as_tensors, sequences, split_row
from stillhouse.students.on_policy.phases import text_steps
from stillhouse.students.on_policy.trl_adapter import DistillationTrainer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stillhouse.recipe.teaching.on_policy import OnPolicy
    from stillhouse.runtime.worker import Reporter

Row = dict[str, list[int]]


class OwnAnswers(Trainer):
    """What this program adds to one of TRL's distillation trainers; it stands before it among the bases."""

    # of TRL's trainer
    model: Any
    model_kwarg_keys: Any
    _tokenizer: Any
    _generate_single_turn: Any

    def __init__(self, *, settings: OnPolicy, report: Reporter, **options: Any) -> None:
        """Take the recipe's section, and what TRL's trainer takes."""
        self._settings = settings
        self._report = report
        self._answers_itself = False
        super().__init__(**options)

    @property
    def learns_text(self) -> bool:
        """Whether the step at hand is one of those that learn the examples' text."""
        return self.state.global_step < text_steps(self._settings.text_share, self.state.max_steps)

    # batches are the plain trainer's; TRL's own order of the rows is another after a kill
    get_train_dataloader = Trainer.get_train_dataloader

    def _get_train_sampler(self, train_dataset: Any = None) -> EpochSampler:
        return EpochSampler(self, lengths_of(self.train_dataset if train_dataset is None else train_dataset))

    def _get_eval_sampler(self, eval_dataset: Any) -> torch.utils.data.SequentialSampler:
        return torch.utils.data.SequentialSampler(eval_dataset)

    def get_batch_samples(
        self, epoch_iterator: Iterator[list[Row]], num_batches: int, device: torch.device
    ) -> tuple[list[dict[str, torch.Tensor]], None]:
        """Return a step's batches as tensors, each row with the answer that it is to learn on."""
        batches = list(islice(epoch_iterator, num_batches))
        rows = [row for batch in batches for row in batch]
        answers = self._answers(rows)
        tokens = torch.tensor(float(sum(map(len, answers))), device=device)
        self.state.num_input_tokens_seen += sum(len(split_row(row)[0]) for row in rows) + int(tokens)
        made, start = [], 0
        for batch in batches:
            mine = answers[start : start + len(batch)]
            share = torch.tensor(len(batch) / len(rows), device=device)
            made.append(self._tensors(batch, mine) | {"num_items_in_batch": tokens, "share_of_step": share})
            start += len(batch)
        return made, None

    def _prepare_inputs(self, inputs: Any) -> dict[str, torch.Tensor]:
        # a batch of validation rows has their own answers, which no later step changes
        if isinstance(inputs, list):
            inputs = self._tensors(inputs, [split_row(row)[1] for row in inputs])
        return {name: value.to(self.accelerator.device) for name, value in inputs.items()}

    def _tensors(self, rows: list[Row], answers: list[list[int]]) -> dict[str, torch.Tensor]:
        return as_tensors([split_row(row)[0] for row in rows], answers, self._tokenizer.pad_token_id)

    def _answers(self, rows: list[Row]) -> list[list[int]]:
        """Return each row's answer: the example's, or one that the student samples now."""
        answers = [split_row(row)[1] for row in rows]
        if self.learns_text:
            return answers
        if not self._answers_itself:
            self._report.log(f"from step {self.state.global_step + 1} on the student answers itself")
            self._answers_itself = True
        # long answers take longer than a silent worker is given
        self._report.beat()
        # a resumed training loads its random numbers after the first batch is drawn: a step has numbers of its own
        devices = [self.accelerator.device] if self.accelerator.device.type == "cuda" else []
        with torch.random.fork_rng(devices):
            torch.manual_seed(self.args.seed * 1_000_003 + self.state.global_step)
            own = [at for at, drawn in enumerate(torch.rand(len(rows))) if drawn < self._settings.own_share]
            written = self._write([split_row(rows[at])[0] for at in own]) if own else []
        for at, answer in zip(own, written, strict=True):
            answers[at] = answer
        return answers

    def _write(self, prompts: list[list[int]]) -> list[list[int]]:
        """Return an answer of the student to each prompt, up to its first stop token; dropout is off, as in use."""
        was_training = self.model.training
        self.model.eval()
        try:
            written: list[list[int]] = self._generate_single_turn(prompts, None, {})
        finally:
            self.model.train(was_training)
        return written

    def _get_last_hidden_state(
        self, unwrapped_model: Any, input_ids: torch.Tensor, attention_mask: torch.Tensor, logits_to_keep: int, **_: Any
    ) -> torch.Tensor:
        """Return the states [B, C, D] from which an answer's tokens follow; TRL's own has no positions of the rows.

        Without them a model with learnt positions would see a shorter prompt further back than it does when served.
        """
        whole = unwrapped_model.base_model.model if isinstance(unwrapped_model, PeftModel) else unwrapped_model
        backbone = whole.base_model
        given = {"input_ids": input_ids, "attention_mask": attention_mask, "use_cache": False}
        if "position_ids" in inspect.signature(type(backbone).forward).parameters:
            given["position_ids"] = (attention_mask.cumsum(dim=1) - 1).clamp(min=0)
        states: torch.Tensor = backbone(**given).last_hidden_state
        return states[:, :-1][:, -logits_to_keep:]

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return the step's loss: of the text in the first part, of the teacher in the second and in validation."""
        if self.model.training and self.learns_text:
            loss = self._text_loss(model, inputs)
            return (loss, None) if return_outputs else loss
        return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)

    def _text_loss(self, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        """Return the answers' negative log-likelihood, in nats, over the tokens of the step's answers."""
        columns = inputs["completion_ids"].size(1)
        logits_BTV = model(**self._forward_inputs(model, inputs), **self._last_columns(columns + 1)).logits
        wanted = inputs["completion_mask"].bool()
        logits_NV = logits_BTV[:, -columns - 1 : -1][wanted].float()
        loss = functional.cross_entropy(logits_NV, inputs["completion_ids"][wanted], reduction="sum")
        return loss / inputs["num_items_in_batch"]

    def _forward_inputs(self, model: Any, inputs: dict[str, Any]) -> dict[str, Any]:
        """Return what the whole model is called with, to see a batch's rows as it does when served."""
        ids, mask, positions = sequences(inputs)
        takes_positions = "position_ids" in _parameters(self.accelerator.unwrap_model(model))
        placed = {"position_ids": positions} if takes_positions else {}
        return {"input_ids": ids, "attention_mask": mask, "use_cache": False, **placed}

    def _last_columns(self, number: int) -> dict[str, int]:
        return {"logits_to_keep": number} if "logits_to_keep" in self.model_kwarg_keys else {}


class LocalTeacher(OwnAnswers, DistillationTrainer):  # type: ignore[misc]
    """A student and a teacher of one vocabulary, whose weights are both here."""


def _parameters(model: Any) -> Any:
    """Return the parameters of a model's own forward, below an adapter."""
    whole = model.get_base_model() if isinstance(model, PeftModel) else model
    return inspect.signature(type(whole).forward).parameters
