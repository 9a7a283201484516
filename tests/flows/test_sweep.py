"""A sweep of an encoder student on a real store and real workers, killed twice: what it asks, reads and reports."""

import json
import os
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect import flow

from flows.sweep import prepare, run_trials
from stillhouse.recipe.load import load_recipe
from stillhouse.runtime.settings import load_settings
from stillhouse.sweep.study import Study
from tasks.orchestration.preflight import start_run
from tasks.sweeping.control import begin
from tasks.sweeping.prepared import study_key
from tests.support.api.recipe import ENVIRONMENT, prepare_api_recipe
from tests.support.api.server import Act, Received, answer, serving
from tests.support.bert_folder import CONFIG, SPECIAL, write_bert_folder, write_tokenizer
from tests.support.paths import ROOT
from tests.support.pipeline import OWN_VALIDATION

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server"), pytest.mark.timeout(600)]

TRIALS = 4
SWEEP: dict[str, Any] = {
    "trials": TRIALS,
    "space": {
        "student.encoder.label_texts": [True, False],
        "training.seed": [0, 1],
    },
    "objective": "macro_f1",
}
SAVE = (
    "import json, sys, torch; from transformers import BertConfig, BertModel; torch.manual_seed(0); "
    "BertModel(BertConfig(**json.loads(sys.argv[2]))).save_pretrained(sys.argv[1])"
)


def some_label(received: Received) -> Act:
    """A label that depends on the message."""
    labels = received.body["response_format"]["json_schema"]["schema"]["properties"]["answer"]["enum"]
    return answer(f'{{"answer": "{labels[zlib.crc32(received.prompt.encode()) % len(labels)]}"}}')


def write_student(folder: Path, texts: list[str]) -> Path:
    """Write a tiny BERT that knows the words of the texts."""
    words = (*SPECIAL, *sorted({word for text in texts for word in text.split()}))
    write_bert_folder(folder, vocab_size=len(words))
    config = {name: value for name, value in CONFIG.items() if name not in ("model_type", "architectures")}
    shape = json.dumps(config | {"vocab_size": len(words)})
    subprocess.run([load_settings().engine_python, "-c", SAVE, folder, shape], check=True)
    write_tokenizer(folder, words)
    return folder


def write_recipe(folder: Path, address: str) -> Path:
    path = prepare_api_recipe(folder, address).folder / "recipe.yaml"
    fields = yaml.safe_load(path.read_text())
    rows = [json.loads(line) for name in ("messages", "validation") for line in (folder / f"{name}.jsonl").open()]
    student = write_student(folder / "bert", [row["message"] for row in rows])
    fields["student"] = {"kind": "encoder", "model": str(student), "encoder": {"method": "linear"}}
    fields["data"] |= OWN_VALIDATION
    fields["training"] = {"precision": "float32", "execution": {"threads": 1}}
    fields["evaluation"] = {"no_teacher_alternatives": False, "encoder": None}
    fields["sweep"] = SWEEP
    path.write_text(yaml.safe_dump(fields))
    return path


def start(recipe: Path, server: str) -> "subprocess.Popen[str]":
    folder = recipe.parent
    places = {"STORE": "store", "WORK": "work"}
    environment = {
        **os.environ,
        **ENVIRONMENT,
        **{f"STILLHOUSE_{name}": str(folder / place) for name, place in places.items()},
        "PREFECT_API_URL": server,
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "deployments.cli", "sweep", str(recipe)]
    log = (folder / "sweep.txt").open("a")
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=log, stderr=log, text=True, start_new_session=True
    )


