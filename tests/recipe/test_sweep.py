from typing import Any

import pytest

from stillhouse.errors import RecipeError
from stillhouse.recipe.load import load_recipe
from stillhouse.recipe.overrides import overridden, value_at
from stillhouse.recipe.sweep import Sweep
from stillhouse.recipe.sweep_file import read_space
from stillhouse.recipe.swept_requests import asking_fields

RATE = {"training.learning_rate": {"low": 1e-5, "high": 1e-3, "log": True}}


def refusal(**sweep: Any) -> str:
    with pytest.raises(RecipeError) as error:
        load_recipe("demo", {"sweep": {"space": RATE} | sweep})
    return str(error.value)


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({"training.lerning_rate": [0.1, 0.2]}, "unknown field. Did you mean 'learning_rate'?"),
        ({"training.batch_size": [0, 8]}, "sweep.space.training.batch_size: the recipe refuses 0"),
        ({"training.batch_size": {"low": 0, "high": 8}}, "the recipe refuses 0"),
        ({"training.kind": ["sft", "logitz"]}, "the recipe refuses 'logitz'"),
        ({"evaluation.seed": [0, 1]}, "trials would not be comparable"),
        ({"data.test.path": ["a", "b"]}, "trials would not be comparable"),
        ({"training": [{}, {"epochs": 3}], "training.epochs": [1, 2]}, "set the same field"),
        ({"student.layers.deep": [1, 2]}, "does not fit the recipe"),
        ({"training.epochs": {"low": 2, "high": 1}}, "sweep.space.training.epochs: low: 2 must be below high: 1"),
        ({"trainng.epochs": [1, 2]}, "has no section 'trainng'"),
        ({"trainng.epochs": [1, 2]}, "Did you mean 'training'?"),
        ({"students.3.layers": [6, 12]}, "it has no '3' there"),
        ({"training": [1, 2]}, "training: 1 is refused: Input should be a section, as {field: value}"),
        ({"training.batch_size": 8}, "sweep.space.training.batch_size: 8 is refused: Input should be a list"),
        ({"training.batch_size": []}, "training.batch_size has no values"),
        ({"training.batch_size": [8, 16, 8]}, "training.batch_size names 8 more than once"),
        # both ends are taken, what lies between is not
        ({"training.batch_size": {"low": 4.0, "high": 8.0}}, "write low, high and step as such, without a point"),
        ({"training.batch_size": {"low": 4, "high": 8, "step": 0.5}}, "the recipe refuses 4.5"),
        ({"training.epochs": {"low": 1, "high": 2, "step": 3}}, "step: 3 is more than high - low"),
    ],
)
def test_sweep_space_that_the_recipe_does_not_take_is_one_clear_line(space: dict[str, Any], said: str):
    found = refusal(space=space)
    assert said in found
    assert len(found.splitlines()) <= 2


def test_sweep_objective_and_budget_that_can_not_be_kept_are_refused():
    assert "choose among those of skill classification: accuracy, macro_f1" in refusal(objective="rouge_l")
    assert "costs.training_usd_per_hour" in refusal(budget={"usd": 5})
    assert "needs lists of values" in refusal(sampler="grid")


def test_sweep_grid_larger_than_its_trials_is_refused_and_the_advice_works():
    space = {"training.batch_size": [4, 8, 16], "training.epochs": [1, 2, 3], "training.seed": [0, 1]}
    assert "18 combinations, and trials is 12" in refusal(sampler="grid", space=space)
    for change in ({"trials": 18, "sampler": "grid"}, {"sampler": "tpe"}):
        assert load_recipe("demo", {"sweep": {"space": space} | change}).sweep is not None
    seeds = {"training.seed": list(range(1001))}
    assert "name fewer values" in refusal(sampler="grid", space=seeds, trials=1000)


def test_sweep_values_that_python_alone_finds_equal_are_not_repeated():
    space = {"training.packing": [True, False], "training.epochs": [1, 1.0]}
    assert load_recipe("demo", {"students": [], "student": {"model": "owner/small"}, "sweep": {"space": space}}).sweep


def test_overridden_number_where_there_is_no_list_is_refused():
    with pytest.raises(RecipeError, match="it has no list 'students'"):
        overridden({"student": {}}, {"students.3.layers": 2})


def test_sweep_of_a_recipe_with_several_students_is_of_the_main_one():
    recipe = load_recipe("demo", {"sweep": {"space": {"student.layers": [12, 24]}}})
    assert recipe.sweep is not None
    assert recipe.sweep.space == {"student.layers": (12, 24)}
    fields = overridden({"students": [{"layers": 24}, {}]}, {"student.layers": 12})
    assert fields == {"students": [{"layers": 12}, {}]}
    assert value_at(fields, "student.layers") == 12
    assert value_at(fields, "student.depth") is None


def test_overridden_leaves_what_it_is_given_as_it_was():
    given = {"training": {"epochs": 1}}
    assert overridden(given, {"training.epochs": 2}) == {"training": {"epochs": 2}}
    assert given == {"training": {"epochs": 1}}


def asking(space: dict[str, Any], **changes: Any) -> list[str]:
    return asking_fields(load_recipe("demo", {"sweep": {"space": space}} | changes))


def test_asking_fields_are_those_that_can_change_a_request():
    space = {
        "training.epochs": [1, 2],
        "training.soft_labels": [None, {"weight": 0.5}],
        "filters.min_probability": [0.1, 0.5],
        "teachers.0.sampling.temperature": {"low": 0.1, "high": 0.5},
        "teachers.0.licence": ["MIT", "unknown"],
        "training.use_references": [True, False],
        "data.max_train_rows": [10, 20],
    }
    assert asking(space) == ["teachers.0.sampling.temperature", "training.use_references", "data.max_train_rows"]


def test_asking_fields_hold_a_method_that_needs_probabilities_unless_they_are_there():
    space = {"training.kind": ["sft", "logits"]}
    single = {"students": [], "student": {"model": "owner/small"}, "second_opinion": None}
    assert asking(space, **single) == ["training.kind"]
    assert asking(space, **single, **{"teachers.0.sampling.logprobs": 16}) == []


def test_asking_fields_of_rounds_are_all_that_the_asking_student_learns_by():
    space = {"training.epochs": [1, 2], "filters.min_probability": [0.5, 0.7]}
    assert asking(space, rounds={"student": "encoder"}) == ["filters.min_probability"]
    assert asking(space, rounds={"student": "main"}) == list(space)


def test_range_is_whole_if_it_is_written_so():
    whole, real, stepped = Sweep(
        space={
            "a": {"low": 1, "high": 3},
            "b": {"low": 1.0, "high": 3.0},
            "c": {"low": 0, "high": 1, "step": 0.5},
        }
    ).space.values()
    assert [one.is_whole for one in (whole, real, stepped)] == [True, False, False]  # type: ignore[union-attr]


def test_read_space_takes_the_section_with_or_without_its_name(tmp_path):
    (tmp_path / "a.yaml").write_text("space: {training.epochs: [1, 2]}\ntrials: 4\n")
    (tmp_path / "b.yaml").write_text("sweep:\n  space: {training.epochs: [1, 2]}\n  trials: 4\n")
    found = {"space": {"training.epochs": [1, 2]}, "trials": 4}
    assert read_space(str(tmp_path / "a.yaml")) == read_space(str(tmp_path / "b.yaml")) == found
    (tmp_path / "c.yaml").write_text("trials: 4\n")
    for name in ("c.yaml", "none.yaml"):
        with pytest.raises(RecipeError, match="Sweep file"):
            read_space(str(tmp_path / name))
