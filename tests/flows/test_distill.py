"""The whole pipeline on the real engine and the real trainer: cached reruns, grown data, kills."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from stillhouse.reports.schema.report import Report
from tests.support.pipeline import DATA_STAGES, MODEL, Pipeline, left_alive

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(not MODEL.exists(), reason="the demo's teacher is not there; run `make model`"),
]


def newest_report(pipeline: Pipeline) -> Report:
    paths = sorted((pipeline.folder / "store" / "runs").glob("*/report.json"), key=lambda path: path.stat().st_mtime)
    return Report.model_validate_json(paths[-1].read_text())


def test_distill_first_run_measures_every_model_on_the_same_rows(whole: Pipeline) -> None:
    report = newest_report(whole)

    assert report.generation is not None
    assert report.generation.generated == report.generation.requests == len(set(whole.stored_keys()))
    measured = ("teacher", "student", "baseline_untrained", "baseline_zero_shot", "student_labelled_only")
    for name in (*measured, "tfidf_logistic_regression"):
        model = getattr(report.models, name)
        assert model.quality["accuracy"].n == 30, name
    for name in measured[:4]:
        assert getattr(report.models, name).latency_ms.n == 50, name
    assert report.models.teacher.parameters > report.models.student.parameters
    assert report.models.teacher.prompt_tokens_mean > report.models.student.prompt_tokens_mean
    page = next((whole.folder / "store" / "runs").glob("*/report.html")).read_text()
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert all(step.unaccounted == 0 for step in report.funnel)


@pytest.mark.pitfall("held out")
def test_distill_measures_on_the_rows_of_test_alone_and_trains_on_none_of_them(whole: Pipeline) -> None:
    stages = newest_report(whole).stages

    def only(stage: str, file: str) -> Path:
        (found,) = (whole.folder / "store" / "artifacts" / stage / str(stages[stage].fingerprint)).glob(f"*/{file}")
        return found

    test = pq.read_table(only("split", "test.parquet")).to_pylist()
    given = [json.loads(line)["message"] for line in (whole.folder / "test.jsonl").read_text().splitlines()]
    assert {row["messages"][-1]["content"] for row in test} == set(given)
    answers = pq.read_table(only("evaluate", "answers.parquet")).to_pylist()
    for model in {line["model"] for line in answers}:
        assert {line["row_id"] for line in answers if line["model"] == model} == {row["id"] for row in test}, model
    lessons = [
        json.loads(line)
        for side in ("train", "validation", "labelled")
        for line in only("filter", f"{side}.jsonl").read_text().splitlines()
    ]
    assert lessons
    assert not set(given) & {lesson["prompt"][-1]["content"] for lesson in lessons}


def test_distill_second_run_is_cached_and_asks_nothing(whole: Pipeline) -> None:
    before = whole.stored_keys()
    started = time.monotonic()

    report = whole.run()

    assert time.monotonic() - started < 60
    assert all(stage["cached"] for stage in report["stages"].values()), report["stages"]
    assert report["generation"]["generated"] == 0
    assert whole.stored_keys() == before


def test_distill_refreshed_generation_asks_nothing(whole: Pipeline) -> None:
    before = whole.stored_keys()

    report = whole.run("--refresh", "generate")

    assert not report["stages"]["generate"]["cached"]
    assert (report["generation"]["generated"], report["generation"]["from_store"]) == (0, len(before))
    assert whole.stored_keys() == before


@pytest.mark.pitfall("edited prompt")
def test_distill_added_messages_are_the_only_ones_asked(whole: Pipeline) -> None:
    before = set(whole.stored_keys())
    lines = (whole.folder / "messages.jsonl").read_text()
    added = [f"Message number {word}: the {word} of my {word} broke" for word in ("oar", "viola", "tent", "molar")]
    repeated = json.loads(lines.split("\n")[0])["message"]
    rows = [{"id": f"new{n}", "message": message} for n, message in enumerate([*added, repeated])]
    (whole.folder / "messages.jsonl").write_text(lines + "".join(json.dumps(row) + "\n" for row in rows))

    # all is asked before training begins; what comes after it says nothing of requests
    family = whole.kill_during("training", lambda: True)

    assert left_alive(family) == []
    assert whole.newest_summary("generate")["generated"] == len(added)
    after = whole.stored_keys()
    assert len(after) == len(set(after)) == len(before) + len(added)


def test_distill_interrupted_on_a_terminal_ends_at_once_and_leaves_nothing(whole: Pipeline) -> None:
    flow = whole.start("--refresh", "train")
    family = whole.wait_for(flow, "training")
    # as Ctrl-C does: the temporary server and all below get it too
    os.killpg(flow.pid, signal.SIGINT)

    assert flow.wait(timeout=10) == 128 + signal.SIGINT
    assert left_alive(family) == []
    assert "interrupted; the same command again goes on" in (whole.folder / "log.txt").read_text()


@pytest.mark.pitfall("kill")
def test_distill_killed_in_every_phase_ends_like_an_unkilled_run(whole: Pipeline, tmp_path: Path) -> None:
    killed = Pipeline(tmp_path / "killed")
    # the same rows and training; what evaluation measures is shown by the run that was not killed
    killed.write(evaluation={"no_teacher_alternatives": False})
    phases: dict[str, Callable[[], bool]] = {
        "generation": lambda: bool(killed.stored_keys()),
        "training": lambda: any((killed.folder / "work" / "checkpoints").glob("*/checkpoint-*")),
        "evaluation": lambda: True,
    }

    for phase, is_under_way in phases.items():
        family = killed.kill_during(phase, is_under_way)
        assert left_alive(family) == [], phase
    killed.run()

    keys = killed.stored_keys()
    assert len(keys) == len(set(keys)), "an answer that was stored was asked again"
    for stage in DATA_STAGES:
        theirs = whole.files(stage)
        assert killed.files(stage), stage
        for name, sha256 in killed.files(stage).items():
            assert theirs[name] == sha256, (stage, name)
