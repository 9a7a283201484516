"""Whether a teacher's and a student's numbers of the next token stand for the same tokens, and how many they are.

Imported in the engine environment only.
"""

from __future__ import annotations

from typing import Any

from stillhouse.errors import ModelError


def check_same_tokens(student: Any, teacher: Any) -> None:
    """Return if two tokenizers give each token the same number.

    Raises:
        ModelError: they don't.
    """
    ours, theirs = student.get_vocab(), teacher.get_vocab()
    if ours != theirs:
        raise ModelError(
            f"training.kind: on_policy compares student and teacher token by token, and their vocabularies differ "
            f"({len(ours):,} and {len(theirs):,} tokens): set training.on_policy.bridge: gold, which aligns the tokens "
            "of two byte-level tokenizers, or take a student of the teacher's family."
        )


def fit_widths(student: Any, teacher: Any, num_tokens: int) -> None:
    """Cut both models, in place, to the same count of numbers for the next token; only padding goes.

    Models of one vocabulary pad it differently: Qwen2.5 gives 151,936 numbers up to 3B, and 152,064 from 7B.

    Raises:
        ModelError: one gives fewer numbers than the vocabulary has tokens, and the other more.
    """
    widths = [model.get_output_embeddings().weight.shape[0] for model in (student, teacher)]
    if widths[0] == widths[1]:
        return
    if min(widths) < num_tokens:
        raise ModelError(
            f"The student gives {widths[0]:,} numbers for the next token and the teacher {widths[1]:,}, of a "
            f"vocabulary of {num_tokens:,} tokens: on-policy training needs one for each. Take training.kind: sft, or "
            "another student."
        )
    wider = student if widths[0] > widths[1] else teacher
    wider.resize_token_embeddings(min(widths))
