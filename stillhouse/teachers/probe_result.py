"""What a probe listed: every prompt of a run to one model, with the completions that are stored by now."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow.parquet as pq

from stillhouse.artifacts.store import Store
from stillhouse.completions.completion import Completion, CompletionSlot
from stillhouse.completions.store import CompletionStore
from stillhouse.completions.table import FREE_TEXT, AnswerForm, Lines, answer_score, line_of
from stillhouse.costs.forecast import Range, forecast_share
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.inference.api.request import num_logprobs
from stillhouse.recipe.teacher import ServedModel, Teacher
from stillhouse.teachers.probe import PROMPT_ROWS, TEST_ROWS, prompts_of

RowIds = frozenset[str]
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


@dataclass(frozen=True)
class ProbeResult:
    """The prompts of one model. The rows of a judge are the completions to score, by their keys."""

    model: ServedModel
    prompts: Sequence[ListedPrompt]
    test_prompts: Sequence[ListedPrompt] = ()
    is_exact: bool = False  # sizes are prompt tokens, not bytes
    form: AnswerForm = FREE_TEXT
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

    def share_reaching(self, sure: RowIds, waiting: RowIds) -> Range | None:
        """Return the share of `waiting` that will reach the model, if `sure` of the others do; None if unknown."""
        num_expected = forecast_share(len(sure), len(self.rows) - len(waiting), len(waiting))
        return num_expected and num_expected.times(1 / max(1, len(waiting)))

    def num_expected(self, sure: RowIds, waiting: RowIds) -> float:
        """Return how many completions the rows `sure` and a share of `waiting` will have; rows share a prompt's."""
        num_sure, num_waiting = (
            sum(len(self.rows[one].keys) * self.rows[one].repeats[one] for one in ids) for ids in (sure, waiting)
        )
        share = self.share_reaching(sure, waiting)
        return num_sure + (num_waiting * share.value if share else 0.0)

    def lines_of(self, row_ids: RowIds, teacher_number: int) -> Lines:
        """Return the completions of those rows that have all of theirs, by row id, as often as the row is listed."""
        found = {}
        for prompt in self.prompts:
            own = [row_id for row_id in prompt.repeats if row_id in row_ids]
            if own and not prompt.num_missing:
                lines = [line_of(completion, self.form) for completion in prompt.stored]
                for row_id in own:
                    slot = {"row_id": row_id, "teacher_number": teacher_number}
                    found[row_id] = [line | slot for line in lines] * prompt.repeats[row_id]
        return found


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
    answers = metadata["answers"]
    sets = {name: frozenset(answers[name]) for name in ("special_token_ids", "reasoning_end_ids")}
    form = AnswerForm(**answers | sets)
    sizes = {line["key"]: line["size"] for line in lines}
    stored = {}
    for one in CompletionStore(store, fingerprint).stream(sizes, num_logprobs(model)):
        short = {"token_ids": (), "logprobs": one.logprobs[:1], **answer_score(one, form)}
        stored[one.key] = one.model_copy(update=short)
    probed = frozenset(metadata["keys"])
    parts: dict[str, list[ListedPrompt]] = {}
    for part in (PROMPT_ROWS, TEST_ROWS):
        slots = [CompletionSlot(one["row_id"], one["sample_index"], one["key"]) for one in lines if one["part"] == part]
        repeats: dict[str, Counter[str]] = defaultdict(Counter)
        for slot in slots:
            if slot.rollout_index == 0:  # a prompt is looked up by its first key
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
        form=form,
        summary=summary,
    )
