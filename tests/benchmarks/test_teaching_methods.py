"""The recipe of one method in the comparison of ways to teach."""

import yaml

from stillhouse.recipe.load import find_recipe
from tests.benchmarks.teaching_methods.__main__ import Trained, line
from tests.benchmarks.teaching_methods.methods import METHODS, Cell, recipe_of


def test_recipe_of_keeps_the_first_student_once_a_seed_and_nothing_beside_it():
    with open(find_recipe("demo"), encoding="utf-8") as file:
        fields = yaml.safe_load(file)
    made = recipe_of(fields, Cell("soft_labels", 10), (0, 1, 2), 40)
    assert [one["layers"] for one in made["students"]] == [10, 10, 10]
    assert [one["training"]["seed"] for one in made["students"]] == [0, 1, 2]
    assert {one["training"]["max_steps"] for one in made["students"]} == {40}
    assert made["students"][0]["training"]["soft_labels"] == METHODS["soft_labels"]["soft_labels"]
    assert "gate" not in made
    assert fields["students"][0]["layers"] == 24


def test_line_shows_mean_each_seed_and_the_widest_interval():
    found = [Trained(0.5, 0.4, 0.6, 100.0, 50), Trained(0.7, 0.65, 0.75, 110.0, 50)]
    assert line(Cell("text", 10), found) == "| text | 10 | 0.600 | 0.500, 0.700 | 0.400 to 0.750 | 50 | 105 s |"
