"""From the teachers to the training examples: the part of a distillation that a sweep's trials share with it."""

from typing import Any

from stillhouse.artifacts.handle import Built
from stillhouse.dataset.summary import FilterSummary
from stillhouse.inference.models import Checkpoint
from tasks.balance import Rows
from tasks.draw import draw_tokens
from tasks.filter import filter_completions
from tasks.judge import JudgeSummary, score_completions
from tasks.mix import Completions, generate_completions
from tasks.orchestration.run import Run
from tasks.second_opinion import form_second_opinion


def make_dataset(
    run: Run, teachers: list[Checkpoint], judge: Checkpoint | None, rows: Rows
) -> tuple[Completions, Built[JudgeSummary] | None, Built[Any] | None, Built[FilterSummary]]:
    """Return the completions, a judge's scores of them, the second opinion, and the training examples made of all."""
    completions = generate_completions(run, teachers, rows)
    scores = score_completions(run, judge, completions, rows)
    opinions = form_second_opinion(run, rows)
    draws = draw_tokens(run, teachers, completions, rows)
    return completions, scores, opinions, filter_completions(run, completions, rows, scores, opinions, draws)
