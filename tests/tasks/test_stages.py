"""What the stages of a recipe are named by, and what they cost: no stage is built."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stillhouse.costs.ledger import in_report_order
from stillhouse.evaluation.roles import ModelRole
from stillhouse.recipe.costs import Price
from stillhouse.recipe.load import parse_recipe
from tasks.convert import load_student_bases, load_teachers
from tasks.filter import filter_completions
from tasks.mix import generate_completions
from tasks.train import train_labelled_only, train_students
from tests.support.dry_run import OWN_NUMBERS, DryRun, dry_distill, dry_plan
from tests.support.stages import prepare_rows

API = {"provider": "openai", "base_url": "http://127.0.0.1:9/v1", "serves": "test@1"}
SMALL = {"name": "small", "model": "gpt-a", "accept_terms": "openai", "endpoint": API}
LARGE = {**SMALL, "name": "large", "model": "gpt-b", "sampling": {"temperature": 0.5, "n": 2}}
LABELS = {"skill": {"kind": "classification", "labels": ["a", "b"]}}
TALK = {"skill": {"kind": "conversation"}}
RECIPES: dict[str, dict[str, Any]] = {
    "local": {**LABELS, "teachers": [{"model": "owner/large"}], "filters": {"check_labels": True}},
    "gguf": {**LABELS, "teachers": [{"model": "teacher.gguf"}]},
    "all": {
        **LABELS,
        "teachers": [{**SMALL, "endpoint": {**API, "personal_data": "allow"}}, LARGE],
        "mixing": {"kind": "vote"},
    },
    "fallback": {**LABELS, "teachers": [SMALL, LARGE], "routing": {"kind": "fallback"}},
    "verified": {
        **LABELS,
        "teachers": [SMALL, LARGE],
        "routing": {"kind": "first_verified"},
        "training": {"use_references": False},
    },
    "source": {
        **LABELS,
        "teachers": [SMALL, LARGE],
        "routing": {"kind": "source", "column": "kind", "teachers": {"x": "large"}},
    },
    "label": {
        **LABELS,
        "teachers": [SMALL, LARGE],
        "routing": {"kind": "label", "teachers": {"a": "large"}},
        "training": {"use_references": False},
    },
    "judge": {
        **TALK,
        "teachers": [{**SMALL, "sampling": {"stop": ["#"]}}],
        "judge": {"model": "gpt-j", "accept_terms": "openai", "endpoint": API},
        "filters": {"min_judge_score": 3},
    },
}


def write_fields(name: str, folder: Path) -> dict[str, Any]:
    """Write three small sources into `folder`, and return the fields of a recipe over them."""
    fields = RECIPES[name]
    columns = {"text": "text"} if "labels" in fields["skill"] else {"messages": "messages"}
    labelled = columns | ({"label": "label"} if "labels" in fields["skill"] else {"reference": "reference"})
    data = {}
    for role, given in (
        ("train", labelled if "training" in fields else columns),
        ("examples", labelled),
        ("test", labelled),
    ):
        (folder / f"{role}.jsonl").write_text(f'{{"text": "{role}"}}\n')
        data[role] = {"path": str(folder / f"{role}.jsonl"), "columns": given}
    if name == "gguf":
        (folder / "teacher.gguf").write_text("weights")
        fields = fields | {"teachers": [{"model": str(folder / "teacher.gguf")}]}
    # the same whether `make model` has been called here
    evaluation = {"encoder": None}
    # set, since unset it would follow the size of a model that no hub has
    training = {"learning_rate": 5e-4, **fields.get("training", {})}
    own = {"name": "dry", "data": data, "student": {"model": "owner/small"}, "evaluation": evaluation}
    return own | fields | {"training": training}


def run_of(name: str, folder: Path) -> DryRun:
    return dry_distill(parse_recipe(write_fields(name, folder)))


@pytest.fixture(autouse=True)
def _api_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "any")


@pytest.mark.parametrize("name", RECIPES)
def test_stages_fingerprints_are_those_of_the_stores_in_use(name: str, tmp_path: Path):
    # written by commit 788f14e. Another value means that no artifact of a user's store is found any more: it may change
    # only with a stage's version
    known = json.loads(Path(__file__).with_name("fingerprints.json").read_text())
    recipe = parse_recipe(write_fields(name, tmp_path))
    built = [*dry_distill(recipe).built, *dry_plan(recipe).built]
    assert {(one.label, one.ref.fingerprint[:12]) for one in built} == set(known[name].items())


@pytest.mark.parametrize(
    ("name", "paid"),
    [
        ("local", ["generate", "train", "train labelled-only", "evaluate"]),
        (
            "fallback",
            [
                *("generate small", "generate large", "evaluate_teacher small", "evaluate_teacher large"),
                *("train", "train labelled-only", "evaluate"),
            ],
        ),
        (
            "judge",
            ["generate", "evaluate_teacher", "judge", "judge_pairs", "train", "train labelled-only", "evaluate"],
        ),
    ],
)
def test_ledger_has_a_line_for_every_paid_stage_and_no_other(name: str, paid: list[str], tmp_path: Path):
    assert [line.stage for line in in_report_order(run_of(name, tmp_path).ledger)] == paid


def built_of_two(folder: Path, **evaluation: Any) -> tuple[dict[str, str], list[str]]:
    """The fingerprints by label, and the stages in the ledger, of a run with two teachers over an API."""
    run = dry_distill(parse_recipe(write_fields("fallback", folder) | {"evaluation": evaluation}))
    return {one.label: one.ref.fingerprint for one in run.built}, [line.stage for line in run.ledger]


def test_stages_named_teacher_is_asked_the_test_rows_and_no_other_work_changes(tmp_path: Path):
    (small, paid_small), (large, paid_large) = (built_of_two(tmp_path, teacher=name) for name in ("small", "large"))
    assert paid_small == paid_large
    assert small.keys() == large.keys()
    assert {name for name in small if small[name] != large[name]} == {"evaluate", "evaluate_teacher"}


@pytest.mark.parametrize(("place", "name"), [(0, "small"), (1, "large")])
def test_stages_no_named_teacher_compares_with_the_best_as_if_it_were_named(
    place: int, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(OWN_NUMBERS, "choose_teacher", {"best": place, "qualities": [0.5, 0.5]})
    (best, paid), (named, _) = built_of_two(tmp_path), built_of_two(tmp_path, teacher=name)
    assert best["evaluate"] == named["evaluate"]
    assert best[f"evaluate_teacher {name}"] == named["evaluate_teacher"]
    assert paid.count("evaluate_teacher small") == paid.count("evaluate_teacher large") == 1
    assert {label for label in named if best.get(label) != named[label]} == {"evaluate_teacher"}


def test_stages_of_two_teachers_here_try_each_and_compare_with_the_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fields = write_fields("local", tmp_path) | {
        "teachers": [{"model": "owner/large"}, {"model": "owner/small"}],
        "filters": {},
    }

    def built(teacher: str = "") -> dict[str, str]:
        evaluation = {"encoder": None, "teacher": teacher}
        return {
            one.label: one.ref.fingerprint
            for one in dry_distill(parse_recipe(fields | {"evaluation": evaluation})).built
        }

    monkeypatch.setitem(OWN_NUMBERS, "choose_teacher", {"best": 1, "qualities": [0.5, 0.6]})
    best, named = built(), built("small")
    assert best.keys() - named.keys() == {"evaluate large", "evaluate small", "choose_teacher"}
    assert best["evaluate"] == named["evaluate"] != best["evaluate small"] != best["evaluate large"]


def test_stages_judge_reads_the_best_student(tmp_path: Path):
    fields = write_fields("judge", tmp_path)
    students = [{"model": "owner/small"}, {"name": "other", "model": "owner/other"}]
    recipe = parse_recipe({name: value for name, value in fields.items() if name != "student"} | {"students": students})

    def built(student: ModelRole) -> dict[str, str]:
        return {one.label: one.ref.fingerprint for one in dry_distill(recipe, student).built}

    first, second = built(ModelRole.STUDENT), built(ModelRole.STUDENT_2)
    assert {label for label in first if first[label] != second[label]} == {"judge_pairs"}


def test_stages_teacher_that_was_tried_is_timed_beside_encoders(tmp_path: Path):
    # nothing else tells the comparison from the trial here: both have the teacher alone in an engine
    fields = write_fields("local", tmp_path) | {
        "teachers": [{"model": "owner/large"}, {"model": "owner/small"}],
        "students": [{"kind": "encoder", "model": "owner/bert"}],
        "filters": {},
    }
    del fields["student"]
    found = {one.label: one.ref.fingerprint for one in dry_distill(parse_recipe(fields)).built}
    assert found["evaluate"] != found["evaluate large"]


def test_stages_soft_labels_ask_no_teacher_and_leave_the_labelled_rows_training_alone(tmp_path: Path):
    fields = write_fields("local", tmp_path)

    def named(**training: Any) -> dict[str, str]:
        run = dry_distill(parse_recipe(fields | {"training": training}))
        return {built.label: built.ref.fingerprint for built in run.built}

    plain, half, more = named(), named(soft_labels={"weight": 0.5}), named(soft_labels={"weight": 0.7})
    assert plain["generate"] == half["generate"]
    # the rows hold the probabilities as they are: the weight is the training's alone
    assert plain["filter"] != half["filter"] == more["filter"]
    assert half["train"] != more["train"]
    assert half["train labelled-only"] == more["train labelled-only"]


PRICED = {
    # a batch is half the price; the test rows are asked one by one
    "teachers": [
        {
            **SMALL,
            "endpoint": {**API, "execution": "batch"},
            "price": {"input_usd_per_mtok": 10, "output_usd_per_mtok": 0},
        }
    ],
    "costs": {"training_usd_per_hour": 3600, "evaluation_usd_per_hour": 7200},
}


def test_ledger_takes_each_stages_own_price(tmp_path: Path):
    recipe = parse_recipe(write_fields("judge", tmp_path) | PRICED)
    judged = recipe.judge.model_copy(update={"price": Price(input_usd_per_mtok=0, output_usd_per_mtok=100)})
    run = dry_distill(recipe.model_copy(update={"judge": judged}))
    # 70 tokens in and 14 out, or a second of a machine
    assert {line.stage: line.life_usd for line in run.ledger} == {
        "generate": pytest.approx(70 * 5e-6),
        "judge": pytest.approx(14 * 100e-6),
        "train": pytest.approx(1.0),
        "train labelled-only": pytest.approx(1.0),
        "evaluate_teacher": pytest.approx(70 * 10e-6),
        "evaluate": pytest.approx(2.0),
        "judge_pairs": pytest.approx(14 * 100e-6),
    }
    scope = run.budget_for(judged)
    assert (scope.price.input_usd_per_mtok, scope.price.output_usd_per_mtok) == (0, 100)
    # machine time is no part of the budget
    assert (scope.before.tokens, scope.before.seconds) == (4 * 84, 4 * 1.0)
    assert scope.before.usd == pytest.approx(70 * 15e-6 + 28 * 100e-6)


def test_labelled_only_where_no_teacher_taught_is_not_trained_again(tmp_path: Path):
    run = run_of("local", tmp_path)
    rows = prepare_rows(run)
    dataset = filter_completions(run, generate_completions(run, load_teachers(run), rows), rows, None)
    (student,) = train_students(run, load_student_bases(run), [], rows, dataset)
    taught_by_references = replace(dataset, summary=dataset.summary.model_copy(update={"kept": 0}))
    assert train_labelled_only(run, student, rows, dataset) is not None
    assert train_labelled_only(run, student, rows, taught_by_references) is None


def test_labelled_only_of_a_long_training_ends_after_100_epochs(tmp_path: Path):
    run = run_of("local", tmp_path)
    rows = prepare_rows(run)
    dataset = filter_completions(run, generate_completions(run, load_teachers(run), rows), rows, None)
    (student,) = train_students(run, load_student_bases(run), [], rows, dataset)

    def named(steps: int) -> str:
        summary = student.built.summary.model_copy(update={"steps": steps})
        trained = replace(student, built=replace(student.built, summary=summary))
        labelled_only = train_labelled_only(run, trained, rows, dataset)
        assert labelled_only is not None
        return labelled_only.built.ref.fingerprint

    # three labelled rows are one batch
    assert named(18_000) == named(100)
    assert named(99) != named(100)
