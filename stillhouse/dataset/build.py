"""Turns rows and the teachers' completions into what a student is trained on."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from stillhouse.artifacts.store import StoreConfig
from stillhouse.completions.table import Lines, read_answers
from stillhouse.data.row import Row
from stillhouse.data.summaries import BalanceSummary
from stillhouse.dataset.answer_turn import answer_turn
from stillhouse.dataset.asked import Asked
from stillhouse.dataset.balance import balance_examples
from stillhouse.dataset.coverage import Coverage, compare
from stillhouse.dataset.difficulty import TeacherOutput, subsample_by_difficulty
from stillhouse.dataset.example import TrainingExample
from stillhouse.dataset.label_errors import find_label_errors
from stillhouse.dataset.label_probabilities import LabelProbabilities
from stillhouse.dataset.labelled import labelled_rows
from stillhouse.dataset.preferences import write_preferences
from stillhouse.dataset.reasoning_mix import agreeing_samples, mix_reasoning
from stillhouse.dataset.second_opinion import NO_OPINIONS, Opinions, combined
from stillhouse.dataset.spec import DatasetSpec
from stillhouse.dataset.summary import (
    DifficultyCounts,
    FilterSummary,
    LabelErrorCounts,
    ReasoningCounts,
    TeacherTokens,
    WrittenRows,
)
from stillhouse.dataset.teacher_counts import counts_by_teacher
from stillhouse.dataset.teacher_tokens import (
    StoredNumbers,
    drawn_numbers,
    keys_by_teacher,
    top_numbers_of,
    write_teacher_tokens,
)
from stillhouse.filters.outcome import FilterResult, merge_results, undecided_counts
from stillhouse.filters.pipeline import KEEP_ALL, NO_SCORES, apply_filters
from stillhouse.skills.cases import read_cases, rows_to_ask, rows_to_check, without_own
from stillhouse.teachers.calibration import (
    Priors,
    calibrated_completions,
    label_priors,
    teacher_index_of,
    write_priors,
)


def write_dataset(
    spec: DatasetSpec,
    *,
    train: Path,
    split: Path,
    completions: Path,
    out: Path,
    scores: Mapping[str, int | None] = NO_SCORES,
    opinions: Opinions = NO_OPINIONS,
    store: StoreConfig | None = None,
    draws: Sequence[Path] = (),
    asked: Asked | None = None,
) -> FilterSummary:
    """Write train.jsonl, validation.jsonl, labelled.jsonl, dropped.jsonl and calibration.json into `out`.

    Writes suspects.jsonl too, the rows whose reference the teacher contradicts, if it completed rows with a reference,
    and the pairs of PAIR_FILES, if the recipe has a second step.

    Args:
        train: the training rows; `split` is the folder of the others.
        completions: the table of the teachers' completions.
        scores: a judge's of the completions, by their keys.
        opinions: a classifier's of the prompts; empty for none.
        store: with the completions, for rows with the likeliest tokens of the teachers.
        draws: files of tokens drawn from the teachers, for rows with them.
        asked: the prompts that the teacher was asked about; None: about all.

    Raises:
        QualityError: too few completions survive, none has the probabilities of labels, or of tokens, that rows are to
            hold, or there are too few pairs.
    """
    lines, test = read_answers(completions), split / "test.parquet"
    rows = {"train": read_cases(train, spec.skill), "validation": read_cases(split / "validation.parquet", spec.skill)}
    examples = [row for row in read_cases(split / "examples.parquet", spec.skill) if row["references"]]
    prompts = {name: rows_to_ask(found, spec.use_references) for name, found in rows.items()}
    if asked:
        prompts = {name: asked.among(found) for name, found in prompts.items()}
    unbiased = asked.drawn_among(prompts["train"]) if asked else prompts["train"]
    priors = label_priors(spec.calibrations, unbiased, lines)
    judged, shifts = combined(lines, priors, opinions, spec.opinion_weight, len(spec.labels))
    results, difficulty = select_completions(prompts, judged, shifts, spec, scores)
    training, balanced = training_examples(results, rows, examples, spec)
    training, mixed = with_shares_of_reasoning(training, results, spec)
    # log-probabilities of labels are learnt as what they are of labels, whatever tokens the teacher wrote
    has_labels = spec.label_probabilities or (spec.top_logprobs and spec.skill.has_labels)
    soft = LabelProbabilities(judged, shifts, spec.labels, spec.skill) if has_labels else None
    num_rows = write_examples(training, spec, out, soft)
    tokens = write_token_numbers(training, lines, spec, out, store=store, draws=draws, soft=soft)
    pairs = write_preferences(results, spec, out)
    result = merge_results(results.values())
    _write_lines(out / "dropped.jsonl", (drop.line() for drop in result.dropped))
    write_priors(out, spec.labels, priors)
    everyone = [*rows["train"], *rows["validation"]]
    everyone = rows_to_check(everyone, examples) if spec.filters.check_labels else without_own(everyone)
    # free answers are hardly ever equal: there is nothing to count
    targets = Counter(candidate.target for candidate in result.kept) if spec.skill.has_labels else {}
    return FilterSummary(
        num_in=result.num_in,
        kept=len(result.kept),
        dropped=result.counts,
        rows=num_rows,
        undecided=undecided_counts(result.kept, spec.filters),
        answers=dict(sorted(targets.items())),
        teachers=counts_by_teacher(result, len(priors)) if len(priors) > 1 else None,
        prior=priors[0],
        difficulty=difficulty,
        reasoning=mixed,
        preferences=pairs,
        balance=balanced,
        coverage=compare_with_test(training["train"], test, spec)
        if (test := split / "test.parquet").exists()
        else None,
        teacher_tokens=tokens,
        suspects=write_label_errors(everyone, lines, priors[0], spec, out),
    )


def write_token_numbers(
    training: Mapping[str, Sequence[TrainingExample]],
    lines: Lines,
    spec: DatasetSpec,
    out: Path,
    *,
    store: StoreConfig | None,
    draws: Sequence[Path],
    soft: LabelProbabilities | None,
) -> TeacherTokens | None:
    """Write the drawn or the likeliest tokens of the teachers for the training examples; None if none are wanted.

    Raises:
        QualityError: the teachers' numbers are known of no token, and not of the labels (`soft`) either.
    """
    if spec.token_draws:
        drawn = drawn_numbers(draws, keys_by_teacher(training))
        return write_teacher_tokens(training, lines, StoredNumbers(drawn), out)
    if not (spec.top_logprobs and store):
        return None
    likeliest = top_numbers_of(store, keys_by_teacher(training), spec.top_logprobs)
    is_needed = not (soft and soft.knows_any(training["train"]))
    return write_teacher_tokens(training, lines, StoredNumbers(likeliest), out, is_needed=is_needed)


def select_completions(
    prompts: Mapping[str, Sequence[Row]],
    lines: Lines,
    priors: Priors,
    spec: DatasetSpec,
    scores: Mapping[str, int | None],
) -> tuple[dict[str, FilterResult], DifficultyCounts | None]:
    """Return what the filters make of each split's completions, and the counts of hard and easy rows, if sought."""
    skill, labels, hard_share = spec.skill, spec.labels, spec.filters.hard_share
    completions = calibrated_completions(lines, priors, labels)
    results = {
        name: apply_filters(rows, completions, spec.filters, skill, labels, spec.mixing or KEEP_ALL, scores)
        for name, rows in prompts.items()
    }
    if hard_share is None:
        return results, None
    label_scores = {row_id: found[0]["label_scores"] for row_id, found in lines.items()}
    output = TeacherOutput(completions, label_scores, priors[0])
    result, counts = subsample_by_difficulty(results["train"].kept, output, skill, labels, hard_share)
    return results | {"train": results["train"].then(result)}, counts


