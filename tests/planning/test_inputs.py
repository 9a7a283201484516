"""Which rows go to which teacher while completions are still missing, against each row's own way written out."""

import random
from collections.abc import Sequence
from typing import Any

import pytest

from stillhouse.costs.forecast import Range
from stillhouse.planning.inputs import PlanInputs
from stillhouse.planning.plan import make_plan
from stillhouse.planning.requests_forecast import teacher_workloads
from stillhouse.recipe.load import parse_recipe
from stillhouse.teachers.probe_result import ListedPrompt, ProbeResult
from tasks.shortlist import next_rows
from tests.support.builders import make_completion, make_recipe_fields
from tests.support.planned_recipe import row

LABELS = ("billing", "delivery", "returns")
ROWS = [row(number, f"question {number}") for number in range(200)]
IDS = [one["id"] for one in ROWS]
SPLITS = (ROWS[:180], ROWS[180:])
ENDPOINT = {"provider": "compatible", "base_url": "http://127.0.0.1:9/v1"}
Texts = dict[str, str]  # of stored completions, by row id
FALLBACK = {"routing": {"kind": "fallback"}}


def make_recipe(num_teachers: int, **parts: Any) -> Any:
    teachers = [
        {"name": f"t{index}", "model": f"m{index}", "endpoint": {**ENDPOINT, "serves": f"m{index}"}}
        for index in range(num_teachers)
    ]
    return parse_recipe(
        make_recipe_fields()
        | {"skill": {"kind": "classification", "labels": list(LABELS)}, "teachers": teachers}
        | parts
    )


TEACHER = make_recipe(2).teacher


def make_probe(ids: list[str], texts: Texts) -> ProbeResult:
    """A probe that lists `ids`, with the completions `texts` stored."""
    return ProbeResult(TEACHER, [make_prompt(row_id, texts.get(row_id)) for row_id in ids])


def make_prompt(row_id: str, text: str | None, num_rollouts: int = 1) -> ListedPrompt:
    keys = tuple(f"{row_id} {number}" for number in range(num_rollouts))
    return ListedPrompt(keys, 10, {row_id: 1}, [] if text is None else [make_completion(text)], is_probed=False)


def make_texts(num_teachers: int, share_known: float) -> list[Texts]:
    """Completions of each teacher to some of the rows; two of three can be used."""
    rng = random.Random(7)
    return [
        {row_id: rng.choice([LABELS[0], LABELS[1], "I cannot tell."]) for row_id in IDS if rng.random() < share_known}
        for _ in range(num_teachers)
    ]


def make_inputs(probes: Sequence[ProbeResult], splits: Sequence[Any] = SPLITS, **parts: Any) -> PlanInputs:
    return PlanInputs(make_recipe(max(2, len(probes)), **parts), LABELS, probes, splits)


def ways(texts: list[Texts]) -> list[tuple[set[str], set[str]]]:
    """Follow each row from teacher to teacher: which teacher surely gets it, and which may."""
    found: list[tuple[set[str], set[str]]] = [(set(), set()) for _ in texts]
    for row_id in IDS:
        is_open = False
        for index, known in enumerate(texts):
            found[index][is_open].add(row_id)
            if is_open or row_id not in known:
                is_open = True
            elif known[row_id] in LABELS:
                break
    return found


@pytest.mark.parametrize("share_known", [0.3, 1.0])
def test_routed_fallback_rows_go_on_only_if_no_teacher_before_served_them(share_known):
    texts = make_texts(3, share_known)
    inputs = make_inputs([make_probe(IDS, known) for known in texts], **FALLBACK)
    expected = ways(texts)
    assert [(set(sure), set(waiting)) for sure, waiting in inputs.routed] == expected
    assert all(sure for sure, _ in inputs.routed)
    for index, (sure, waiting) in enumerate(expected[1:], start=1):
        _, *may_come = teacher_workloads(inputs, index)
        if share_known == 1.0:
            assert (waiting, may_come) == (set(), [])
        else:
            share = may_come[0].share
            assert share.value == pytest.approx(len(sure) / (len(ROWS) - len(waiting)))
            assert share.low < share.value < share.high


