"""A sample of rows on which a student's chat template is tried before a teacher is paid for them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from stillhouse.data.turns import rows_of
from stillhouse.skills.skill import Skill
from stillhouse.students.tokens import encode

# rows that are looked at, and how many of the first and of the longest are tried
_READ = 1024
_TRIED = 16


def sample_rows(path: Path, skill: Skill, labels: tuple[str, ...]) -> tuple[dict[str, Any], ...]:
    """Return {prompt, completion} of the first and the longest of the rows at the head of a Parquet file.

    A row without a reference has a stand-in for its answer.
    """
    with pq.ParquetFile(path, pre_buffer=False) as file:
        batch = next(file.iter_batches(batch_size=_READ), None)
    cases = [case for row in rows_of([batch] if batch else []) for case in skill.cases(row)]
    longest = sorted(cases[_TRIED:], key=lambda case: -sum(len(turn["content"]) for turn in case["messages"]))
    return tuple(
        {
            "prompt": skill.student_messages(case["messages"], labels),
            "completion": [{"role": "assistant", "content": next(iter(case["references"]), "An answer.")}],
        }
        for case in [*cases[:_TRIED], *longest[:_TRIED]]
    )


def try_rows(tokenizer: Any, sample: Iterable[dict[str, Any]], stops: frozenset[int], *, with_reasoning: bool) -> None:
    """Make a training example of each row of a sample, with a stand-in for reasoning if that is taught.

    Raises:
        ModelError: the chat template does not give a row the prompt that it would be served with.
    """
    thought = {"reasoning": "A thought."} if with_reasoning else {}
    for row in sample:
        encode(tokenizer, row["prompt"], [turn | thought for turn in row["completion"]], stops)
