"""What a probe listed: all requests of a run to one model, and those that have a stored completion by now."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from stillhouse.artifacts.store import Store
from stillhouse.completions.completion import Completion
from stillhouse.completions.store import CompletionStore
from stillhouse.completions.table import ANSWER_SCHEMA, Lines, label_scores
from stillhouse.costs.usage import Usage, UsageMeter
from stillhouse.inference.api.request import num_logprobs
from stillhouse.recipe.teacher import Teacher
from stillhouse.teachers.probe import PROMPT_ROWS, TEST_ROWS

_LINE_FIELDS = set(ANSWER_SCHEMA.names) & Completion.model_fields.keys()


class CompletionUsage(NamedTuple):
    """What one stored completion took."""

    prompt_tokens: int
    completion_tokens: int
    seconds: float
    created: str  # ISO 8601


@dataclass(frozen=True)
class Workload:
    """Requests to one model. Rows with equal prompts share their keys."""

    rows: dict[str, list[str]] = field(default_factory=dict)  # row id -> its keys, as often as the row is repeated
    sizes: dict[str, int] = field(default_factory=dict)  # key -> its prompt's tokens, or bytes over an API
    stored: dict[str, CompletionUsage] = field(default_factory=dict)  # by key

    @property
    def missing(self) -> list[str]:
        """Keys without a stored completion."""
        return [key for key in self.sizes if key not in self.stored]

    @property
    def prompts(self) -> list[list[str]]:
        """The keys of each distinct prompt, in the order of their rollout index."""
        return list({keys[0]: list(dict.fromkeys(keys)) for keys in self.rows.values()}.values())

    @property
    def usage(self) -> Usage:
        """What the stored completions took together."""
        meter = UsageMeter()
        for one in self.stored.values():
            meter.add(one.prompt_tokens, one.completion_tokens, one.created, one.seconds)
        return meter.total

    def has_all(self, keys: Collection[str]) -> bool:
        """Return whether every key has a stored completion."""
        return all(key in self.stored for key in keys)

    def of_rows(self, rows: Collection[str], but: "Workload | None" = None) -> "Workload":
        """Return the requests for `rows`, without those that are in `but` too."""
        taken = but.sizes if but else {}
        chosen = {row_id: keys for row_id, keys in self.rows.items() if row_id in rows and keys[0] not in taken}
        sizes = {key: self.sizes[key] for keys in chosen.values() for key in keys}
        return Workload(chosen, sizes, {key: self.stored[key] for key in sizes if key in self.stored})


@dataclass(frozen=True)
class ProbeResult:
    """One model's requests, and the completions of the training rows as lines of the completion table, by key."""

    requests: Workload  # for the training rows; a judge's rows are the keys of the completions to score
    test_requests: Workload
    completions: Mapping[str, dict[str, Any]]
    probed: Collection[str]  # the keys chosen for the forecast
    is_exact: bool  # sizes are prompt tokens, not bytes
    summary: Mapping[str, Any] = field(default_factory=dict)  # of the probe's stage

    @property
    def probed_rows(self) -> set[str]:
        """Ids of the rows that the forecast goes by."""
        probed = set(self.probed)
        return {row_id for row_id, keys in self.requests.rows.items() if not probed.isdisjoint(keys)}

    @property
    def probed_prompts(self) -> list[list[str]]:
        """The keys of each probed prompt that has all of its completions."""
        probed = set(self.probed)
        return [keys for keys in self.requests.prompts if keys[0] in probed and self.requests.has_all(keys)]


def read_probe(
    folder: Path, store: Store, model: Teacher, fingerprint: str, summary: Mapping[str, Any] | None = None
) -> ProbeResult:
    """Return the requests that the probe in `folder` listed, with the completions that `store` holds now.

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
    parts = {PROMPT_ROWS: Workload(), TEST_ROWS: Workload()}
    for line in pq.read_table(folder / "asked.parquet").to_pylist():
        parts[line["part"]].rows.setdefault(line["row_id"], []).append(line["key"])
        parts[line["part"]].sizes[line["key"]] = line["size"]
    lines: dict[str, dict[str, Any]] = {}
    for name, part in parts.items():
        for one in CompletionStore(store, fingerprint).stream(part.sizes, num_logprobs(model)):
            part.stored[one.key] = CompletionUsage(one.prompt_tokens, one.completion_tokens, one.seconds, one.created)
            if name == PROMPT_ROWS:
                scores = label_scores(one.logprobs, metadata["scored"])
                lines[one.key] = {**one.model_dump(include=_LINE_FIELDS), "label_scores": scores}
    return ProbeResult(
        parts[PROMPT_ROWS], parts[TEST_ROWS], lines, metadata["keys"], metadata["is_exact"], summary or {}
    )


def lines_of(probes: Sequence[ProbeResult]) -> list[Lines]:
    """Return each teacher's lines of the completion table by row id, for the rows that have all of its completions."""
    return [
        {
            row_id: [{**probe.completions[key], "row_id": row_id, "teacher_number": number} for key in keys]
            for row_id, keys in probe.requests.rows.items()
            if probe.requests.has_all(keys)
        }
        for number, probe in enumerate(probes, start=1)
    ]