def test_routed_fallback_next_rows_are_those_that_all_before_completed_and_failed():
    texts = make_texts(2, 0.5)
    probes = [make_probe(IDS, known) for known in texts]
    found = next_rows(PlanInputs(make_recipe(3, **FALLBACK), LABELS, probes, SPLITS))
    assert found == ways([*texts, {}])[2][0]
    assert found


def test_routed_to_every_teacher_next_rows_are_all_completed_ones():
    texts = make_texts(2, 0.5)
    probes = [make_probe(IDS, known) for known in texts]
    found = next_rows(PlanInputs(make_recipe(3), LABELS, probes, SPLITS))
    assert found == set(texts[0]) & set(texts[1])


def test_routed_by_source_are_the_rows_of_each_probe():
    parts = [IDS[:50], IDS[50:]]
    routing = {"kind": "source", "teachers": {"mail": "t1"}}
    routed = make_inputs([make_probe(ids, {}) for ids in parts], [[], []], routing=routing).routed
    assert routed == [(frozenset(ids), frozenset()) for ids in parts]


def test_used_lines_row_of_another_teacher_leaves_out_what_it_answered_for_other_recipes():
    texts = make_texts(2, 1.0)
    routing = {"kind": "source", "teachers": {"mail": "t1"}}
    probes = [make_probe(IDS, texts[0]), make_probe(["r3"], texts[1])]
    used = make_inputs(probes, routing=routing).used_lines
    assert [one["teacher_number"] for one in used["r3"]] == [1, 2]
    assert {len(own) for row_id, own in used.items() if row_id != "r3"} == {1}


def test_workloads_prompt_of_a_sure_and_a_waiting_row_is_sent_once_and_each_row_counted():
    ids = IDS[:3]
    # r0 was failed by the first teacher, r1 and r2 still wait for it; r0 and r1 share a prompt
    shared = ListedPrompt(("k",), 10, {"r0": 1, "r1": 2}, [], is_probed=False)
    probes = [make_probe(ids, {"r0": "I cannot tell."}), ProbeResult(TEACHER, [shared, make_prompt("r2", None)])]
    inputs = make_inputs(probes, [ROWS[:3], []], **FALLBACK)
    sure, waiting = teacher_workloads(inputs, 1)
    assert inputs.routed[1] == ({"r0"}, {"r1", "r2"})
    assert [one.num_missing for one in (sure, waiting)] == [1, 1]
    assert waiting.share.value == 1.0
    # three of the first teacher, and of the second one for r0, twice for r1 and one for r2
    assert make_plan(inputs).survivors.answers == 3 + 4


def test_workloads_fallback_before_the_first_completion_have_no_share():
    inputs = make_inputs([make_probe(IDS, {}), make_probe(IDS, {})], [[], []], **FALLBACK)
    sure, waiting = teacher_workloads(inputs, 1)
    assert inputs.routed[1] == (frozenset(), frozenset(IDS))
    assert (sure.prompts, waiting.num_missing, waiting.share) == ([], len(IDS), None)


def test_product_of_two_ranges_is_as_wide_as_both_allow():
    amount, share = Range(value=100.0, low=80.0, high=120.0), Range(value=0.25, low=0.1, high=0.5)
    assert amount.product(share) == Range(value=25.0, low=8.0, high=60.0)
    assert amount.product(Range(value=0.5, low=0.5, high=None)) == Range(value=50.0, low=40.0, high=None)


def test_used_lines_leave_out_a_row_that_lacks_a_rollout():
    prompts = [make_prompt("r1", "billing"), make_prompt("r2", "billing", num_rollouts=2), make_prompt("r3", None)]
    assert list(make_inputs([ProbeResult(TEACHER, prompts)]).used_lines) == ["r1"]
