"""The chains' own data and recipes; the chains themselves take many minutes and are run by hand."""

import json
import re
from itertools import combinations
from pathlib import Path

import pytest

from stillhouse.recipe.load import load_recipe
from tests.benchmarks.trained_teachers import arithmetic, qa
from tests.benchmarks.trained_teachers.recipes import Chain, student_recipe, teacher_recipe, write_data, write_recipe

MADE = {"math": arithmetic.chain, "qa": qa.chain}


@pytest.fixture(scope="module", params=MADE)
def chain(request: pytest.FixtureRequest) -> Chain:
    return MADE[request.param](None)


def test_recipes_of_a_chain_are_valid_and_differ_in_what_they_start_from(chain: Chain, tmp_path: Path):
    teacher = load_recipe(str(write_recipe(teacher_recipe(chain), tmp_path / "teacher.yaml")), {})
    students = load_recipe(str(write_recipe(student_recipe(chain, "a-run"), tmp_path / "students.yaml")), {})
    assert teacher.main_student.layers == 0
    assert {students.teacher.model, *(one.model for one in students.all_students)} == {"runs:/a-run"}
    assert len(students.all_students) == len(chain.students)


def test_prompts_of_a_chain_are_written_without_their_answers(chain: Chain, tmp_path: Path):
    write_data(chain, tmp_path)
    written = [json.loads(line) for line in (tmp_path / "prompts.jsonl").read_text(encoding="utf-8").split("\n")[:-1]]
    assert [row["id"] for row in written] == [row["id"] for row in chain.prompts]
    assert not {chain.columns["reference"]} & set().union(*written)


def test_made_rows_of_a_chain_are_in_one_part_each_and_the_same_each_time(chain: Chain):
    parts = [{json.dumps({**row, "id": ""}) for row in part} for part in parts_of(chain)]
    assert [len(part) for part in parts] == [len(part) for part in parts_of(chain)]
    assert not any(one & other for one, other in combinations(parts, 2))
    assert MADE[chain.name](None) == chain


def test_math_problem_has_no_numbers_of_a_like_problem_in_another_part():
    chain = arithmetic.chain(None)
    numbers = [
        {str(re.findall(r"\d+|[-+*]", row["solution"])) + shape(row["problem"]) for row in part}
        for part in parts_of(chain)
    ]
    assert not any(one & other for one, other in combinations(numbers, 2))


def test_math_solution_ends_with_the_value_of_its_equations():
    for row in arithmetic.chain(None).gold:
        *lines, last = row["solution"].split("\n")
        sides = [line.split(" = ") for line in lines]
        assert all(eval(left) == int(right) for left, right in sides)
        assert last == f"#### {sides[-1][1]}"
        # every number of the problem is used
        assert set(re.findall(r"\d+", row["problem"])) <= set(re.findall(r"\d+", " ".join(lines)))


def shape(problem: str) -> str:
    """Return the problem's words that no name or thing fills."""
    return " ".join(word for word in re.findall(r"\b[a-z]+\b", problem) if not word.endswith("s"))


def parts_of(chain: Chain) -> tuple:
    return chain.gold, chain.few, chain.prompts, chain.test
