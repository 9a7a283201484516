"""Two runs that want the same answers at the same time: each is asked once, whoever waits takes it over."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stillhouse.completions.recorder import CompletionRecorder
from stillhouse.completions.table import AnswerForm
from stillhouse.costs.budget_guard import BudgetScope
from stillhouse.errors import BudgetSpent
from stillhouse.recipe.costs import Budget
from stillhouse.teachers.api_requests import ChatRequests
from stillhouse.teachers.api_worker import generate
from stillhouse.teachers.requests import open_recorder, rows_of
from stillhouse.teachers.spec import GenerateSpec
from tests.support.api.requests import RecordingReporter, connect_over, spec, stored, teacher
from tests.support.api.server import Serve, answer
from tests.support.builders import make_completion

FREE = {"output": {"kind": "free"}}


def recorder_of(asked: GenerateSpec) -> tuple[CompletionRecorder, ChatRequests, RecordingReporter]:
    requests, reporter = ChatRequests(asked, rows_of(asked)), RecordingReporter()
    keys = [request.key for request in requests.all]
    return open_recorder(asked, keys, reporter, AnswerForm(is_closed=False)), requests, reporter


@contextmanager
def asked_by_another(
    asked: GenerateSpec, num_answers: int, reporter: RecordingReporter, *, tokens: int = 10, num_left: int = 0
) -> Iterator[None]:
    """Hold all prompts as another run does that answers some of them once `reporter` says that one waits, and ends.

    It leaves `num_left` further answers on the disk, as a kill does.
    """
    recorder, requests, _ = recorder_of(asked)

    def answer_some() -> None:
        with recorder.asking(requests.all) as missing:
            began.set()
            while "waiting" not in reporter.text and not over.wait(0.02):
                pass
            answers = [
                make_completion(key=one.key, teacher=recorder.teacher, prompt_tokens=tokens, completion_tokens=0)
                for one in missing[: num_answers + num_left]
            ]
            recorder.commit(answers[:num_answers])
            for one in answers[num_answers:]:
                recorder.note(one)
            recorder.cut().close()

    began, over = threading.Event(), threading.Event()
    thread = threading.Thread(target=answer_some)
    thread.start()
    assert began.wait(20)
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("num_answers", [6, 4])
def test_run_that_meets_another_waits_and_asks_only_what_that_has_left(
    tmp_path: Path, serve: Serve, num_answers: int
) -> None:
    server = serve(lambda _: answer("billing"))
    asked, reporter = spec(tmp_path, teacher(**FREE), 6), RecordingReporter()
    with asked_by_another(asked, num_answers, reporter):
        summary = generate(asked, reporter, connect_over(Path("socket")))
    assert len(server.requests) == summary["sent"] == 6 - num_answers
    assert summary["from_store"] == num_answers
    assert len(stored(tmp_path)) == 6
    assert "waiting: process" in reporter.text
    assert f"{num_answers} of them were answered to another run" in reporter.text


def test_budget_of_a_run_that_meets_another_counts_what_that_was_answered(tmp_path: Path, serve: Serve) -> None:
    server = serve(lambda _: answer("billing"))
    budget = BudgetScope(budget=Budget(tokens=4_000))
    asked, reporter = spec(tmp_path, teacher(**FREE), 6, budget=budget), RecordingReporter()
    with asked_by_another(asked, 4, reporter, tokens=999), pytest.raises(BudgetSpent, match="4 of 6"):
        generate(asked, reporter, connect_over(Path("socket")))
    assert server.requests == []


def test_run_for_other_prompts_of_the_same_teacher_does_not_wait(tmp_path: Path, serve: Serve) -> None:
    serve(lambda _: answer("billing"))
    asked = spec(tmp_path, teacher(**FREE), 6)
    others = spec(tmp_path, teacher(**FREE, sampling={"max_tokens": 7}), 6)
    reporter = RecordingReporter()
    with asked_by_another(others, 0, reporter):
        generate(asked, reporter, connect_over(Path("socket")))
    assert "waiting" not in reporter.text


def test_run_that_waited_takes_over_what_was_stored_and_what_was_left_on_the_disk(tmp_path: Path, serve: Serve) -> None:
    server = serve(lambda _: answer("billing"))
    asked, reporter = spec(tmp_path, teacher(**FREE), 6), RecordingReporter()
    with asked_by_another(asked, 4, reporter, num_left=1):
        summary = generate(asked, reporter, connect_over(Path("socket")))
    assert len(server.requests) == summary["sent"] == 1
    assert summary["from_store"] == 5
