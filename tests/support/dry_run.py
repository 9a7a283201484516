"""A run whose stages are finished at once: what they would be named by, without what they would do."""

from pathlib import Path
from typing import Any

from stillhouse.artifacts.handle import ArtifactRef, Built, S_co
from stillhouse.artifacts.store import Store
from stillhouse.completions.completion import CompletionSlot
from stillhouse.completions.store import CompletionStore
from stillhouse.costs.usage import Usage
from stillhouse.data.turns import write_rows
from stillhouse.evaluation.roles import ModelRole
from stillhouse.recipe.recipe import Recipe
from stillhouse.runtime.settings import load_settings
from stillhouse.teachers.probe import PROMPT_ROWS, write_probe
from tasks.alternatives import measure_alternatives
from tasks.choose_teacher import compared_teacher
from tasks.combine_teacher import combine_teacher
from tasks.convert import load_judge, load_student_bases, load_teachers
from tasks.cut import cut_students
from tasks.draw import draw_tokens
from tasks.evaluate import evaluate_models
from tasks.evaluate_encoder import evaluate_encoders
from tasks.filter import filter_completions
from tasks.initialise import initialise_student
from tasks.judge import score_completions
from tasks.judge_pairs import compare_pairs
from tasks.label_curve import measure_label_curve
from tasks.mix import generate_completions
from tasks.orchestration.params import P
from tasks.orchestration.run import Inputs, Run
from tasks.orchestration.stage import Stage
from tasks.probe import probe_teachers
from tasks.probe_judge import probe_scores
from tasks.second_opinion import form_second_opinion
from tasks.train import train_labelled_only, train_students
from tests.support.builders import make_completion
from tests.support.stages import prepare_rows

# what the records of all stages would say, by the names that records use
_NUMBERS: dict[str, Any] = {
    **dict.fromkeys(("in", "read", "rows", "train", "validation", "test", "examples", "kept", "prompts", "routed"), 5),
    **dict.fromkeys(
        ("requests", "generated", "sent", "scored", "pairs", "answers", "steps", "tokens", "completions"), 7
    ),
    **dict.fromkeys(("failed", "unreadable", "parameters", "graph_bytes", "agreement"), 0),
    **{name: {} for name in ("dropped", "quarantined", "before", "after", "scores", "against")},
    **{"labels": ["a", "b"], "by": "none", "method": "full", "seconds": 1.0, "train_loss": 1.0, "models": []},
    **{"teachers": [1, 2], "prompt_tokens": 70, "completion_tokens": 14},
    "bought": Usage(requests=7, prompt_tokens=70, completion_tokens=14, seconds=1.0).model_dump(),
}
OWN_NUMBERS: dict[str, dict[str, Any]] = {
    "validate": {"kept": {}},
    "evaluate": {"models": ["student", "student_2"]},
    "choose_teacher": {"best": 0, "qualities": [0.5, 0.5]},
    "label_curve": {"labelled": 5, "classes": ["a", "b"]},
    "second_opinion": {"learnt": 5, "asked": 5},
    "cut": {
        **{name: {"layers": 4, "neurons": 8, "heads": 2, "kv_heads": 1, "head_size": 4} for name in ("whole", "kept")},
        **{"layers": [0, 3], "whole_parameters": 9, "embeddings": "model", "correction_steps": 0, "loss_rows": 3},
        **{"loss_on_validation": True, "loss_whole": 2.1, "loss_cut": 6.3},
    },
    "filter": {"rows": {"train": 5, "validation": 1, "labelled": 3}, "answers": {}, "teachers": None},
}


# the completions of every teacher in a plan
_KEYS = ("b" * 64, "a" * 64)


class _Store(Store):
    """A store of completions; artifacts lie in folders of their own, of which a probe's and the rows' are opened."""

    def fetch(self, ref: ArtifactRef) -> Path:
        folder = self.config.cache_dir / ref.stage / ref.fingerprint
        if ref.stage == "probe":
            folder.mkdir(parents=True, exist_ok=True)
            slots = [CompletionSlot("1", index, key) for index, key in enumerate(_KEYS)]
            write_probe(folder, {PROMPT_ROWS: slots}, dict.fromkeys(_KEYS, 1), [], is_exact=True)
        if ref.stage == "balance":
            folder.mkdir(parents=True, exist_ok=True)
            write_rows(folder / "train.parquet", [])
        return folder


class DryRun(Run):
    """A run that names every stage's artifact and builds none."""

    @property
    def store(self) -> Store:
        """A store that says where artifacts would lie."""
        return _Store(self.settings.store)

    def build(
        self, stage: Stage[P, S_co], inputs: Inputs, params: P, *, label: str = "", seconds_before: float = 0.0
    ) -> Built[S_co]:
        """Return the stage as if it had been built in a second."""
        given = {name: ref for name, ref in inputs.items() if ref is not None}
        ref = ArtifactRef(stage=stage.name, fingerprint=stage.fingerprint_of(given, params))
        summary = stage.summary_type.model_validate(_NUMBERS | OWN_NUMBERS.get(stage.name, {}))
        self.built.append(Built(label or stage.name, ref, summary, 1.0, is_cached=False))
        return self.built[-1]


def dry_distill(recipe: Recipe, student: ModelRole = ModelRole.STUDENT) -> DryRun:
    """Return the run of all stages that `flows/distill.py` chains; `student` is the best by validation."""
    run = DryRun(recipe, load_settings(), frozenset(), id="dry")
    rows = prepare_rows(run)
    teachers, judge = load_teachers(run), load_judge(run)
    bases = load_student_bases(run)
    untrained = initialise_student(run, bases, rows)
    completions = generate_completions(run, teachers, rows)
    scores, opinions = score_completions(run, judge, completions, rows), form_second_opinion(run, rows)
    draws = draw_tokens(run, teachers, completions, rows)
    dataset = filter_completions(run, completions, rows, scores, opinions, draws)
    bases = cut_students(run, bases, dataset)
    untrained = untrained or initialise_student(run, bases, rows)
    students = train_students(run, bases, teachers, rows, dataset)
    labelled_only = train_labelled_only(run, students[0], rows, dataset)
    models = [*students, *filter(None, [untrained, labelled_only])]
    measure_alternatives(run, rows, dataset)
    measure_label_curve(run, rows)
    encoders = evaluate_encoders(run, rows, models)
    compared = compared_teacher(run, teachers, rows, dataset)
    evaluation = evaluate_models(run, rows, dataset, compared, bases[0], models)
    combine_teacher(run, rows, dataset, opinions, evaluation)
    compare_pairs(run, judge, rows, [evaluation, *encoders], student)
    return run


def dry_plan(recipe: Recipe) -> DryRun:
    """Return the run of all stages that `flows/plan.py` chains; each teacher has two completions in the store."""
    run = DryRun(recipe, load_settings(), frozenset(), id="dry")
    rows = prepare_rows(run)
    teachers, judge = load_teachers(run), load_judge(run)
    for checkpoint, config in zip(teachers, recipe.teachers, strict=True):
        teacher = checkpoint.fingerprint_as(config)
        completions = [make_completion(key=key, teacher=teacher) for key in _KEYS]
        CompletionStore(run.store, teacher).append(completions, logprobs=20)
    probe_scores(run, judge, teachers, probe_teachers(run, teachers, rows), rows)
    return run