def training_examples(
    results: Mapping[str, FilterResult],
    rows: Mapping[str, Sequence[Row]],
    examples: Sequence[Row],
    spec: DatasetSpec,
) -> tuple[dict[str, list[TrainingExample]], BalanceSummary | None]:
    """Return each split's training examples, and those of all labelled rows alone.

    Return those of the training split by label too, if the recipe evens labels out.
    """
    training: dict[str, list[TrainingExample]] = {}
    for name, result in results.items():
        training[name] = [
            TrainingExample(
                one.row,
                one.target,
                one.completion.teacher_number,
                reasoning=one.completion.reasoning,
                tokens=one.completion.completion_tokens,
                key=one.completion.key,
                teacher=one.completion.teacher,
            )
            for one in result.kept
        ]
        given = labelled_rows(rows[name], examples if name == "train" else ())
        # what the recipe's own validation rows hold is right, whatever the student learns from
        given = [row for row in given if spec.use_references or row["source"] == "validation"]
        training[name] += [_from_reference(row, spec) for row in given]
    training["labelled"] = [_from_reference(row, spec) for row in labelled_rows(rows["train"], examples)]
    balanced = None
    if spec.balance:
        training["train"], balanced = balance_examples(training["train"], spec.balance)
    return training, balanced


def with_shares_of_reasoning(
    training: Mapping[str, Sequence[TrainingExample]], results: Mapping[str, FilterResult], spec: DatasetSpec
) -> tuple[dict[str, list[TrainingExample]], ReasoningCounts | None]:
    """Return the examples with their share of reasoning, and the counts of those that train; None unless it is mixed.

    Validation rows have the same shares, so that their loss is of what is learnt.
    """
    if spec.reasoning != "mix" or spec.reasoning_mix is None:
        return {name: list(found) for name, found in training.items()}, None
    mixed = {
        name: mix_reasoning(
            found,
            agreeing_samples(results[name], spec.skill) if name in results else {},
            spec.reasoning_mix,
            spec.skill,
            spec.labels,
        )
        for name, found in training.items()
    }
    return {name: found for name, (found, _) in mixed.items()}, mixed["train"][1]


