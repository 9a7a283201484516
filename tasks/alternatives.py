"""Measures logistic regression on TF-IDF and on an encoder: without a teacher, and on what the student learns."""

from stillhouse.artifacts.handle import Built
from stillhouse.data.row import prompt_text
from stillhouse.dataset.summary import FilterSummary
from stillhouse.evaluation.alternatives.summary import AlternativesSummary
from stillhouse.evaluation.alternatives.texts import texts_of_examples
from stillhouse.evaluation.evidence import write_evidence
from stillhouse.inference.encoder.files import EncoderFiles, find_encoder, why_none
from stillhouse.skills.cases import read_cases
from stillhouse.skills.registry import AnySkill
from tasks.balance import Rows
from tasks.orchestration.labelled_texts import read_labelled
from tasks.orchestration.params import Execution, Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.text_alternatives import measure_text_alternatives


class AlternativesParams(Params):
    """The encoder, and how requests are timed."""

    skill: AnySkill
    labels: tuple[str, ...]
    timed: tuple[int, ...]  # seed, warm requests, timed requests
    encoder: EncoderFiles | None
    why_no_encoder: Execution[str]


@stage("alternatives", version=2)
def alternatives(call: StageCall[AlternativesParams]) -> AlternativesSummary:
    """Write answers.parquet and measurements.json of logistic regression on TF-IDF and on a sentence encoder."""
    # imported here: scikit-learn takes a second to load, and a run that finds this artifact needs none of it
    from stillhouse.evaluation.alternatives.measure import Timing, measure_all

    params, timing, split = call.params, Timing(*call.params.timed), call.folder("split")
    test = read_cases(split / "test.parquet", params.skill)
    found = measure_all(
        read_labelled(call.folder("balance"), split, params.skill, timing.seed),
        texts_of_examples(call.folder("filter") / "train.jsonl", timing.seed),
        [prompt_text(row["messages"]) for row in test],
        timing,
        params.encoder,
        params.why_no_encoder,
        params.labels,
    )
    write_evidence(call.work.folder, found.lines([row["id"] for row in test]), found.measurements)
    return AlternativesSummary(models=tuple(found.answers), not_measured=found.not_measured)


def measure_alternatives(run: Run, rows: Rows, dataset: Built[FilterSummary]) -> Built[AlternativesSummary] | None:
    """Return the answers and measurements of the alternatives; None if the recipe wants none.

    Raises:
        ModelError: the recipe's encoder can't be used.
    """
    recipe, evaluation = run.recipe, run.recipe.evaluation
    if not evaluation.no_teacher_alternatives:
        return None
    if not recipe.skill.has_labels:
        return measure_text_alternatives(run, rows)
    params = AlternativesParams(
        skill=recipe.skill,
        labels=rows.labels,
        timed=(evaluation.seed, evaluation.warm_requests, evaluation.latency_requests),
        encoder=find_encoder(evaluation.encoder),
        why_no_encoder=why_none(evaluation.encoder),
    )
    return run.build(alternatives, {**rows.inputs, "filter": dataset.ref}, params)
