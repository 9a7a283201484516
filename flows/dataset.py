"""From the teachers to the training examples: the part of a distillation that a sweep's trials share with it."""

from typing import Any

from stillhouse.artifacts.handle import Built
from stillhouse.dataset.summary import FilterSummary
from stillhouse.inference.models import Checkpoint
from tasks.asking.rounds import ask_in_rounds
from tasks.balance import Rows
from tasks.draw import draw_tokens
from tasks.filter import filter_completions
from tasks.judge import JudgeSummary, score_completions
from tasks.mix import Completions
from tasks.orchestration.run import Run
from tasks.orchestration.student_models import StudentBase
from tasks.second_opinion import form_second_opinion


def make_dataset(
    run: Run, teachers: list[Checkpoint], judge: Checkpoint | None, bases: list[StudentBase], rows: Rows
) -> tuple[Completions, Built[JudgeSummary] | None, Built[Any] | None, Built[FilterSummary]]:
    """Return the completions, a judge's scores of them, the second opinion, and the training examples made of all."""
    opinions = form_second_opinion(run, rows)
    completions = ask_in_rounds(run, teachers, judge, bases, rows, opinions)
    scores = score_completions(run, judge, completions, rows)
    draws = draw_tokens(run, teachers, completions, rows)
    return completions, scores, opinions, filter_completions(run, completions, rows, scores, opinions, draws)
