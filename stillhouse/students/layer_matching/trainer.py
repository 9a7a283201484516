"""Trains a student on its answers and on what another model's layers compute for the same tokens.

Imported in the engine environment only.
"""

# B: rows; T: tokens; N: tokens of answers; V: vocabulary

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file, save_file

from stillhouse.students.label_choices import IGNORE_INDEX
from stillhouse.students.layer_matching.decoder import without_adapter
from stillhouse.students.layer_matching.matching import PROJECTIONS
from stillhouse.students.layer_matching.next_token import next_token_kl
from stillhouse.students.trainers.sft import CompletionTrainer, takes_positions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stillhouse.recipe.teaching.layer_matching import LayerMatching
    from stillhouse.students.layer_matching.matching import Matching

_FILE = f"{PROJECTIONS}.safetensors"  # in the checkpoints of an adapter, whose own file has no other weights


class MatchingTrainer(CompletionTrainer):
    """A step's loss is, each part a mean over its tokens in the step,

    cross_entropy_weight * cross-entropy + weight * matching + logits_weight * T^2 KL(source || student).

    Validation is the cross-entropy alone, so that it compares with other methods'.
    """

    def __init__(
        self, *, settings: LayerMatching, source: Any, match: Callable[[Any, Any], Matching], **options: Any
    ) -> None:
        """Take the model to learn from, and what compares its layers with the student's."""
        super().__init__(**options)
        self._settings = settings
        self._source = source.to(self.args.device)
        self._matching = match(self.model, self._source)
        self._step_tokens: Any = None  # of all the batches of a step
        self._matched, self._matched_tokens = 0.0, 0.0  # since the last log entry
        self._answers: tuple[torch.Tensor, torch.Tensor] | None = None
        if len(self._matching.projections):
            # within the model, so that the optimizer and its checkpoints hold them
            self.model.add_module(PROJECTIONS, self._matching.projections.to(self.args.device))

    def train(self, *arguments: Any, **options: Any) -> Any:
        """Train, then let go of the other model and of the projections."""
        done = super().train(*arguments, **options)
        for capture in (self._matching.student, self._matching.source):
            capture.remove()
        if hasattr(self.model, PROJECTIONS):
            delattr(self.model, PROJECTIONS)
        return done

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return the loss of a batch as its share of the step's; in validation, without the other model."""
        if return_outputs or not self.model.training:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        wanted = self._settings
        counts_BT = counted_tokens(inputs, wanted.tokens)
        with self._matching.student:
            loss = wanted.cross_entropy_weight * super().compute_loss(model, dict(inputs), False, num_items_in_batch)
        answers_NV = self._run_source(inputs)
        # states and relations that are nearly equal differ by less than bfloat16 shows
        with torch.autocast(counts_BT.device.type, enabled=False):
            matched = self._matching.summed(attention_of(inputs), counts_BT)
        self._note(matched, counts_BT)
        loss = loss + wanted.weight * matched / self._share(counts_BT, num_items_in_batch, self._step_tokens)
        if answers_NV is not None:
            assert self._answers is not None, "the logits were asked for"
            (student_NV, labels_N), self._answers = self._answers, None
            kl = next_token_kl(student_NV, answers_NV.float(), wanted.kd_temperature)
            loss = loss + wanted.logits_weight * kl / self._share(labels_N == labels_N, num_items_in_batch)
        return loss

    def _run_source(self, inputs: dict[str, Any]) -> torch.Tensor | None:
        """Run the other model on the batch; return its logits at the answers' tokens if they are learnt."""
        given = {name: value for name, value in inputs.items() if name != "labels"}
        labels_BT = inputs["labels"][:, 1:]
        columns_K = (labels_BT != IGNORE_INDEX).any(dim=0).nonzero().flatten()
        with torch.no_grad(), self._matching.source:
            kept = {"logits_to_keep": columns_K} if takes_positions(self._source) else {}
            logits = self._source(**given, use_cache=False, **kept).logits
        if not self._settings.logits_weight:
            return None
        logits_BKV = logits if kept else logits[:, columns_K]
        return logits_BKV[labels_BT[:, columns_K] != IGNORE_INDEX]

    def _summed(self, logits_NV: torch.Tensor, labels_N: torch.Tensor) -> torch.Tensor:
        if self.model.training and self._settings.logits_weight:
            self._answers = logits_NV, labels_N
        return super()._summed(logits_NV, labels_N)

    def _picks_positions(self, device: torch.device) -> bool:
        # the other way never has the logits
        return bool(self._settings.logits_weight) or super()._picks_positions(device)

    def _share(self, counts: torch.Tensor, num_items_in_batch: Any, of_step: Any = None) -> Any:
        """Return the tokens that a sum is divided by: of the whole step, or without one the batch's own."""
        if num_items_in_batch is None:
            return counts.sum().clamp(min=1)
        # of several processes' gradients the mean is taken
        return (num_items_in_batch if of_step is None else of_step) / self.args.world_size

    def _get_num_items_in_batch(self, batch_samples: Sequence[dict[str, Any]], device: torch.device) -> Any:
        own = sum(counted_tokens(batch, self._settings.tokens).sum() for batch in batch_samples)
        own = torch.as_tensor(own).to(device)
        self._step_tokens = self.accelerator.gather(own).sum() if self.args.world_size > 1 else own
        return super()._get_num_items_in_batch(batch_samples, device)

    def _note(self, matched: torch.Tensor, counts_BT: torch.Tensor) -> None:
        self._matched += matched.item()
        self._matched_tokens += counts_BT.sum().item()

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log an entry; one of a step has the mean matching loss too."""
        if "loss" in logs and self._matched_tokens:
            logs["matching_loss"] = self._matched / self._matched_tokens
            self._matched, self._matched_tokens = 0.0, 0.0
        super().log(logs, start_time)

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        super()._save(output_dir, state_dict)
        if self._keeps_projections_apart and self.args.should_save:
            save_file(self._matching.projections.state_dict(), Path(output_dir or self.args.output_dir) / _FILE)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        if self._keeps_projections_apart:
            self._matching.projections.load_state_dict(load_file(Path(resume_from_checkpoint) / _FILE))

    @property
    def _keeps_projections_apart(self) -> bool:
        return hasattr(self.model, PROJECTIONS) and without_adapter(self.model) is not self.model


def attention_of(inputs: dict[str, Any]) -> torch.Tensor:
    """Return the mask of a batch as (B, T), 0 at padding; packed rows have none."""
    mask: torch.Tensor = inputs.get("attention_mask", torch.ones_like(inputs["input_ids"]))
    return mask


def counted_tokens(inputs: dict[str, Any], tokens: str) -> torch.Tensor:
    """Return at which tokens of a batch layers are compared, as (B, T).

    These are all but padding, or those that write a token of the answer. Of a row without labels, which fills up the
    last step of several processes, none counts.
    """
    is_label_BT = inputs["labels"] != IGNORE_INDEX
    if tokens == "all":
        return attention_of(inputs).bool() & is_label_BT.any(dim=1, keepdim=True)
    writes_BT = torch.zeros_like(is_label_BT)
    writes_BT[:, :-1] = is_label_BT[:, 1:]
    return writes_BT
