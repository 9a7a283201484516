"""Turns rows and a teacher's answers into what a student is trained on.

Separate because it joins rows, answers, calibration and references; the rules themselves know only one answer.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from tasks.filters.apply import apply
from tasks.filters.result import FilterResult
from tasks.recipe.filters import Filters
from tasks.recipe.skill import Skill
from tasks.skills.registry import skill_for
from tasks.skills.rows import read_cases
from tasks.teachers.answers import completion_of, read_answers
from tasks.teachers.calibration import batch_prior, calibrate
from tasks.teachers.completion import Completion

Row = dict[str, Any]
Lines = dict[str, list[dict[str, Any]]]


def write_dataset(
    *,
    train: Path,
    split: Path,
    answers: Path,
    filters: Filters,
    skill: Skill,
    labels: Sequence[str],
    calibration: Literal["none", "batch"],
    use_references: bool,
    out: Path,
) -> dict[str, Any]:
    """Write train.jsonl, validation.jsonl, labelled.jsonl, dropped.jsonl and calibration.json into `out`.

    Returns:
        counts: {in, kept, dropped: {reason: n}} of completions, {train, validation, labelled} of rows written,
        and how often each label was kept.

    Raises:
        QualityError: too few answers survive.
    """
    lines = read_answers(answers)
    rows = {"train": read_cases(train, skill), "validation": read_cases(split / "validation.parquet", skill)}
    examples = [row for row in read_cases(split / "examples.parquet", skill) if row["references"]]
    prior = _prior(rows["train"], lines) if calibration == "batch" else None
    completions = {row_id: [_answered(line, prior, labels) for line in found] for row_id, found in lines.items()}
    result = FilterResult()
    written: dict[str, int] = {}
    for side, side_rows in rows.items():
        given = [row for row in side_rows if row["references"]] if use_references else []
        asked = [row for row in side_rows if not (use_references and row["references"])]
        judged = apply(asked, completions, filters, skill, labels)
        result.kept += judged.kept
        result.dropped += judged.dropped
        pairs = [(kept["row"], kept["answer"]) for kept in judged.kept]
        if use_references:
            given += examples if side == "train" else []
        pairs += [(row, _given(row, skill, labels)) for row in given]
        written[side] = _write(out / f"{side}.jsonl", pairs, skill, labels)
    labelled = [(row, _given(row, skill, labels)) for row in examples]
    written["labelled"] = _write(out / "labelled.jsonl", labelled, skill, labels)
    (out / "dropped.jsonl").write_text("".join(json.dumps(drop, ensure_ascii=False) + "\n" for drop in result.dropped))
    (out / "calibration.json").write_text(json.dumps({"labels": list(labels), "prior": prior}))
    return {
        "in": result.num_in,
        "kept": len(result.kept),
        "dropped": result.counts,
        "rows": written,
        # of free answers there are as many as rows
        "answers": dict(sorted(Counter(kept["answer"] for kept in result.kept).items())) if skill.has_labels else {},
        "prior": prior,
    }


def _prior(rows: Iterable[Row], lines: Lines) -> list[float]:
    """The mean label scores over the training prompts; validation prompts must not move it."""
    found = [line for row in rows for line in lines.get(row["id"], [])]
    return batch_prior([line["label_scores"] for line in found if line["label_scores"]])


def _answered(line: dict[str, Any], prior: list[float] | None, labels: Sequence[str]) -> Completion:
    """Return the line as a completion; a calibrated one says the calibrated label, with that label's confidence."""
    completion = completion_of(line)
    if prior is None or not line["label_scores"]:
        return completion
    best, logprob = calibrate(line["label_scores"], prior)
    # one decision, one token's worth of doubt: mean_logprob is then the calibrated label's log-probability
    return completion.model_copy(update={"text": labels[best], "cumulative_logprob": logprob, "completion_tokens": 1})


def _given(row: Row, skill: Skill, labels: Sequence[str]) -> str:
    """Return a row's first reference as a student is to say it."""
    reference: str = row["references"][0]
    if skill.has_labels:
        return reference
    module = skill_for(skill.kind)
    answer = module.parse(reference, labels, skill)
    return reference if answer is None else module.lesson(reference, answer, skill)


def _write(path: Path, pairs: Sequence[tuple[Row, str]], skill: Skill, labels: Sequence[str]) -> int:
    show = skill_for(skill.kind).student_messages
    with path.open("w", encoding="utf-8") as stream:
        for row, answer in pairs:
            line = {
                "id": row["id"],
                "prompt": show(row["messages"], skill, labels),
                "completion": [{"role": "assistant", "content": answer}],
            }
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")
    return len(pairs)
