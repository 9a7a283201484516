"""A student and a teacher of different tokenizers: GOLD aligns their tokens by the bytes that these write.

https://huggingface.co/spaces/HuggingFaceH4/on-policy-distillation, on universal logit distillation (arXiv:2402.12030).
Imported in the engine environment only.
"""

from __future__ import annotations

from typing import Any

import torch

from stillhouse.errors import ModelError
from stillhouse.students.on_policy.batches import as_tensors, sequences
from stillhouse.students.on_policy.trainer import OwnAnswers, Row
from stillhouse.students.on_policy.trl_adapter import (
    DistillationTrainer,
    encode_with_byte_offsets,
    is_byte_level_tokenizer,
    piece_byte_len,
)

Spans = list[tuple[int, int]]  # of each token of an answer, its first byte and the one behind its last
_IGNORED = -100


def check_byte_level(student: Any, teacher: Any) -> None:
    """Return if GOLD can align the tokens of two tokenizers.

    Raises:
        ModelError: one of them does not write bytes, as those of SentencePiece, or they have no token in common.
    """
    for role, tokenizer in (("student", student), ("teacher", teacher)):
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if backend is None or not is_byte_level_tokenizer(backend):
            raise ModelError(
                f"training.on_policy.bridge: gold aligns tokens by their bytes, and the {role}'s tokenizer "
                f"({type(tokenizer).__name__}) is not byte-level, as those of Llama 3, Qwen and SmolLM are: take "
                "another one, or training.kind: sft, which learns from the teacher's text."
            )
    if not set(student.get_vocab()) & set(teacher.get_vocab()):
        raise ModelError(
            "training.on_policy.bridge: gold compares the tokens that both vocabularies have, and they have none in "
            "common: take training.kind: sft."
        )


class OtherTokens(OwnAnswers, DistillationTrainer):  # type: ignore[misc]
    """A student and a teacher of two tokenizers, each of which sees a prompt in its own chat template.

    Rows have `teacher_prompt`, the prompt as token ids of the teacher.
    """

    def __init__(self, *, teacher: Any, teacher_tokenizer: Any, loss: Any, **options: Any) -> None:
        """Take the teacher beside what TRL's trainer takes, which compares vocabularies of one size only."""
        super().__init__(**options)
        self.teacher_model = self.accelerator.prepare_model(teacher, evaluation_mode=True)
        self._teacher_tokenizer = teacher_tokenizer
        self._bridge = loss

    def _tensors(self, rows: list[Row], answers: list[list[int]]) -> dict[str, torch.Tensor]:
        made = super()._tensors(rows, answers)
        written = [self._spans(answer) for answer in answers]
        teacher_answers, teacher_spans = self._as_teacher(written)
        prompts = [row["teacher_prompt"] for row in rows]
        padding = self._teacher_tokenizer.pad_token_id or 0
        theirs = as_tensors(prompts, teacher_answers, padding)
        spans = {"spans": _padded([one for _, one, _ in written]), "teacher_spans": _padded(teacher_spans)}
        return made | {f"teacher_{name}": value for name, value in theirs.items()} | spans

    def _spans(self, answer: list[int]) -> tuple[str, Spans, bool]:
        """Return an answer's text, the bytes of each token, and whether a stop token ends it, which writes none."""
        has_end = answer[-1] in self.eos_token_ids
        ids = answer[:-1] if has_end else answer
        text = self._tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        spans, at = [], 0
        for piece in self._tokenizer.convert_ids_to_tokens(ids):
            spans.append((at, at + piece_byte_len(piece)))
            at = spans[-1][1]
        return text, spans + [(at, at)] * has_end, has_end

    def _as_teacher(self, written: list[tuple[str, Spans, bool]]) -> tuple[list[list[int]], list[Spans]]:
        """Return answers as token ids of the teacher, and the bytes of each token."""
        texts = [text for text, _, _ in written]
        encoded = encode_with_byte_offsets(self._teacher_tokenizer.backend_tokenizer, texts, add_special_tokens=False)
        end = self._teacher_tokenizer.eos_token_id
        ids, spans = [], []
        for (tokens, offsets), (_, student_spans, has_end) in zip(encoded, written, strict=True):
            # where the student's text ends, by its own bytes: the two ends are one place
            last = [(student_spans[-1][1],) * 2] * has_end
            ids.append([*tokens, *[end] * has_end])
            spans.append([*offsets, *last])
        return ids, spans

    def _compute_loss(
        self, unwrapped_student: Any, inputs: dict[str, Any], num_items_in_batch: Any
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return (loss, sum of the student's entropies in nats, number of the answers' tokens), as TRL's own does.

        The loss is a mean over the tokens of a row and over the rows of a step.
        """
        logits_BTV = unwrapped_student(**self._forward_inputs(unwrapped_student, inputs)).logits.float()
        theirs = {name.removeprefix("teacher_"): part for name, part in inputs.items() if name.startswith("teacher_")}
        self.teacher_model.eval()
        with torch.no_grad():
            teacher = self.accelerator.unwrap_model(self.teacher_model)
            teacher_logits = self.teacher_model(**self._forward_inputs(teacher, theirs)).logits.float()
        loss = self._bridge(
            logits_BTV,
            teacher_logits,
            _labels(inputs),
            _labels(theirs),
            sequences(inputs)[0],
            sequences(theirs)[0],
            student_byte_offsets=_behind_prompt(inputs),
            teacher_byte_offsets=_behind_prompt(theirs),
        )
        wanted = inputs["completion_mask"].bool()
        logs_NV = logits_BTV.detach()[:, -wanted.size(1) - 1 : -1][wanted].log_softmax(dim=-1)
        entropy = -(logs_NV.exp() * logs_NV).sum()
        return loss * inputs.get("share_of_step", 1.0), entropy, wanted.sum()


def _labels(inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    prompt = torch.full_like(inputs["prompt_ids"], _IGNORED)
    answer = inputs["completion_ids"].masked_fill(~inputs["completion_mask"].bool(), _IGNORED)
    return torch.cat([prompt, answer], dim=1)


def _padded(rows: list[Spans]) -> torch.Tensor:
    """Return spans [B, C, 2]; padding is (0, 0)."""
    return torch.nn.utils.rnn.pad_sequence([torch.tensor(row).reshape(-1, 2) for row in rows], batch_first=True)


def _behind_prompt(inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return the spans [B, T, 2] of whole sequences."""
    rows, prompt = inputs["prompt_ids"].shape
    return torch.cat([inputs["spans"].new_zeros((rows, prompt, 2)), inputs["spans"]], dim=1)
