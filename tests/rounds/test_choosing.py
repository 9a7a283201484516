"""Which prompts come next: by how unsure a student is, and not two that are alike."""

import math
from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

from stillhouse.rounds.choose import Choice, Told, first_prompts, next_prompts
from stillhouse.rounds.draw import first_size, in_random_order, later_size, most_requests
from stillhouse.rounds.pick import pick
from stillhouse.rounds.unsure import disagreement, unsureness

IDS = [f"r{number}" for number in range(40)]
TEXTS = {one: f"text about thing {one} and more {one}{one}" for one in IDS}


def line(row_id: str = "r", probabilities: list[float] | None = None, **more: Any) -> dict[str, Any]:
    logprobs = [math.log(one) for one in probabilities] if probabilities else None
    return {"row_id": row_id, "answer": "a", "text": "a", "logprob": None, "label_logprobs": logprobs} | more


def choice(**changes: Any) -> Choice:
    own = {"first": 0.25, "num_later": 2, "each": None, "choose": "unsure", "unsure_by": "margin"}
    return Choice(**(own | {"max_similarity": 1.0, "seed": 0} | changes))


def test_random_order_of_more_prompts_keeps_the_order_of_the_others():
    few, many = in_random_order(IDS[:20], 3), in_random_order(IDS, 3)
    assert [one for one in many if one in IDS[:20]] == few
    assert few != in_random_order(IDS[:20], 4)
    assert few != in_random_order(IDS[:20], 3, "pool")
    assert few not in (IDS[:20], sorted(IDS[:20]))


@pytest.mark.parametrize(
    ("num", "share", "later", "each", "sizes"),
    [
        (100, 0.25, 2, None, (25, 38, 100)),
        (100, 0.25, 2, 10, (25, 10, 45)),
        (1, 0.5, 2, None, (1, 0, 1)),
        (0, 0.5, 1, 5, (0, 5, 0)),
    ],
)
def test_round_sizes_leave_nothing_and_never_ask_more_than_there_is(
    num: int, share: float, later: int, each: int | None, sizes: tuple[int, int, int]
):
    assert (
        first_size(num, share),
        later_size(num, share, later, each),
        most_requests(num, share, later, each),
    ) == sizes


def test_unsureness_margin_and_entropy_are_those_of_the_definitions():
    found = [0.5, 0.3, 0.2]
    assert unsureness(line(probabilities=found), "margin") == pytest.approx(1 - 0.2)
    assert unsureness(line(probabilities=found), "entropy") == pytest.approx(entropy(found))
    # scores that are not normalised, as an engine may give
    shifted = line(label_logprobs=[math.log(one) - 7 for one in found])
    assert unsureness(shifted, "entropy") == pytest.approx(entropy(found))
    assert unsureness(line(probabilities=[1.0]), "margin") == 0.0


def test_unsureness_of_text_is_a_byte_and_of_what_cannot_be_read_the_greatest():
    short, long = line(text="ja", logprob=-2.0), line(text="jaja", logprob=-4.0)
    assert unsureness(short, "margin") == unsureness(long, "margin") == 1.0
    assert unsureness(line(text="é", logprob=-2.0), "margin") == 1.0
    assert unsureness(line(answer=None), "margin") == math.inf
    assert unsureness(line(), "margin") == 0.0


def test_disagreement_is_the_divergence_of_jensen_and_shannon():
    rng = np.random.default_rng(0)
    for _ in range(20):
        first, second = rng.dirichlet(np.ones(5)), rng.dirichlet(np.ones(5))
        expected = jensenshannon(first, second) ** 2
        assert disagreement(np.log(first), np.log(second)) == pytest.approx(expected, abs=1e-12)
    assert disagreement([0.0, 0.0], [0.0, 0.0]) == 0.0


def test_pick_leaves_out_what_is_alike_as_long_as_there_are_others():
    texts = {"a": "my car was hit", "b": "my car was hit!", "c": "the dog is ill", "d": "a boat sank"}
    assert pick(list(texts), texts, 3, 0.8) == ["a", "c", "d"]
    assert pick(list(texts), texts, 3, 1.0) == ["a", "b", "c"]
    # too few others: the best of those left out comes in, in the ranking's place
    assert pick(["a", "b", "c"], texts, 3, 0.8) == ["a", "b", "c"]
    assert pick([], texts, 3, 0.8) == []


def test_first_prompts_are_a_share_and_the_same_for_any_way_to_choose():
    assert len(first_prompts(IDS, choice())) == 10
    assert first_prompts(IDS, choice()) == first_prompts(IDS, choice(choose="random"))


def test_next_prompts_are_the_least_sure_that_were_not_asked():
    asked = frozenset(first_prompts(IDS, choice()))
    left = [one for one in IDS if one not in asked]
    answers = {one: line(one, [0.5 + at / 100, 0.5 - at / 100]) for at, one in enumerate(left)}
    answers |= {one: line(one, [0.5, 0.5]) for one in asked}
    assert next_prompts(IDS, asked, Told(answers), TEXTS, choice()) == left[:15]
    # prompts beyond the pool come after all of whom something is known
    few = {one: answers[one] for one in left[20:25]}
    found = next_prompts(IDS, asked, Told(few), TEXTS, choice())
    assert found[:5] == left[20:25]
    assert len(found) == len(set(found)) == 15
    assert asked.isdisjoint(found)


def test_next_prompts_at_random_go_on_in_the_order_of_the_first():
    random = choice(choose="random")
    first = first_prompts(IDS, random)
    assert [*first, *next_prompts(IDS, frozenset(first), Told(), TEXTS, random)] == in_random_order(IDS, 0)[:25]


def test_next_prompts_by_a_judge_are_the_worst_and_of_these_the_least_sure():
    answers = {one: line(one, text="xx", logprob=-float(at)) for at, one in enumerate(IDS[:4])}
    scores = {"r0": 1, "r1": 5, "r2": 1, "r3": None}
    found = next_prompts(
        IDS[:4], frozenset(), Told(answers, scores=scores), TEXTS, choice(choose="judged_wrong", each=4)
    )
    assert found == ["r2", "r0", "r3", "r1"]


def test_next_prompts_by_disagreement_are_those_on_which_two_differ():
    answers = {one: line(one, [0.9, 0.1]) for one in IDS[:3]}
    others = {"r0": [math.log(0.9), math.log(0.1)], "r1": [math.log(0.1), math.log(0.9)], "r2": [math.log(0.5)] * 2}
    found = next_prompts(IDS[:3], frozenset(), Told(answers, others), TEXTS, choice(choose="disagreement", each=3))
    assert found == ["r1", "r2", "r0"]
