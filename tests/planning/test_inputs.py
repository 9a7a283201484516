"""Which rows go to which teacher while completions are still missing, against each row's own way written out."""

import random
from collections.abc import Sequence
from typing import Any

import pytest

from stillhouse.completions.table import MIXED_SCHEMA, Lines
from stillhouse.costs.forecast import Range, exact_range
from stillhouse.planning.inputs import PlanInputs, RoutedRows
from stillhouse.planning.probe_result import CompletionUsage, ProbeResult, Workload, lines_of
from stillhouse.recipe.load import parse_recipe
from tests.support.builders import make_recipe_fields
from tests.support.planned_recipe import row

LABELS = ("billing", "delivery", "returns")
ROWS = [row(number, f"question {number}") for number in range(200)]
IDS = [one["id"] for one in ROWS]
SPLITS = (ROWS[:180], ROWS[180:])
ENDPOINT = {"provider": "compatible", "base_url": "http://127.0.0.1:9/v1"}
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


def make_probe(teacher_index: int, ids: list[str], lines: Lines | None = None) -> ProbeResult:
    """A probe that lists `ids`, with the completions of `lines` stored."""
    rows = {row_id: [f"{teacher_index} {row_id}"] for row_id in ids}
    known = {line["key"]: line for own in (lines or {}).values() for line in own}
    requests = Workload(
        rows=rows,
        sizes=dict.fromkeys([key for keys in rows.values() for key in keys], 10),
        stored=dict.fromkeys(known, CompletionUsage(10, 1, 0.1, "2026-11-22T10:00:00+00:00")),
    )
    return ProbeResult(requests, Workload(), known, probed=[], is_exact=False)


def make_line(teacher_index: int, row_id: str, text: str) -> dict[str, Any]:
    names = {"row_id": row_id, "key": f"{teacher_index} {row_id}", "teacher": f"m{teacher_index}"}
    counts = {"sample_index": 0, "prompt_tokens": 10, "completion_tokens": 1, "cumulative_logprob": -0.1}
    reply = {"text": text, "finish_reason": "stop", "teacher_number": teacher_index + 1}
    return {**dict.fromkeys(MIXED_SCHEMA.names), **names, **counts, **reply}


def make_lines(num_teachers: int, share_known: float) -> list[Lines]:
    """Completions of each teacher to some of the rows; two of three can be used."""
    rng = random.Random(7)
    return [
        {
            row_id: [make_line(index, row_id, rng.choice([LABELS[0], LABELS[1], "I cannot tell."]))]
            for row_id in IDS
            if rng.random() < share_known
        }
        for index in range(num_teachers)
    ]


def make_inputs(
    probes: Sequence[ProbeResult], lines: Sequence[Lines], splits: Sequence[Any] = SPLITS, **parts: Any
) -> PlanInputs:
    return PlanInputs(make_recipe(max(2, len(probes)), **parts), LABELS, probes, lines, splits)


def ways(lines: list[Lines]) -> list[tuple[set[str], set[str]]]:
    """Follow each row from teacher to teacher: who is sure to be asked about it, and who may be."""
    found: list[tuple[set[str], set[str]]] = [(set(), set()) for _ in lines]
    for row_id in IDS:
        is_open = False
        for index, known in enumerate(lines):
            found[index][is_open].add(row_id)
            if is_open or row_id not in known:
                is_open = True
            elif known[row_id][0]["text"] in LABELS:
                break
    return found


@pytest.mark.parametrize("share_known", [0.3, 1.0])
def test_routed_fallback_rows_go_on_only_if_no_teacher_before_served_them(share_known):
    lines = make_lines(3, share_known)
    routed = make_inputs([make_probe(index, IDS) for index in range(3)], lines, **FALLBACK).routed
    expected = ways(lines)
    assert [(set(rows.sure), set(rows.open)) for rows in routed] == expected
    assert all(rows.sure for rows in routed)
    for rows, (sure, waiting) in zip(routed[1:], expected[1:], strict=True):
        assert rows.share is not None
        if share_known == 1.0:
            assert (waiting, rows.share) == (set(), exact_range(0.0))
        else:
            assert rows.share.value == pytest.approx(len(sure) / (len(ROWS) - len(waiting)))
            assert rows.share.low < rows.share.value < rows.share.high


def test_next_rows_fallback_are_those_that_all_before_answered_and_failed():
    lines = make_lines(2, 0.5)
    probes = [make_probe(index, IDS, lines[index]) for index in range(2)]
    found = PlanInputs(make_recipe(3, **FALLBACK), LABELS, probes, lines_of(probes), SPLITS).next_rows()
    assert found == sorted(ways([*lines, {}])[2][0])
    assert found


def test_next_rows_every_teacher_asked_are_all_answered_ones():
    lines = make_lines(2, 0.5)
    probes = [make_probe(index, IDS, lines[index]) for index in range(2)]
    found = PlanInputs(make_recipe(3), LABELS, probes, lines_of(probes), SPLITS).next_rows()
    assert found == sorted(set(lines[0]) & set(lines[1]))


def test_routed_by_source_are_the_rows_of_each_probe():
    parts = [IDS[:50], IDS[50:]]
    probes = [make_probe(index, ids) for index, ids in enumerate(parts)]
    routing = {"kind": "source", "teachers": {"mail": "t1"}}
    routed = make_inputs(probes, [{}, {}], [[], []], routing=routing).routed
    assert routed == [RoutedRows(frozenset(ids)) for ids in parts]


def test_used_lines_row_of_another_teacher_leaves_out_what_it_answered_for_other_recipes():
    lines = make_lines(2, 1.0)
    routing = {"kind": "source", "teachers": {"mail": "t1"}}
    used = make_inputs([make_probe(0, IDS), make_probe(1, ["r3"])], lines, routing=routing).used_lines
    assert [one["teacher_number"] for one in used["r3"]] == [1, 2]
    assert {len(own) for row_id, own in used.items() if row_id != "r3"} == {1}


def test_routed_fallback_before_the_first_completion_has_no_share():
    routed = make_inputs([make_probe(0, IDS), make_probe(1, IDS)], [{}, {}], [[], []], **FALLBACK).routed
    assert (routed[1].sure, routed[1].open, routed[1].share) == (frozenset(), frozenset(IDS), None)


def test_product_of_two_ranges_is_as_wide_as_both_allow():
    amount, share = Range(value=100.0, low=80.0, high=120.0), Range(value=0.25, low=0.1, high=0.5)
    assert amount.product(share) == Range(value=25.0, low=8.0, high=60.0)
    assert amount.product(Range(value=0.5, low=0.5, high=None)) == Range(value=50.0, low=40.0, high=None)


def test_lines_of_partly_answered_row_leaves_it_out():
    lines = {"r1": [make_line(0, "r1", "billing")]}
    probe = make_probe(0, ["r1", "r2"], lines)
    assert lines_of([probe]) == [lines]