def kill_when(process: "subprocess.Popen[str]", found: Path, number: int, log: Path) -> None:
    """Kill a sweep as soon as so many files match."""
    deadline = time.monotonic() + 300
    while len(list(found.glob("sweeps/*/trials/*.json"))) < number:
        assert process.poll() is None, log.read_text()[-3000:]
        assert time.monotonic() < deadline, log.read_text()[-3000:]
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_sweep_killed_twice_asks_once_and_reads_the_test_rows_once(tmp_path: Path, prefect_server: str):
    with serving(some_label) as server:
        recipe, store, log = write_recipe(tmp_path, server.address), tmp_path / "store", tmp_path / "sweep.txt"
        for number in (1, 3):
            kill_when(start(recipe, prefect_server), store, number, log)
        asked_for_data = len(server.requests)
        assert start(recipe, prefect_server).wait() == 0, log.read_text()[-3000:]
        test = {json.loads(line)["message"] for line in (tmp_path / "test.jsonl").open()}
        after = [request.prompt for request in server.requests[asked_for_data:]]
    # the winner's comparison asks the teacher the test rows; no trial asks anything
    assert sorted(after) == sorted(test)
    assert len(list((store / "artifacts" / "filter").iterdir())) == 1
    (home,) = (store / "sweeps").iterdir()
    report = json.loads((home / "report.json").read_text())
    trials = report["sweep"]["trials"]
    assert [trial["number"] for trial in trials] == list(range(TRIALS))
    assert {trial["state"] for trial in trials} == {"complete"}
    assert report["sweep"]["requests"] == 0
    # each trial has answers to validation rows alone, the winner those to the test rows too
    assert len(list((store / "artifacts" / "evaluate_trial").iterdir())) == len(
        {json.dumps(trial["fields"]) for trial in trials}
    )
    (run,) = (store / "runs").iterdir()
    whole = json.loads((run / "report.json").read_text())
    assert whole["stages"]["train"]["cached"]
    assert report["run_id"] == whole["run_id"] == run.name
    assert whole["sweep"] == report["sweep"]
    assert report["test_score"] == whole["models"]["student"]["quality"]["macro_f1"]["value"]
    best = trials[report["sweep"]["winner"]]
    assert best["score"] == max(trial["score"] for trial in trials) == report["sweep"]["selection"]["chosen"]
    assert "The sweep that chose it" in (run / "report.html").read_text()
    assert f"Trial {best['number']} of 4 wins" in (home / "report.html").read_text()
    # a finished sweep reads nothing again
    with serving(some_label) as quiet:
        recipe.write_text(recipe.read_text().replace(server.address, quiet.address))
        assert start(recipe, prefect_server).wait() == 0, log.read_text()[-3000:]
        assert not quiet.requests
    assert len(list((store / "runs").iterdir())) == 1


@flow(name="trials", persist_result=False)
def only_trials(recipe: str) -> list[dict[str, Any]]:
    """Run a sweep's trials, and no winner."""
    with start_run(load_recipe(recipe), load_settings(), []) as run:
        data = prepare(run)
        key = study_key(run.recipe, data)
        with Study(run.store, key) as study:
            begin(run, study, data)
            run_trials(run, study, recipe, {}, key)
            return [trial.model_dump(mode="json") for trial in study.trials()]


def test_sweep_of_a_text_student_learns_a_share_first_and_is_timed_on_all_rows(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
):
    for name, value in {**ENVIRONMENT, "STILLHOUSE_STORE": str(tmp_path / "store")}.items():
        monkeypatch.setenv(name, value)
    with serving(some_label) as server:
        path = prepare_api_recipe(tmp_path, server.address).folder / "recipe.yaml"
        fields = yaml.safe_load(path.read_text())
        fields["student"]["model"] = str(tiny_model)
        fields["data"] |= OWN_VALIDATION
        fields["training"] |= {"max_steps": 2, "execution": {"threads": 1}}
        fields["evaluation"] |= {"encoder": None, "engine": {"mode": "eager", "threads": 1}}
        fields["sweep"] = {
            "trials": 2,
            # the second one fails, and the sweep goes on
            "space": {"training.max_length": [512, 8]},
            "pruning": {"first_share": 0.5, "min_rows": 5},
            "sampler": "grid",
            "max_validation_rows": 10,
        }
        path.write_text(yaml.safe_dump(fields))
        trials = only_trials(str(path))
        asked = len(server.requests)
    good, bad = trials
    assert good["state"] == "complete"
    assert [(rung["share"], rung["validation_rows"]) for rung in good["rungs"]] == [(0.5, 10), (1.0, 10)]
    assert good["rungs"][0]["rows"] * 2 - good["rungs"][1]["rows"] in (0, 1)
    assert good["measures"]["latency_s"] > 0
    assert good["measures"]["weight_bytes"] > 0
    assert bad["state"] == "failed"
    assert "max_length" in bad["why"]
    # the training rows once, and no test row
    test = {json.loads(line)["message"] for line in (tmp_path / "test.jsonl").open()}
    assert asked > 0
    assert not test & {request.prompt for request in server.requests}


def test_sweep_by_two_processes_at_once_shares_the_trials_and_distils_once(tmp_path: Path, prefect_server: str):
    with serving(some_label) as server:
        recipe, log = write_recipe(tmp_path, server.address), tmp_path / "sweep.txt"
        both = [start(recipe, prefect_server) for _ in range(2)]
        assert [process.wait() for process in both] == [0, 0], log.read_text()[-3000:]
        prompts = [request.prompt for request in server.requests]
    (home,) = (tmp_path / "store" / "sweeps").iterdir()
    trials = [json.loads(path.read_text()) for path in sorted((home / "trials").iterdir())]
    assert [(trial["number"], trial["state"]) for trial in trials] == [(at, "complete") for at in range(TRIALS)]
    assert len({trial["owner"] for trial in trials}) == 2
    assert len({json.dumps(trial["fields"]) for trial in trials}) == TRIALS
    assert not list((home / "owners").iterdir())
    assert len(list((tmp_path / "store" / "runs").iterdir())) == 1
    assert json.loads((home / "winner.json").read_text())["reads"] == 1
    assert len(prompts) == len(set(prompts))