def write_examples(
    training: Mapping[str, Sequence[TrainingExample]],
    spec: DatasetSpec,
    out: Path,
    judged: LabelProbabilities | None = None,
) -> WrittenRows:
    """Write the training examples, one file a split, and return how many.

    Raises:
        QualityError: the rows are to hold the teacher's probabilities (`judged`), and those of no row are known.
    """
    if judged and spec.label_probabilities:
        judged.check(training["train"])
    show = spec.skill.student_messages
    for name, found in training.items():
        _write_lines(
            out / f"{name}.jsonl",
            (
                {
                    "id": example.row["id"],
                    "prompt": show(example.row["messages"], spec.labels),
                    "completion": [answer_turn(example, spec)],
                    **({"teacher": example.teacher_number} if example.teacher_number else {}),
                    **(judged.field(example) if judged else {}),
                }
                for example in found
            ),
        )
    return WrittenRows(**{name: len(found) for name, found in training.items()})


def compare_with_test(training: Sequence[TrainingExample], test: Path, spec: DatasetSpec) -> Coverage:
    """Return how well the training examples stand for the test rows."""
    rows = read_cases(test, spec.skill)
    labels = ([one.target for one in training], [row["references"][0] for row in rows if row["references"]])
    return compare(
        [spec.skill.as_text(one.row["messages"]) for one in training],
        [spec.skill.as_text(row["messages"]) for row in rows],
        labels if spec.skill.has_labels else None,
    )


def write_label_errors(
    rows: Sequence[Row], lines: Lines, prior: Sequence[float] | None, spec: DatasetSpec, out: Path
) -> LabelErrorCounts | None:
    """Write suspects.jsonl and return its counts; do neither if no labelled row could be judged.

    Only the first teacher counts: it is the one that is evaluated.
    """
    of_first = {row_id: [line for line in found if teacher_index_of(line) == 0] for row_id, found in lines.items()}
    num_judged, label_errors = find_label_errors(rows, of_first, spec.skill, spec.labels, prior)
    if not num_judged:
        return None
    _write_lines(out / "suspects.jsonl", label_errors)
    num_sure = sum(error["is_sure"] for error in label_errors)
    return LabelErrorCounts(judged=num_judged, found=len(label_errors), sure=num_sure)


def _from_reference(row: Row, spec: DatasetSpec) -> TrainingExample:
    """Return a row with its first reference, and recorded reasoning before it, as a student is to say it."""
    reference = row["references"][0]
    if spec.skill.has_labels:
        return TrainingExample(row, reference, is_given=True)
    answer = spec.skill.parse(reference, spec.labels)
    target = reference if answer is None else spec.skill.training_target(reference, answer)
    return TrainingExample(row, target, is_given=True, reasoning=row.get("reasoning", ""))


def _write_lines(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
