"""Several teachers' answers to one prompt: all kept, voted on, or the best of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhouse.completions.completion import Completion
from stillhouse.data.row import Row
from stillhouse.dataset.teacher_counts import counts_by_teacher
from stillhouse.filters.combine import Mixing
from stillhouse.filters.pipeline import apply_filters
from stillhouse.filters.settings import RULES, Filters
from stillhouse.filters.unanswered import routing_filters, unanswered_rows
from stillhouse.skills.classification import Classification
from tests.support.builders import make_completion, make_row

LABELS = ("red", "green", "blue")
SKILL = Classification(labels=LABELS)
ALL = Filters(min_success_ratio=0.0)
VOTE, BEST, KEEP_ALL = Mixing(kind="vote"), Mixing(kind="best"), Mixing()


def by(number: int, *texts: str, **fields: Any) -> list[Completion]:
    """The rollouts of teacher `number`."""
    return [make_completion(text, **fields).model_copy(update={"teacher_number": number}) for text in texts]


def filtered(answers: list[Completion], mixing: Mixing, *references: str, filters: Filters = ALL):
    return apply_filters([make_row("a", *references)], {"a": answers}, filters, SKILL, LABELS, mixing)


def kept(result) -> list[tuple[int, str]]:
    return [(one.completion.teacher_number, one.target) for one in result.kept]


def test_keep_all_keeps_one_answer_of_each_teacher():
    result = filtered([*by(1, "red"), *by(2, "blue"), *by(3, "nonsense")], KEEP_ALL)
    assert kept(result) == [(1, "red"), (2, "blue")]
    assert [(drop.teacher_number, drop.reason) for drop in result.dropped] == [(3, "unparsable")]


def test_keep_all_rollouts_of_each_teacher_vote_among_themselves():
    result = filtered([*by(1, "red", "red", "blue"), *by(2, "blue", "blue", "red")], KEEP_ALL)
    assert kept(result) == [(1, "red"), (2, "blue")]
    indices = [(drop.teacher_number, drop.candidate.rollout_index) for drop in result.dropped]
    assert indices == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_keep_all_agreement_counts_within_one_teacher():
    filters = Filters(min_agreement=0.6, min_success_ratio=0.0)
    assert kept(filtered([*by(1, "nonsense"), *by(2, "red")], KEEP_ALL, filters=filters)) == [(2, "red")]


def test_vote_majority_is_over_all_rollouts_of_all_teachers():
    result = filtered([*by(1, "red", "red"), *by(2, "blue"), *by(3, "blue", "blue")], VOTE)
    assert kept(result) == [(2, "blue")]
    assert result.counts == {"not_majority": 4}
    assert result.dropped[0].detail == "the prompt's answer is blue, kept from sample 0 of teacher 2"


def test_vote_tie_goes_to_first_answer_and_most_confident_voter():
    assert kept(filtered([*by(1, "red"), *by(2, "blue")], VOTE)) == [(1, "red")]
    votes = [
        *by(1, "red", cumulative_logprob=-2.0),
        *by(2, "red", cumulative_logprob=-0.1),
        *by(3, "blue", cumulative_logprob=0.0),
    ]
    assert kept(filtered(votes, VOTE)) == [(2, "red")]


def test_vote_below_min_agreement_drops_all_teachers_completions():
    answers = [*by(1, "red"), *by(2, "blue"), *by(3, "red")]
    assert kept(filtered(answers, VOTE, filters=Filters(min_agreement=0.6))) == [(1, "red")]
    result = filtered(answers, VOTE, filters=Filters(min_agreement=0.7, min_success_ratio=0.0))
    assert (result.kept, result.counts) == ((), {"agreement": 3})


def test_best_by_judge_keeps_highest_score_unreadable_counts_least():
    answers = [one.model_copy(update={"key": f"k{number}"}) for number in (1, 2, 3) for one in by(number, "red")]
    mixing = Mixing(kind="best", by="judge")

    def chosen(scores: dict[str, int | None]):
        return apply_filters([make_row("a")], {"a": answers}, ALL, SKILL, LABELS, mixing, scores)

    result = chosen({"k1": 3, "k2": 5, "k3": None})
    assert kept(result) == [(2, "red")]
    assert {drop.detail for drop in result.dropped} == {"the prompt's answer is teacher 2's, by the judge"}
    assert kept(chosen({"k1": None, "k2": None, "k3": 1})) == [(3, "red")]
    assert kept(chosen({"k1": 4, "k2": 4, "k3": 4})) == [(1, "red")]


def unanswered(
    rows: list[Row], completions: dict[str, list[Completion]], filters: Filters = ALL, *, must_verify: bool = False
) -> list[str]:
    """Ids of the rows that still need a teacher, as a recipe with these filters routes them."""
    return unanswered_rows(rows, completions, routing_filters(filters, must_verify=must_verify), SKILL, LABELS)


def test_unanswered_rows_ignore_a_judge_that_has_not_scored_yet():
    assert unanswered([make_row("a")], {"a": by(1, "red")}, Filters(min_judge_score=4)) == []


def test_best_by_verifier_keeps_agreeing_answer_else_first_teachers():
    loose = ALL.model_copy(update={"verification": False})
    answers = [*by(1, "red"), *by(2, "blue")]
    result = filtered(answers, BEST, "blue", filters=loose)
    assert kept(result) == [(2, "blue")]
    assert [(drop.teacher_number, drop.reason) for drop in result.dropped] == [(1, "not_best")]
    assert kept(filtered(answers, BEST)) == [(1, "red")]
    assert kept(filtered(answers, BEST, "green", filters=loose)) == [(1, "red")]
    assert kept(filtered([*by(1, "nonsense"), *by(2, "blue")], BEST)) == [(2, "blue")]


def test_counts_by_teacher_usable_includes_completions_passed_over():
    rows = [make_row("a"), make_row("b")]
    completions = {"a": [*by(1, "red"), *by(2, "red")], "b": [*by(1, "nonsense"), *by(2, "blue")]}
    result = apply_filters(rows, completions, ALL, SKILL, LABELS, VOTE)
    assert {number: counts.to_record() for number, counts in counts_by_teacher(result, 3).items()} == {
        "1": {"in": 2, "kept": 1, "dropped": {"unparsable": 1}, "prompts": 2, "usable": 1},
        "2": {"in": 2, "kept": 1, "dropped": {"not_majority": 1}, "prompts": 2, "usable": 2},
        "3": {"in": 0, "kept": 0, "dropped": {}, "prompts": 0, "usable": 0},
    }


texts = st.sampled_from(["red", "Blue!", "mauve", "", "I can't help with that"])
rollouts_by_teacher = st.lists(st.lists(texts, max_size=3), min_size=1, max_size=3)
mixings = st.sampled_from([VOTE, BEST, KEEP_ALL])


@given(st.lists(rollouts_by_teacher, max_size=4), mixings)
def test_mixing_every_answer_is_kept_or_dropped_once(prompts, mixing):
    rows = [make_row(str(number), *["red"] * (number % 2)) for number in range(len(prompts))]
    completions = {
        one["id"]: [answer for number, texts in enumerate(teachers, 1) for answer in by(number, *texts)]
        for one, teachers in zip(rows, prompts, strict=True)
    }
    result = apply_filters(rows, completions, ALL, SKILL, LABELS, mixing)
    assert result.num_in == sum(max(1, len(found)) for found in completions.values())
    served = [one.row["id"] for one in result.kept]
    if mixing is KEEP_ALL:
        assert len(served) <= sum(len([texts for texts in teachers if texts]) for teachers in prompts)
    else:
        assert len(served) == len(set(served))
    # whoever stands for a prompt, it is served where any teacher's answer is usable
    assert set(served) == {one.row["id"] for one in apply_filters(rows, completions, ALL, SKILL, LABELS).kept}
    counts = counts_by_teacher(result, 3)
    assert sum(found.kept for found in counts.values()) == len(result.kept)


@pytest.mark.parametrize(
    ("answer", "filters"),
    [
        (by(1, "mauve"), {}),
        (by(1, ""), {}),
        (by(1, "I can't help with that"), {}),
        (by(1, "red", finish_reason="length"), {}),
        (by(1, "", finish_reason="error:timeout"), {}),
        (by(1, "red", cumulative_logprob=-3.0), {"min_probability": 0.4}),
        (by(1, "red", "blue", "green"), {"min_agreement": 0.5}),
        ([], {}),
    ],
)
def test_unanswered_rows_are_those_without_a_kept_answer(answer: list[Completion], filters: dict[str, Any]):
    rows = [make_row("a"), make_row("b"), make_row("a")]
    answers = {"a": answer, "b": by(1, "red", cumulative_logprob=-0.1)}
    assert unanswered(rows, answers, Filters(**filters)) == ["a"]


def test_unanswered_rows_follow_the_recipes_switches():
    truncated = {"a": by(1, "red", finish_reason="length")}
    for switch, expected in ((True, ["a"]), (False, [])):
        assert unanswered([make_row("a")], truncated, Filters(truncated=switch)) == expected


def test_unanswered_rows_reference_counts_only_if_must_verify():
    rows, answers = [make_row("a", "red"), make_row("b", "red"), make_row("c")], {name: by(1, "blue") for name in "ac"}
    answers["b"] = by(1, "red")
    for must_verify, expected in ((True, ["a"]), (False, [])):
        assert unanswered(rows, answers, Filters(), must_verify=must_verify) == expected


def test_unanswered_rows_any_teachers_answer_counts():
    answers = {"a": [*by(1, "mauve"), *by(2, "red")], "b": by(1, "mauve")}
    assert unanswered([make_row("a"), make_row("b"), make_row("c")], answers) == ["b", "c"]


def test_routing_filters_keep_every_rule_of_one_answer():
    strict = Filters(min_success_ratio=1.0, near_duplicate_threshold=0.5, min_agreement=0.9, refused=False)
    rules = routing_filters(strict, must_verify=True)
    changed = {name for name in Filters.model_fields if getattr(rules, name) != getattr(strict, name)}
    assert changed == {"min_success_ratio", "near_duplicate_threshold"}
    assert "verification" in [rule.name for rule in RULES]
