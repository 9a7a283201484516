"""Measures what 1, 2, 4, ... labels a class would give without a teacher, by many draws of the labelled rows."""

from stillhouse.artifacts.handle import Built
from stillhouse.data.row import prompt_text
from stillhouse.evaluation.alternatives.label_curve import LabelCurveSummary, write_curve
from stillhouse.inference.encoder.files import EncoderFiles, find_encoder
from stillhouse.skills.cases import read_cases
from stillhouse.skills.registry import AnySkill
from tasks.balance import Rows
from tasks.orchestration.labelled_texts import read_labelled
from tasks.orchestration.params import Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage


class LabelCurveParams(Params):
    """The encoder, and the seed of the draws."""

    skill: AnySkill
    labels: tuple[str, ...]
    seed: int
    encoder: EncoderFiles | None


@stage("label_curve", version=1)
def label_curve(call: StageCall[LabelCurveParams]) -> LabelCurveSummary:
    """Write label_curve.parquet: the answers to the test rows of each learner after each draw of labelled rows."""
    # imported here: scikit-learn takes a second to load, and a run that finds this artifact needs none of it
    from stillhouse.evaluation.alternatives.measure_curve import measure_curve
    from stillhouse.inference.encoder.sentence_encoder import SentenceEncoder

    params, split = call.params, call.folder("split")
    labelled = read_labelled(call.folder("balance"), split, params.skill, params.seed)
    texts = [prompt_text(row["messages"]) for row in read_cases(split / "test.parquet", params.skill)]
    encoder = SentenceEncoder(params.encoder) if params.encoder else None
    curve = measure_curve(labelled, texts, params.seed, encoder, params.labels)
    write_curve(call.work.folder, curve)
    classes = tuple(sorted(set(labelled.labels)))
    return LabelCurveSummary(
        labelled=len(labelled.texts), classes=classes, rows=curve.rows, not_measured=labelled.why_not("labels")
    )


def measure_label_curve(run: Run, rows: Rows) -> Built[LabelCurveSummary] | None:
    """Return the curve without a teacher; None if the recipe wants no alternatives or has no labels.

    No teacher's answer is an input, so another teacher or student leaves it as it is.

    Raises:
        ModelError: the recipe's encoder can't be used.
    """
    recipe, evaluation = run.recipe, run.recipe.evaluation
    if not evaluation.no_teacher_alternatives or not recipe.skill.has_labels:
        return None
    params = LabelCurveParams(
        skill=recipe.skill, labels=rows.labels, seed=evaluation.seed, encoder=find_encoder(evaluation.encoder)
    )
    return run.build(label_curve, rows.inputs, params)
