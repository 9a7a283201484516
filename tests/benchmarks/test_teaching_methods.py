"""What a recipe has for one method in the comparison of ways to teach."""

import yaml

from stillhouse.recipe.load import find_recipe, load_recipe
from tests.benchmarks.teaching_methods.__main__ import Taught, line
from tests.benchmarks.teaching_methods.methods import METHODS, Cell, changes_of


def test_changes_of_keep_the_first_student_alone_with_the_method():
    with open(find_recipe("demo"), encoding="utf-8") as file:
        changes = changes_of(yaml.safe_load(file), Cell("soft_labels", 10), 2, 40)
    found = load_recipe("demo", changes)
    (student,) = found.all_students
    training = found.training_of(student)
    assert (student.layers, training.seed, training.max_steps) == (10, 2, 40)
    assert training.soft_labels.model_dump() == METHODS["soft_labels"]["soft_labels"]
    assert found.gate.rules == ()


def test_line_shows_mean_each_seed_and_the_ends_of_their_intervals():
    found = [Taught(50, 100, 100.0, 50), Taught(70, 100, 110.0, 50)]
    # Wilson's intervals of 0.5 and 0.7 of 100 rows, by a table
    assert line(Cell("text", 10), found) == "| text | 10 | 0.600 | 0.500, 0.700 | 0.404 to 0.781 | 50 | 105 s |"
