"""Turns rows and a teacher's answers into what a student is trained on.

Separate because it joins rows, answers, calibration and references; the rules themselves know only one answer.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from stillhouse.completions.table import read_answers
from stillhouse.data.row import Row
from stillhouse.dataset.difficulty import subsample_by_difficulty
from stillhouse.dataset.label_errors import find_label_errors
from stillhouse.dataset.teacher_counts import counts_by_teacher
from stillhouse.filters.calibrated import Calibration, answered, place_of, priors_of
from stillhouse.filters.outcome import FilterResult
from stillhouse.filters.pipeline import KEEP_ALL, NO_SCORES, apply
from stillhouse.recipe.filters import Filters
from stillhouse.recipe.routing import Mixing
from stillhouse.skills.cases import read_cases, unclaimed
from stillhouse.skills.registry import skill_for
from stillhouse.skills.skill import Skill

# a row, what the student is to say, and the number of the teacher that said it, where there are several
Lesson = tuple[Row, str, int | None]


def write_dataset(
    *,
    train: Path,
    split: Path,
    answers: Path,
    filters: Filters,
    skill: Skill,
    labels: Sequence[str],
    calibration: Calibration,
    use_references: bool,
    out: Path,
    others: Sequence[Calibration] = (),
    mixing: Mixing = KEEP_ALL,
    scores: Mapping[str, int | None] = NO_SCORES,
) -> dict[str, Any]:
    """Write train.jsonl, validation.jsonl, labelled.jsonl, dropped.jsonl and calibration.json into `out`.

    Of several teachers `calibration` is the first one's and `others` those of the others, in the recipe's order.
    `scores` are a judge's of the answers, by their keys.

    Where the teacher answered rows that have a reference, suspects.jsonl too: those whose reference it contradicts.

    Returns:
        counts: {in, kept, dropped: {reason: n}} of completions, {train, validation, labelled} of rows written,
        how often each label was kept; of several teachers what became of each one's answers; and where there are any,
        of suspects and of hard and easy rows.

    Raises:
        QualityError: too few answers survive.
    """
    lines = read_answers(answers)
    rows = {"train": read_cases(train, skill), "validation": read_cases(split / "validation.parquet", skill)}
    examples = [row for row in read_cases(split / "examples.parquet", skill) if row["references"]]
    asked = {side: [row for row in found if not (use_references and row["references"])] for side, found in rows.items()}
    priors = priors_of([calibration, *others], asked["train"], lines)
    completions = answered(lines, priors, labels)
    judged = {side: apply(found, completions, filters, skill, labels, mixing, scores) for side, found in asked.items()}
    extra: dict[str, Any] = {}
    if filters.hard_share is not None:
        known = {row_id: found[0]["label_scores"] for row_id, found in lines.items()}
        extra["difficulty"] = subsample_by_difficulty(
            judged["train"], completions, known, priors[0], skill, labels, filters.hard_share
        )
    written: dict[str, int] = {}
    for side, result in judged.items():
        given = [row for row in rows[side] if row["references"]] if use_references else []
        given += examples if use_references and side == "train" else []
        lessons: list[Lesson] = [
            (kept["row"], kept["answer"], kept["completion"].teacher_number) for kept in result.kept
        ]
        lessons += [(row, _given(row, skill, labels), None) for row in given]
        written[side] = _write(out / f"{side}.jsonl", lessons, skill, labels)
    labelled: list[Lesson] = [(row, _given(row, skill, labels), None) for row in examples]
    written["labelled"] = _write(out / "labelled.jsonl", labelled, skill, labels)
    # what the first teacher said, which is the one that is measured
    first = {name: [line for line in found if place_of(line) == 0] for name, found in lines.items()}
    everyone = [*rows["train"], *rows["validation"]]
    everyone += unclaimed(examples, everyone) if filters.check_labels else []
    extra |= _suspects(find_label_errors(everyone, first, skill, labels, priors[0]), out)
    (out / "calibration.json").write_text(json.dumps({"labels": list(labels), "prior": priors[0]}))
    return _books(judged.values(), written, skill, 1 + len(others), out) | {"prior": priors[0]} | extra


def _books(
    judged: Iterable[FilterResult], written: dict[str, int], skill: Skill, num_teachers: int, out: Path
) -> dict[str, Any]:
    """Write dropped.jsonl, and return the counts of all sides."""
    result = FilterResult()
    for one in judged:
        result.kept += one.kept
        result.dropped += one.dropped
    _write_lines(out / "dropped.jsonl", result.dropped)
    return {
        "in": result.num_in,
        "kept": len(result.kept),
        "dropped": result.counts,
        "rows": written,
        # of free answers there are as many as rows
        "answers": dict(sorted(Counter(kept["answer"] for kept in result.kept).items())) if skill.has_labels else {},
        **({"teachers": counts_by_teacher(result, num_teachers)} if num_teachers > 1 else {}),
    }


def _suspects(found: tuple[int, list[dict[str, Any]]], out: Path) -> dict[str, Any]:
    """Write suspects.jsonl and return its counts; neither where no labelled row could be judged."""
    judged, suspects = found
    if not judged:
        return {}
    _write_lines(out / "suspects.jsonl", suspects)
    sure = sum(suspect["is_sure"] for suspect in suspects)
    return {"suspects": {"judged": judged, "found": len(suspects), "sure": sure}}


def _write_lines(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")


def _given(row: Row, skill: Skill, labels: Sequence[str]) -> str:
    """Return a row's first reference as a student is to say it."""
    reference: str = row["references"][0]
    if skill.has_labels:
        return reference
    module = skill_for(skill.kind)
    answer = module.parse(reference, labels, skill)
    return reference if answer is None else module.lesson(reference, answer, skill)


def _write(path: Path, lessons: Sequence[Lesson], skill: Skill, labels: Sequence[str]) -> int:
    show = skill_for(skill.kind).student_messages
    with path.open("w", encoding="utf-8") as stream:
        for row, answer, teacher in lessons:
            line = {
                "id": row["id"],
                "prompt": show(row["messages"], skill, labels),
                "completion": [{"role": "assistant", "content": answer}],
                **({"teacher": teacher} if teacher else {}),
            }
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")
    return len(lessons)
