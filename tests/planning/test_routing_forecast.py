"""Which rows go to which teacher while answers are still missing, against each row's own way written out."""

import random
from typing import Any

import pytest

from stillhouse.completions.column_buffer import CompletionBuffer
from stillhouse.completions.completion import CompletionSlot
from stillhouse.completions.table import MIXED_SCHEMA, Lines, completion_of
from stillhouse.costs.forecast import Range, exact_range
from stillhouse.planning.probe_result import AnswerUsage, ProbeResult, Workload, merged
from stillhouse.planning.routing_forecast import RoutedRows, forecast_routing, next_rows
from stillhouse.recipe.load import parse_recipe
from stillhouse.teachers.probe import LESSONS
from tests.recipe.test_load import fields
from tests.support.planned_recipe import row

LABELS = ("billing", "delivery", "returns")
ROWS = [row(number, f"question {number}") for number in range(200)]
SIDES = (ROWS[:180], ROWS[180:])
ENDPOINT = {"provider": "compatible", "base_url": "http://127.0.0.1:9/v1"}


def recipe(num_teachers: int, **parts: Any) -> Any:
    teachers = [
        {"name": f"t{place}", "model": f"m{place}", "endpoint": {**ENDPOINT, "serves": f"m{place}"}}
        for place in range(num_teachers)
    ]
    return parse_recipe(
        fields() | {"skill": {"kind": "classification", "labels": list(LABELS)}, "teachers": teachers} | parts
    )


def probe_result(place: int, ids: list[str]) -> ProbeResult:
    places = [CompletionSlot(row_id, 0, f"{place} {row_id}") for row_id in ids]
    keys = {key: 10 for _, _, key in places}
    return ProbeResult(
        [Workload(LESSONS, places, keys)], probed=[], is_exact=False, answers=CompletionBuffer(keys, None)
    )


def line(place: int, row_id: str, text: str) -> dict[str, Any]:
    empty = dict.fromkeys(MIXED_SCHEMA.names)
    said = {"row_id": row_id, "key": f"{place} {row_id}", "text": text, "finish_reason": "stop", "teacher": f"m{place}"}
    counts = {"sample_index": 0, "prompt_tokens": 10, "completion_tokens": 1, "cumulative_logprob": -0.1}
    return empty | said | counts | {"teacher_number": place + 1}


def spoken(num_teachers: int, share_known: float) -> list[Lines]:
    """Answers of each teacher to some of the rows; two of three can be used."""
    rng = random.Random(7)
    return [
        {
            one["id"]: [line(place, one["id"], rng.choice([LABELS[0], LABELS[1], "I cannot tell."]))]
            for one in ROWS
            if rng.random() < share_known
        }
        for place in range(num_teachers)
    ]


def ways(lines: list[Lines]) -> list[tuple[set[str], set[str]]]:
    """Follow each row from teacher to teacher: who is sure to be asked about it, and who may be."""
    found: list[tuple[set[str], set[str]]] = [(set(), set()) for _ in lines]
    for one in ROWS:
        is_open = False
        for place, told in enumerate(lines):
            found[place][is_open].add(one["id"])
            if is_open or one["id"] not in told:
                is_open = True
            elif told[one["id"]][0]["text"] in LABELS:
                break
    return found


@pytest.mark.parametrize("share_known", [0.3, 1.0])
def test_rows_of_a_fallback_go_on_only_where_no_teacher_before_served_them(share_known):
    lines = spoken(3, share_known)
    ids = [one["id"] for one in ROWS]
    given = recipe(3, routing={"kind": "fallback"})
    found = forecast_routing([probe_result(place, ids) for place in range(3)], lines, SIDES, given, LABELS)
    expected = ways(lines)
    assert [(set(to.sure), set(to.open)) for to in found] == expected
    assert all(to.sure for to in found)
    for to, (sure, waiting) in zip(found[1:], expected[1:], strict=True):
        assert to.share is not None
        if share_known == 1.0:
            assert (waiting, to.share) == (set(), exact_range(0.0))
        else:
            assert to.share.value == pytest.approx(len(sure) / (len(ROWS) - len(waiting)))
            assert to.share.low < to.share.value < to.share.high


def test_rows_for_the_next_probe_are_those_that_all_before_answered_and_failed():
    lines = spoken(2, 0.5)
    ids = [one["id"] for one in ROWS]
    before = [_heard(probe_result(place, ids), lines[place]) for place in range(2)]
    given = recipe(3, routing={"kind": "fallback"})
    found = next_rows(before, SIDES, given, LABELS)
    assert found == sorted(ways([*lines, {}])[2][0])
    assert found


def test_rows_for_the_next_probe_are_all_answered_ones_where_every_teacher_is_asked():
    lines = spoken(2, 0.5)
    ids = [one["id"] for one in ROWS]
    before = [_heard(probe_result(place, ids), lines[place]) for place in range(2)]
    assert next_rows(before, SIDES, recipe(3), LABELS) == sorted(set(lines[0]) & set(lines[1]))


def test_rows_of_teachers_that_are_routed_by_the_rows_themselves_are_their_own():
    split = [[one["id"] for one in ROWS[:50]], [one["id"] for one in ROWS[50:]]]
    given = recipe(2, routing={"kind": "source", "teachers": {"mail": "t1"}})
    found = forecast_routing(
        [probe_result(place, ids) for place, ids in enumerate(split)], [{}, {}], [[], []], given, LABELS
    )
    assert found == [RoutedRows(frozenset(ids)) for ids in split]


def test_answers_that_a_teacher_gave_to_other_recipes_are_not_heard_where_it_is_not_asked():
    lines = spoken(2, 1.0)
    asked = [{one["id"] for one in ROWS}, {"r3"}]
    found = merged(lines, asked)
    assert [one["teacher_number"] for one in found["r3"]] == [1, 2]
    assert {len(some) for row_id, some in found.items() if row_id != "r3"} == {1}


def test_share_of_a_fallback_is_not_known_before_the_first_teacher_was_asked():
    ids = [one["id"] for one in ROWS]
    given = recipe(2, routing={"kind": "fallback"})
    found = forecast_routing([probe_result(0, ids), probe_result(1, ids)], [{}, {}], [[], []], given, LABELS)
    assert (found[1].sure, found[1].open, found[1].share) == (frozenset(), frozenset(ids), None)


def test_product_of_two_forecasts_is_as_wide_as_both_allow():
    amount, share = Range(value=100.0, low=80.0, high=120.0), Range(value=0.25, low=0.1, high=0.5)
    assert amount.product(share) == Range(value=25.0, low=8.0, high=60.0)
    assert amount.product(Range(value=0.5, low=0.5, high=None)) == Range(value=50.0, low=40.0, high=None)


def _heard(found: ProbeResult, lines: Lines) -> ProbeResult:
    """`found` with the answers of `lines` stored."""
    for some in lines.values():
        for one in some:
            answer = completion_of(one).model_copy(update={"created": "2026-11-22T10:00:00+00:00"})
            found.lessons.stored[answer.key] = AnswerUsage(10, 1, 0.1, answer.created)
            found.answers.add(answer)
    return found
