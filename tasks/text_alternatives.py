"""Measures what answers in free text are worth without any model: that of the nearest row, and the text's opening."""

from stillhouse.artifacts.handle import Built
from stillhouse.data.row import prompt_text
from stillhouse.dataset.labelled import labelled_rows
from stillhouse.evaluation.alternatives.summary import AlternativesSummary
from stillhouse.evaluation.evidence import write_evidence
from stillhouse.skills.cases import read_cases
from stillhouse.skills.registry import AnySkill
from tasks.balance import Rows
from tasks.orchestration.params import Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage


class TextAlternativesParams(Params):
    """How requests are timed."""

    skill: AnySkill
    timed: tuple[int, ...]  # seed, warm requests, timed requests


@stage("text_alternatives", version=1)
def text_alternatives(call: StageCall[TextAlternativesParams]) -> AlternativesSummary:
    """Write answers.parquet and measurements.json of the nearest labelled answer and of the text's opening."""
    # imported here: scikit-learn takes a second to load, and a run that finds this artifact needs none of it
    from stillhouse.evaluation.alternatives.free_text import measure_free_text, texts_with_answers
    from stillhouse.evaluation.alternatives.measure import Timing

    skill, split = call.params.skill, call.folder("split")
    paths = (call.folder("balance") / "train.parquet", split / "examples.parquet", split / "test.parquet")
    train, examples, test = (read_cases(path, skill) for path in paths)
    found = measure_free_text(
        texts_with_answers(labelled_rows(train, examples)),
        [prompt_text(row["messages"]) for row in test],
        Timing(*call.params.timed),
        with_opening=skill.opens_with_answer,
    )
    lines = found.lines([row["id"] for row in test])
    read = [{**line, "answer": skill.parse(line["text"], ())} for line in lines]
    write_evidence(call.work.folder, read, found.measurements)
    return AlternativesSummary(models=tuple(found.answers), not_measured=found.not_measured)


def measure_text_alternatives(run: Run, rows: Rows) -> Built[AlternativesSummary]:
    """Return the answers and measurements of the ways without a model.

    No teacher's answer is an input, so another teacher or student leaves them as they are.
    """
    recipe, evaluation = run.recipe, run.recipe.evaluation
    timed = (evaluation.seed, evaluation.warm_requests, evaluation.latency_requests)
    return run.build(text_alternatives, rows.inputs, TextAlternativesParams(skill=recipe.skill, timed=timed))
