"""The whole pipeline on the real engine and the real trainer: cached reruns, added data, interrupts, kills."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from stillhouse.artifacts.store import Store, StoreConfig
from stillhouse.dataset.second_opinion import read_opinions
from stillhouse.inference.encoder.files import find_encoder
from stillhouse.origin.verify_version import verify_version
from stillhouse.recipe.encoder import Encoder
from stillhouse.registry.registry import ModelRegistry
from stillhouse.reports.schema.report import Report
from tests.support.imports import HEAVY, loaded_in
from tests.support.paths import ROOT
from tests.support.pipeline import DATA_STAGES, MODEL, OWN_VALIDATION, SECOND_OPINION, Pipeline, left_alive

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(not MODEL.exists(), reason="the demo's teacher is not there; run `make model`"),
]

# the killed run takes them from the other run's store
NOT_KILLED = {"convert", "initialise"}


def newest_report(pipeline: Pipeline) -> Report:
    paths = sorted((pipeline.folder / "store" / "runs").glob("*/report.json"), key=lambda path: path.stat().st_mtime)
    return Report.model_validate_json(paths[-1].read_text())


def built(pipeline: Pipeline, stage: str, file: str) -> Path:
    fingerprint = newest_report(pipeline).stages[stage].fingerprint
    folder = pipeline.folder / "store" / "artifacts" / stage.split()[0] / str(fingerprint)
    (found,) = folder.glob(f"*/{file}")
    return found


def test_distill_first_run_measures_every_model_on_the_same_rows(whole: Pipeline) -> None:
    report = newest_report(whole)

    assert report.generation is not None
    assert report.generation.generated == report.generation.requests == len(set(whole.stored_keys()))
    measured = ("teacher", "student", "baseline_untrained", "baseline_zero_shot", "student_labelled_only")
    learnt = ("tfidf_logistic_regression", "tfidf_on_training_examples")
    encoded = ("encoder_logistic_regression", "encoder_on_training_examples")
    learnt += encoded if find_encoder(Encoder()) else ()
    # what a cascade of two random models gives depends on their times
    assert set(report.comparison.not_measured) - {"cascade"} == {*encoded} - {*learnt}
    for name in (*measured, *learnt):
        model = getattr(report.models, name)
        assert model.quality["accuracy"].n == 30, name
    for name in (*measured[:4], *learnt):
        assert getattr(report.models, name).latency_ms.n == 50, name
    assert report.models.teacher.parameters > report.models.student.parameters
    assert report.models.teacher.prompt_tokens_mean > report.models.student.prompt_tokens_mean
    page = next((whole.folder / "store" / "runs").glob("*/report.html")).read_text()
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert all(step.unaccounted == 0 for step in report.funnel)
    # of two models timed in turn, of thirty rows
    bounds = (report.comparison.latency_reduction_low, report.comparison.latency_reduction_high)
    assert bounds[0] <= report.comparison.latency_reduction <= bounds[1]
    assert report.agreement.same.n == 30
    assert report.slices is not None
    assert report.data is not None
    assert (report.data.validation, report.data.validation_own) == (15, 15)
    assert report.training is not None
    assert report.training.validation_loss is not None
    assert report.comparison.certainty is not None
    assert (report.comparison.certainty.rows, report.comparison.certainty.with_reference) == (15, 15)


@pytest.mark.pitfall("held out")
def test_distill_registered_student_has_a_statement_of_all_stages_that_verifies(whole: Pipeline) -> None:
    store = Store(StoreConfig(url=str(whole.store)))
    done = verify_version(store, ModelRegistry(store).versions("demo")[0])
    assert done.findings == ()
    assert int(done.checked.split()[0]) >= len({one.fingerprint for one in newest_report(whole).stages.values()})


def test_distill_evaluates_on_the_test_rows_alone_and_trains_on_none_of_them(whole: Pipeline) -> None:
    test = pq.read_table(built(whole, "split", "test.parquet")).to_pylist()
    given = [json.loads(line)["message"] for line in (whole.folder / "test.jsonl").read_text().splitlines()]
    assert {row["messages"][-1]["content"] for row in test} == set(given)
    answers = pq.read_table(built(whole, "evaluate", "answers.parquet")).to_pylist()
    for model in {line["model"] for line in answers}:
        assert {line["row_id"] for line in answers if line["model"] == model} == {row["id"] for row in test}, model
    trained_on = [
        json.loads(line)
        for side in ("train", "validation", "labelled")
        for line in built(whole, "filter", f"{side}.jsonl").read_text().splitlines()
    ]
    assert trained_on
    assert not set(given) & {example["prompt"][-1]["content"] for example in trained_on}


@pytest.mark.pitfall("held out")
def test_distill_chooses_by_the_labels_of_its_own_rows_and_asks_no_teacher_about_them(whole: Pipeline) -> None:
    own = [json.loads(line) for line in (whole.folder / "validation.jsonl").read_text().splitlines()]
    lines = [json.loads(line) for line in built(whole, "filter", "validation.jsonl").read_text().splitlines()]
    chosen_by = {line["prompt"][-1]["content"]: line["completion"][0]["content"] for line in lines}
    assert chosen_by == {row["message"]: row["intent"] for row in own}
    learnt = built(whole, "filter", "train.jsonl").read_text() + built(whole, "filter", "labelled.jsonl").read_text()
    assert not [row for row in own if row["message"] in learnt]
    asked = pq.read_table(built(whole, "generate", "completions.parquet"))["row_id"].to_pylist()
    assert not {row["id"] for row in own} & set(asked)
    answered = pq.read_table(built(whole, "evaluate", "validation.parquet")).to_pylist()
    by_model = {("student", row["id"]) for row in own} | {("teacher", row["id"]) for row in own}
    assert {(line["model"], line["row_id"]) for line in answered} == by_model


@pytest.mark.skipif(not find_encoder(Encoder()), reason="needs the demo's encoder: make model")
def test_distill_learns_what_teacher_and_classifier_find_together(whole: Pipeline) -> None:
    opinions = read_opinions(built(whole, "second_opinion", "opinions.parquet"))
    completions = pq.read_table(built(whole, "generate", "completions.parquet")).to_pylist()
    calibration = json.loads(built(whole, "filter", "calibration.json").read_text())
    expected = {}
    for line in completions:
        product = np.asarray(line["label_scores"]) - calibration["prior"] + 2.0 * np.asarray(opinions[line["row_id"]])
        expected[line["row_id"]] = calibration["labels"][int(product.argmax())]
    lines = [json.loads(line) for line in built(whole, "filter", "train.jsonl").read_text().splitlines()]
    taught = {line["id"]: line["completion"][0]["content"] for line in lines if line["id"] in expected}
    assert taught
    assert taught == {row_id: expected[row_id] for row_id in taught}


@pytest.mark.skipif(not find_encoder(Encoder()), reason="needs the demo's encoder: make model")
def test_distill_measures_teacher_and_classifier_together_on_the_test_rows(whole: Pipeline) -> None:
    opinions = read_opinions(built(whole, "second_opinion", "test_opinions.parquet"))
    calibration = json.loads(built(whole, "filter", "calibration.json").read_text())
    answered = pq.read_table(built(whole, "evaluate", "answers.parquet")).to_pylist()
    expected = {}
    for line in (line for line in answered if line["model"] == "teacher"):
        product = np.asarray(line["label_logprobs"]) - calibration["prior"] + 2.0 * np.asarray(opinions[line["row_id"]])
        expected[line["row_id"]] = calibration["labels"][int(product.argmax())]
    found = pq.read_table(built(whole, "combine_teacher", "answers.parquet")).to_pylist()
    assert {line["row_id"]: line["answer"] for line in found} == expected
    measured = newest_report(whole).models.teacher_with_second_opinion
    assert measured.quality["accuracy"].n == len(expected) == 30
    assert measured.latency_ms is None


def test_distill_decides_by_its_gate_and_counts_the_look(whole: Pipeline) -> None:
    gate = newest_report(whole).gate
    assert gate is not None
    assert {rule.rule: rule.verdict for rule in gate.rules if rule.verdict != "passed"} == {}
    against_teacher, against_champion, *_ = gate.rules
    assert against_teacher.test is not None
    assert against_teacher.test.rows == 30
    assert against_champion.reason
    assert gate.looks is not None
    assert (gate.looks.look, gate.looks.used, gate.looks.level) == (1, 1, pytest.approx(0.025))


def test_distill_export_answers_all_test_rows_and_is_registered_if_it_passed(whole: Pipeline) -> None:
    found = newest_report(whole).exports["safetensors"]
    assert found.agreement.n == found.quality["accuracy"].n == 30
    assert found.latency_ms.n == 50
    assert found.peak_memory_bytes > found.weight_bytes > 0
    assert (found.verdict == "passed") == (not found.reasons)
    by_model = {"student": {}, "export": {}}
    for line in pq.read_table(built(whole, "evaluate", "answers.parquet")).to_pylist():
        if line["model"] == "student":
            by_model["student"][line["row_id"]] = line["answer"]
    for line in pq.read_table(built(whole, "evaluate_export safetensors", "answers.parquet")).to_pylist():
        by_model["export"][line["row_id"]] = line["answer"]
    same = [by_model["export"][row_id] == answer for row_id, answer in by_model["student"].items()]
    assert found.agreement.value == pytest.approx(sum(same) / 30)
    (version,) = (whole.folder / "store" / "models" / "demo" / "versions").glob("*/version.json")
    registered = json.loads(version.read_text())["exports"]
    expected = {"safetensors": found.fingerprint} if found.verdict == "passed" else {}
    assert {key: one["fingerprint"] for key, one in registered.items()} == expected


def test_export_flow_measures_a_version_as_its_run_did_and_adds_none_that_is_there(
    whole: Pipeline, prefect_server: str
) -> None:
    code = "import json; from flows.export import export; print(json.dumps(export('demo/1')))"
    environment = whole.reporting_to(prefect_server).environment
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["model"] == "demo/1"
    assert found["exports"] == {"safetensors": newest_report(whole).exports["safetensors"].model_dump(mode="json")}


def test_distill_second_run_finds_every_stage_cached(whole: Pipeline, prefect_server: str) -> None:
    before, log = whole.stored_keys(), whole.folder / "log.txt"
    logged = len(log.read_text())
    again = whole.reporting_to(prefect_server)
    again.settings["PYTHONPROFILEIMPORTTIME"] = "1"
    started = time.monotonic()

    report = again.run()

    assert time.monotonic() - started < 60
    loaded = loaded_in(log.read_text()[logged:])
    assert "flows.distill" in loaded
    # pyarrow loads pandas with its first table
    assert loaded & HEAVY <= {"pandas"}
    assert all(stage["cached"] for stage in report["stages"].values()), report["stages"]
    assert report["generation"]["generated"] == 0
    assert whole.stored_keys() == before
    looks = report["gate"]["looks"]
    assert (looks["look"], looks["used"]) == (1, 1)  # the same student on the same rows


def test_distill_refreshed_generation_takes_every_completion_from_the_store(
    whole: Pipeline, prefect_server: str
) -> None:
    before = whole.stored_keys()

    report = whole.reporting_to(prefect_server).run("--refresh", "generate")

    assert not report["stages"]["generate"]["cached"]
    assert (report["generation"]["generated"], report["generation"]["from_store"]) == (0, len(before))
    assert whole.stored_keys() == before


class Interrupted(NamedTuple):
    """A run on a few messages more, ended by Ctrl-C in its training."""

    exit_code: int
    left_alive: list[str]
    num_added: int
    keys_before: list[str]


@pytest.fixture(scope="module")
def interrupted(whole: Pipeline) -> Interrupted:
    before = whole.stored_keys()
    lines = (whole.folder / "messages.jsonl").read_text()
    added = [f"Message number {word}: the {word} of my {word} broke" for word in ("oar", "viola", "tent", "molar")]
    repeated = json.loads(lines.split("\n")[0])["message"]
    rows = [{"id": f"new{n}", "message": message} for n, message in enumerate([*added, repeated])]
    (whole.folder / "messages.jsonl").write_text(lines + "".join(json.dumps(row) + "\n" for row in rows))
    # all requests are sent before training begins
    flow = whole.start()
    family = whole.wait_for(flow, "training")
    # as Ctrl-C does: the temporary server and all below get it too
    os.killpg(flow.pid, signal.SIGINT)
    code = flow.wait(timeout=10)
    return Interrupted(code, left_alive(family), len(added), before)


@pytest.mark.pitfall("edited prompt")
def test_distill_added_messages_are_the_only_ones_sent_to_the_teacher(
    whole: Pipeline, interrupted: Interrupted
) -> None:
    assert whole.newest_summary("generate")["generated"] == interrupted.num_added
    after = whole.stored_keys()
    assert len(after) == len(set(after)) == len(interrupted.keys_before) + interrupted.num_added


def test_distill_interrupted_on_a_terminal_ends_at_once_and_leaves_nothing(
    whole: Pipeline, interrupted: Interrupted
) -> None:
    assert interrupted.exit_code == 128 + signal.SIGINT
    assert interrupted.left_alive == []
    assert "interrupted; the same command again goes on" in (whole.folder / "log.txt").read_text()


@pytest.mark.pitfall("kill")
def test_distill_killed_in_every_phase_ends_like_an_unkilled_run(
    whole: Pipeline, tiny_model: Path, tmp_path: Path
) -> None:
    killed = Pipeline(tmp_path / "killed", model=tiny_model, threads=1)
    # the same rows and training; what evaluation measures is shown by the run that was not killed
    recipe = killed.write(data=OWN_VALIDATION, evaluation={"no_teacher_alternatives": False}, **SECOND_OPINION)
    fields = yaml.safe_load(recipe.read_text())
    # one request at a time, each stored at once: the kill must find some answered and some not
    fields["teachers"][0]["engine"] |= {"segment_seconds": 0.01, "max_num_seqs": 1}
    recipe.write_text(yaml.safe_dump(fields))
    for stage in NOT_KILLED:
        shutil.copytree(whole.store / "artifacts" / stage, killed.store / "artifacts" / stage)
    phases: list[tuple[str, str, Callable[[], bool]]] = [
        ("generation", "generate", lambda: bool(killed.stored_keys())),
        ("training", "train", lambda: any((killed.folder / "work" / "checkpoints").glob("*/checkpoint-*"))),
        ("evaluation", "evaluate", lambda: True),
    ]

    for phase, stage, is_under_way in phases:
        family = killed.kill_during(phase, is_under_way)
        assert left_alive(family) == [], phase
        assert killed.files(stage) == {}, f"{stage} was complete when it was killed"
    killed.run()

    keys = killed.stored_keys()
    assert len(keys) == len(set(keys)), "a completion in the store was requested again"
    for stage in set(DATA_STAGES) - NOT_KILLED:
        theirs = whole.files(stage)
        assert killed.files(stage), stage
        for name, sha256 in killed.files(stage).items():
            assert theirs[name] == sha256, (stage, name)
