"""Runs one trial of a sweep: trains on growing shares of the rows, and measures on validation rows."""

import json
import logging
from collections.abc import Mapping
from typing import Any

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.costs.ledger import total
from stillhouse.errors import RecipeError
from stillhouse.evaluation.evidence import MEASUREMENTS
from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.validation_truth import Truth, validation_truth
from stillhouse.recipe.checks.sweep import sweep_of
from stillhouse.recipe.sweep import Sweep
from stillhouse.skills.cases import read_cases
from stillhouse.sweep.halving import goes_on, shares_of
from stillhouse.sweep.score import score_answers
from stillhouse.sweep.study import Study
from stillhouse.sweep.trial import Measures, Rung, Trial
from tasks.cut import cut_students
from tasks.evaluate_trial import measure_trial
from tasks.orchestration.run import Run
from tasks.sweeping.prepared import Prepared, requests_of
from tasks.train import train_students
from tasks.trial_rows import take_share

log = logging.getLogger("stillhouse")


def run_trial(run: Run, study: Study, trial: Trial, data: Prepared, truth: Mapping[str, Truth]) -> Trial:
    """Return the trial at its end, each rung stored as soon as it is measured.

    Raises:
        RecipeError: its values change the validation rows.
        UserError: of its stages.
    """
    sweep: Sweep = sweep_of(run.recipe)
    requests, usd = requests_of(run)
    known = total([trial.requests_usd, usd])
    trial = trial.model_copy(update={"requests": trial.requests + requests, "requests_usd": known})
    for share in shares_of(sweep.pruning, data.dataset.summary.rows.train)[len(trial.rungs) :]:
        rung, measures = _climb(run, sweep, data, truth, share)
        trial = trial.with_rung(rung).model_copy(update={"measures": measures})
        if share < 1.0 and sweep.pruning and not goes_on(trial, study.trials(), sweep.pruning):
            trial = trial.ended("pruned", f"among the poorer after {rung.rows} training rows")
            break
        study.put(trial)
    else:
        trial = trial.ended("complete")
    study.put(trial)
    return trial


def _climb(run: Run, sweep: Sweep, data: Prepared, truth: Mapping[str, Truth], share: float) -> tuple[Rung, Measures]:
    """Train on a share of the rows and measure; return what came of it."""
    paid_before = len(run.ledger)
    rows = take_share(run, data.dataset, share)
    main = data.bases[0]
    # by all rows, so that every share of them trains the same student
    bases = cut_students(run, [main], data.dataset) if main.is_uncut else [main]
    (student,) = train_students(run, bases, data.teachers, data.rows, rows)
    is_last = share >= 1.0
    answered = measure_trial(run, data.rows, student, max_rows=sweep.max_validation_rows, is_timed=is_last)
    folder = run.store.fetch(answered.ref)
    scored = score_answers(folder, truth, run.recipe, data.rows.labels)
    paid = run.ledger[paid_before:]
    rung = Rung(
        share=share,
        rows=rows.summary.rows.train,
        score=scored.score,
        validation_rows=len(scored.rows),
        # also of what was found: a trial that was killed counts as one that was not
        seconds=round(sum(line.life.seconds or 0.0 for line in paid), 3),
        cost_usd=total(line.life_usd for line in paid),
        student=student.ref.fingerprint,
        answers=answered.ref.fingerprint,
    )
    numbers = json.loads((folder / MEASUREMENTS).read_text())[ModelRole.STUDENT]
    return rung, _measures(numbers) if is_last else Measures()


def _measures(numbers: Mapping[str, Any]) -> Measures:
    latency = numbers.get("latency_ms") or {}
    seconds = {name: at / 1000 if (at := latency.get(name)) is not None else None for name in ("p50", "p95")}
    return Measures(
        latency_s=seconds["p50"],
        latency_p95_s=seconds["p95"],
        **{name: numbers.get(name) for name in ("weight_bytes", "peak_memory_bytes", "parameters")},
    )


def truth_for(run: Run, study: Study, data: Prepared) -> dict[str, Truth]:
    """Return what is right on each validation row, for all trials alike: by the data set of the recipe as it is.

    Raises:
        RecipeError: a swept value changes the validation rows.
    """
    noted = study.noted("study") or {}
    split, dataset = ArtifactRef(**noted["split"]), ArtifactRef(**noted["dataset"])
    if data.rows.splits.ref != split and _ids(run, data.rows.splits.ref) != _ids(run, split):
        raise RecipeError(
            "sweep: the values of this trial change the validation rows, so its score could not be compared. Sweep "
            "other fields, or give rows of their own in data.validation."
        )
    cases = read_cases(run.store.path(split, "validation.parquet"), run.recipe.skill)
    return validation_truth(cases, run.store.fetch(dataset), run.recipe.skill, data.rows.labels)


def _ids(run: Run, split: ArtifactRef) -> list[str]:
    return [row["id"] for row in read_cases(run.store.path(split, "validation.parquet"), run.recipe.skill)]
