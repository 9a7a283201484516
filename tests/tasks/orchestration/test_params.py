"""Which of a stage's parameters enter its fingerprint, by the marks of their fields."""

from typing import Annotated, Any

import pytest

from stillhouse.config import identity
from stillhouse.recipe.teacher import Sampling
from tasks.orchestration.params import Execution, IfSet, Merged, Params, only


class Marked(Params):
    rows: int = 3
    threads: Execution[int] = 1
    check: IfSet[bool] = False
    skill: Merged[dict[str, Any]]
    sampling: Annotated[Sampling, only("n", "seed")] = Sampling()
    test: Annotated[Sampling, only("top_p", alias="rules")] = Sampling()


PLAIN = {"rows": 3, "n": 1, "seed": 0, "rules": {"top_p": 1.0}}


def test_params_defaults_are_identity_but_for_execution_and_unset():
    assert identity(Marked(skill={})) == PLAIN


@pytest.mark.parametrize(
    ("changed", "identities"),
    [
        ({"threads": 8}, {}),
        ({"check": True}, {"check": True}),
        ({"skill": {"labels": ("a",)}}, {"labels": ["a"]}),
        ({"sampling": Sampling(seed=2, max_tokens=9)}, {"seed": 2}),
        ({"test": Sampling(top_p=0.5, seed=4)}, {"rules": {"top_p": 0.5}}),
    ],
)
def test_params_changed_field_changes_what_its_mark_says(changed: dict[str, Any], identities: dict[str, Any]):
    assert identity(Marked(**{"skill": {}, **changed})) == PLAIN | identities
