"""What the stage `train` gives a method that learns from the teacher while it trains."""

from pathlib import Path
from typing import Any

from stillhouse.artifacts.handle import Built
from stillhouse.recipe.load import parse_recipe
from stillhouse.runtime.settings import load_settings
from tasks.convert import load_student_bases, load_teachers
from tasks.filter import filter_completions
from tasks.mix import generate_completions
from tasks.train import train_labelled_only, train_students
from tests.support.dry_run import DryRun
from tests.support.stages import prepare_rows

SERVED = {"model": "org/large", "endpoint": {"provider": "vllm", "base_url": "http://127.0.0.1:9/v1"}}


class Noting(DryRun):
    """A run that keeps the parameters of its stages."""

    def build(self, stage: Any, inputs: Any, params: Any, **given: Any) -> Built[Any]:
        built = super().build(stage, inputs, params, **given)
        self.__dict__.setdefault("noted", {})[built.label] = params
        return built


def trained(folder: Path, own: dict[str, Any], *teachers: dict[str, Any]) -> tuple[Any, Any, str]:
    """Return the parameters of the student and of the one on labelled rows alone, and the student's fingerprint."""
    path = folder / "rows.jsonl"
    path.write_text('{"text": "a", "label": "a"}\n')
    recipe = parse_recipe(
        {
            "name": "dry",
            "skill": {"kind": "classification", "labels": ["a", "b"]},
            "data": {"train": {"path": str(path), "columns": {"text": "text", "label": "label"}}},
            "teachers": list(teachers),
            "student": {"model": "owner/small"},
            "evaluation": {"encoder": None},
            "training": {"kind": "on_policy", "learning_rate": 5e-4, "on_policy": own},
        }
    )
    run = Noting(recipe, load_settings(), frozenset(), id="dry")
    rows, loaded = prepare_rows(run), load_teachers(run)
    dataset = filter_completions(run, generate_completions(run, loaded, rows), rows, None)
    (student, *_) = train_students(run, load_student_bases(run), loaded, rows, dataset)
    train_labelled_only(run, student, rows, dataset)
    noted = run.__dict__["noted"]
    return noted["train"], noted["train labelled-only"], student.built.ref.fingerprint


def test_train_teachers_server_is_named_and_its_model_is_identity(tmp_path: Path):
    params, alone, fingerprint = trained(tmp_path, {"teacher": "server"}, SERVED)
    assert params.teacher_weights is None
    assert (params.teacher_server.url, params.teacher_server.model) == ("http://127.0.0.1:9/v1", "org/large")
    # of an environment variable the name alone
    assert params.teacher_server.key_variable.endswith("_API_KEY")
    assert params.teacher["model"] == "org/large"
    _, _, other = trained(tmp_path, {"teacher": "server"}, SERVED | {"model": "org/larger"})
    assert fingerprint != other
    assert (alone.training.kind, alone.teacher_server) == ("sft", None)


def test_train_address_of_a_server_that_says_what_it_serves_is_no_identity(tmp_path: Path):
    def at(port: int) -> str:
        endpoint = SERVED["endpoint"] | {"base_url": f"http://127.0.0.1:{port}/v1", "serves": "org/large@1"}
        return trained(tmp_path, {"teacher": "server"}, SERVED | {"endpoint": endpoint})[2]

    assert at(9) == at(10)


def test_train_teachers_weights_are_those_of_the_first_without_an_endpoint(tmp_path: Path):
    params, alone, _ = trained(tmp_path, {}, SERVED | {"name": "served"}, {"model": "owner/large", "name": "here"})
    assert params.teacher_server is None
    assert params.teacher_weights.model == "owner/large"
    assert (alone.training.kind, alone.teacher, alone.teacher_weights) == ("sft", None, None)
