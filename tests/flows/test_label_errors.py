"""The pipeline up to the training examples, with labels swapped by the test and a teacher that is always right."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect import flow

from stillhouse.recipe.load import load_recipe
from stillhouse.runtime.settings import load_settings
from tasks.convert import load_teachers
from tasks.filter import filter_completions
from tasks.mix import generate_completions
from tasks.orchestration.preflight import start_run
from tests.support.api.recipe import ENVIRONMENT, prepare_api_recipe
from tests.support.api.server import Act, Received, answer, serving
from tests.support.stages import prepare_rows

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server"), pytest.mark.timeout(300)]

SECRET = "joe.bloggs@example.com"
NUM_SWAPPED = 5


@flow(name="filtering", persist_result=False)
def filtering(recipe: str) -> dict[str, Any]:
    with start_run(load_recipe(recipe), load_settings(), []) as run:
        rows = prepare_rows(run)
        completions = generate_completions(run, load_teachers(run), rows)
        dataset = filter_completions(run, completions, rows)
        return {
            "folder": str(run.store.fetch(dataset.ref)),
            "generate": completions.ref.fingerprint,
            "asked": completions.by_teacher[1][0].summary.to_record(),
            "summary": dataset.summary.to_record(),
        }


def swap_labels(path: Path, labels: list[str]) -> dict[str, str]:
    """Give the first labelled rows the label of another, put an address into one, and return the truth by message."""
    rows = [row for row in map(json.loads, path.read_text().splitlines()) if row["intent"] in labels]
    rows[0]["message"] += f" Write to {SECRET}."
    truth = {row["message"].replace(SECRET, "<EMAIL>"): row["intent"] for row in rows}
    for row in rows[:NUM_SWAPPED]:
        row["intent"] = labels[(labels.index(row["intent"]) + 1) % len(labels)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return truth


def test_swapped_labels_are_the_suspects_and_change_no_training_row(tmp_path, monkeypatch):
    for name, value in {**ENVIRONMENT, "STILLHOUSE_STORE": str(tmp_path / "store")}.items():
        monkeypatch.setenv(name, value)
    truth: dict[str, str] = {}

    def right(received: Received) -> Act:
        labels = received.body["response_format"]["json_schema"]["schema"]["properties"]["answer"]["enum"]
        return answer(json.dumps({"answer": truth.get(received.prompt, labels[0])}))

    with serving(right) as server:
        folder = prepare_api_recipe(tmp_path, server.address).folder
        recipe = folder / "recipe.yaml"
        truth |= swap_labels(folder / "labelled.jsonl", yaml.safe_load(recipe.read_text())["skill"]["labels"])
        plain = filtering(str(recipe))
        num_plain = len(server.requests)
        fields = yaml.safe_load(recipe.read_text())
        fields["filters"]["check_labels"] = True
        recipe.write_text(yaml.safe_dump(fields))
        checked = filtering(str(recipe))
        assert checked["generate"] != plain["generate"]
        # a labelled row costs one request, and the others none again
        assert len(server.requests) - num_plain == checked["summary"]["suspects"]["judged"] > 40
        # a hosted provider: redacted without being told so, though it is asked nearby
        assert SECRET not in json.dumps(server.bodies())
    assert checked["asked"]["redacted"]["marks"]["<EMAIL>"] >= 1
    before, after = Path(plain["folder"]), Path(checked["folder"])
    suspects = [json.loads(line) for line in (after / "suspects.jsonl").read_text().splitlines()]
    # those that validation and split have left
    used = {json.loads(line)["id"] for line in (after / "labelled.jsonl").read_text().splitlines()}
    given = [json.loads(line) for line in (folder / "labelled.jsonl").read_text().splitlines()]
    swapped = {row["id"] for row in given[:NUM_SWAPPED]} & used
    assert {one["id"] for one in suspects} == swapped
    assert len(swapped) >= 3
    assert all(truth[one["prompt"].replace(SECRET, "<EMAIL>")] == one["teacher"] for one in suspects)
    assert all(one["given"] != [one["teacher"]] for one in suspects)
    assert not (before / "suspects.jsonl").exists()
    for name in ("train.jsonl", "validation.jsonl", "labelled.jsonl", "dropped.jsonl"):
        assert (before / name).read_bytes() == (after / name).read_bytes()
