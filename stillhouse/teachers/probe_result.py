"""What a probe listed: every prompt of a run to one model, with the completions that are stored by now."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from stillhouse.artifacts.store import Store
from stillhouse.completions.completion import Completion, CompletionSlot
from stillhouse.completions.store import CompletionStore
from stillhouse.completions.table import line_of
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.inference.api.request import num_logprobs
from stillhouse.recipe.teacher import ServedModel, Teacher
from stillhouse.teachers.probe import PROMPT_ROWS, TEST_ROWS, prompts_of

_NOTHING_GENERATED = GenerationSummary()
Sampled = tuple[float, Sequence[Completion]]  # a prompt's size, and completions that tell of others


@dataclass(frozen=True)
class ListedPrompt:
    """A prompt that one or more rows have."""

    keys: tuple[str, ...]  # of its rollouts
    size: int  # tokens, or bytes over an API
    repeats: Mapping[str, int]  # row id -> how often the row is listed; more than once if balancing repeats it
    stored: Sequence[Completion]  # in the order of the rollouts; of their logprobs only the first token's
    is_probed: bool

    @property
    def num_missing(self) -> int:
        """Rollouts without a stored completion."""
        return len(self.keys) - len(self.stored)

    @property
    def num_completions(self) -> int:
        """Completions of all its rows."""
        return len(self.keys) * sum(self.repeats.values())


@dataclass(frozen=True)
class ProbeResult:
    """The prompts of one model. The rows of a judge are the completions to score, by their keys."""

    model: ServedModel
    prompts: Sequence[ListedPrompt]
    test_prompts: Sequence[ListedPrompt] = ()
    is_exact: bool = False  # sizes are prompt tokens, not bytes
    label_token_ids: list[int] | None = None
    summary: GenerationSummary = _NOTHING_GENERATED

    @cached_property
    def rows(self) -> Mapping[str, ListedPrompt]:
        """The prompt of each row, by its id."""
        return {row_id: prompt for prompt in self.prompts for row_id in prompt.repeats}

    @cached_property
    def completed(self) -> frozenset[str]:
        """Ids of the rows that have all of their completions."""
        return frozenset(row_id for row_id, prompt in self.rows.items() if not prompt.num_missing)

    @cached_property
    def probed(self) -> frozenset[str]:
        """Ids of the rows whose prompts were chosen for the forecast."""
        return frozenset(row_id for row_id, prompt in self.rows.items() if prompt.is_probed)

    @property
    def sample(self) -> list[Sampled]:
        """The probed prompts that have all of their completions."""
        return [(prompt.size, prompt.stored) for prompt in self.prompts if prompt.is_probed and not prompt.num_missing]

    def prompts_of(self, row_ids: frozenset[str]) -> list[ListedPrompt]:
        """Return the prompts of some rows, each without its other rows."""
        found = []
        for prompt in self.prompts:
            if repeats := {row_id: number for row_id, number in prompt.repeats.items() if row_id in row_ids}:
                found.append(replace(prompt, repeats=repeats))
        return found

    def lines_of(self, row_id: str, teacher_number: int) -> list[dict[str, Any]]:
        """Return a row's completions as lines of the table of completions, as often as the row is listed."""
        prompt, slot = self.rows[row_id], {"row_id": row_id, "teacher_number": teacher_number}
        lines = [line_of(completion, self.label_token_ids) | slot for completion in prompt.stored]
        return lines * prompt.repeats[row_id]


def read_probe(
    folder: Path, store: Store, model: Teacher, fingerprint: str, summary: GenerationSummary = _NOTHING_GENERATED
) -> ProbeResult:
    """Return the prompts that the probe in `folder` listed, with the completions that `store` holds now.

    Args:
        folder: of the probe's artifact.
        store: it keeps the completions.
        model: the teacher, or a judge as one.
        fingerprint: the model's, under which its completions are stored.
        summary: of the probe's stage.

    Raises:
        StoreError: the store can't be read.
    """
    metadata = json.loads((folder / "probe.json").read_text())
    lines = pq.read_table(folder / "asked.parquet").to_pylist()
    sizes = {line["key"]: line["size"] for line in lines}
    stored = {}
    for one in CompletionStore(store, fingerprint).stream(sizes, num_logprobs(model)):
        stored[one.key] = one.model_copy(update={"token_ids": (), "logprobs": one.logprobs[:1]})
    probed = frozenset(metadata["keys"])
    parts: dict[str, list[ListedPrompt]] = {}
    for part in (PROMPT_ROWS, TEST_ROWS):
        slots = [CompletionSlot(one["row_id"], one["sample_index"], one["key"]) for one in lines if one["part"] == part]
        repeats: dict[str, Counter[str]] = defaultdict(Counter)
        for slot in slots:
            repeats[slot.key][slot.row_id] += 1
        parts[part] = [
            ListedPrompt(
                keys=keys,
                size=sizes[first],
                repeats=repeats[first],
                stored=[stored[key] for key in keys if key in stored],
                is_probed=first in probed,
            )
            for first, keys in prompts_of(slots).items()
        ]
    return ProbeResult(
        model=model,
        prompts=parts[PROMPT_ROWS],
        test_prompts=parts[TEST_ROWS],
        is_exact=metadata["is_exact"],
        label_token_ids=metadata["scored"],
        summary=summary,
    )
