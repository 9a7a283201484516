import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhouse.errors import QualityError
from stillhouse.filters.outcome import undecided_counts
from stillhouse.filters.pipeline import apply_filters
from stillhouse.filters.settings import Filters
from stillhouse.skills.classification import Classification
from stillhouse.skills.conversation import Conversation
from tests.support.builders import make_completion, make_row

LABELS = ("red", "green", "blue")
SKILL = Classification(labels=LABELS)
ALL = Filters(min_success_ratio=0.0)


def answers(result) -> dict[str, str]:
    return {one.row["id"]: one.target for one in result.kept}


@pytest.mark.pitfall("none rows")
def test_apply_filters_keeps_parsed_answer_and_names_each_drop():
    rows = [make_row("a"), make_row("b", "red"), make_row("c"), make_row("d"), make_row("e")]
    completions = {
        "a": [make_completion("Red.")],
        "b": [make_completion("blue")],
        "c": [make_completion("gre", "length")],
        "d": [make_completion("", "error:engine")],
        "e": [make_completion("I can't help with that")],
    }
    result = apply_filters(rows, completions, ALL, SKILL, LABELS)
    assert answers(result) == {"a": "red"}
    assert result.kept[0].completion is completions["a"][0]
    assert {drop.row["id"]: drop.reason for drop in result.dropped} == {
        "b": "verification",
        "c": "truncated",
        "d": "failed",
        "e": "refused",
    }
    assert result.dropped[0].line() == {
        "id": "b",
        "sample_index": 0,
        "key": "key of blue",
        "text": "blue",
        "answer": "blue",
        "finish_reason": "stop",
        "reason": "verification",
        "detail": "answered blue, the reference is red",
    }
    assert result.counts == {"verification": 1, "truncated": 1, "failed": 1, "refused": 1}


def test_apply_filters_first_objecting_rule_names_the_reason():
    result = apply_filters([make_row("a")], {"a": [make_completion("  ", "length")]}, ALL, SKILL, LABELS)
    assert result.counts == {"truncated": 1}
    result = apply_filters(
        [make_row("a")],
        {"a": [make_completion("  ", "length")]},
        ALL.model_copy(update={"truncated": False}),
        SKILL,
        LABELS,
    )
    assert result.counts == {"empty": 1}


def test_apply_filters_several_rollouts_keep_most_confident_of_majority():
    rollouts = [
        make_completion("blue", cumulative_logprob=-0.1),
        make_completion("red", cumulative_logprob=-2.0),
        make_completion("red", cumulative_logprob=-1.0),
        make_completion("red"),
    ]
    result = apply_filters([make_row("a")], {"a": rollouts}, ALL, SKILL, LABELS)
    assert answers(result) == {"a": "red"}
    assert result.kept[0].completion is rollouts[2]
    assert result.counts == {"not_majority": 3}
    assert result.num_in == 4


def test_apply_filters_agreement_below_bound_drops_every_rollout():
    rollouts = {
        "a": [
            make_completion("red"),
            make_completion("red"),
            make_completion("nonsense"),
            make_completion("blue"),
            make_completion("", "error:timeout"),
        ]
    }
    # 2 of the 4 that were answered
    assert answers(apply_filters([make_row("a")], rollouts, Filters(min_agreement=0.5), SKILL, LABELS)) == {"a": "red"}
    result = apply_filters([make_row("a")], rollouts, Filters(min_agreement=0.6, min_success_ratio=0.0), SKILL, LABELS)
    assert not result.kept
    assert result.counts == {"agreement": 3, "unparsable": 1, "failed": 1}


def test_apply_filters_confidence_judges_the_vote_winner():
    filters = Filters(min_probability=0.6, min_success_ratio=0.0)
    rollouts = {
        "a": [make_completion("red", cumulative_logprob=-0.7)],
        "b": [make_completion("red", cumulative_logprob=-0.3), make_completion("red", cumulative_logprob=-0.9)],
    }
    result = apply_filters([make_row("a"), make_row("b")], rollouts, filters, SKILL, LABELS)
    assert answers(result) == {"b": "red"}
    assert result.counts == {"confidence": 1, "not_majority": 1}


@pytest.mark.pitfall("none rows")
def test_apply_filters_prompt_without_completion_counts_as_failed():
    result = apply_filters([make_row("a"), make_row("b")], {"a": [make_completion("red")]}, Filters(), SKILL, LABELS)
    assert result.counts == {"failed": 1}
    assert result.num_in == 2


def test_apply_filters_row_repeated_by_balancing_is_kept_each_time():
    result = apply_filters([make_row("a"), make_row("a")], {"a": [make_completion("red")]}, Filters(), SKILL, LABELS)
    assert len(result.kept) == 2


@pytest.mark.pitfall("none rows")
def test_apply_filters_below_success_ratio_fails_with_counts_and_next_step():
    rows = [make_row("a"), make_row("b"), make_row("c"), make_row("d")]
    completions = {
        "a": [make_completion("red")],
        "b": [make_completion("x", "length")],
        "c": [make_completion("y", "length")],
        "d": [make_completion("z")],
    }
    with pytest.raises(QualityError, match=r"1 of 4 prompts \(25%\).*50%.*truncated 2, unparsable 1.*max_tokens"):
        apply_filters(rows, completions, Filters(), SKILL, LABELS)
    assert apply_filters(rows, completions, Filters(min_success_ratio=0.25), SKILL, LABELS).kept


def test_apply_filters_success_ratio_is_over_prompts_not_rollouts():
    rollouts = {"a": [make_completion("red"), make_completion("x"), make_completion("y"), make_completion("z")]}
    assert answers(apply_filters([make_row("a")], rollouts, Filters(min_success_ratio=1.0), SKILL, LABELS)) == {
        "a": "red"
    }


def test_apply_filters_no_rows_is_an_empty_result():
    assert apply_filters([], {}, Filters(), SKILL, LABELS).num_in == 0


def test_apply_filters_unparsable_off_keeps_the_text():
    filters = Filters(unparsable=False)
    assert answers(apply_filters([make_row("a")], {"a": [make_completion(" mauve ")]}, filters, SKILL, LABELS)) == {
        "a": "mauve"
    }


def test_apply_filters_labels_are_not_judged_as_prose():
    label = "i cannot complete my order"
    skill = Classification(labels=(label, "la la la la la la"))
    completions = {"a": [make_completion(label)], "b": [make_completion("la la la la la la")]}
    result = apply_filters([make_row("a"), make_row("b")], completions, Filters(languages=("de",)), skill, skill.labels)
    assert len(result.kept) == 2


def test_apply_filters_near_duplicates_drop_free_answers_and_warn_for_labels(caplog):
    text = "the card is on its way and will be with you soon"
    filters = Filters(near_duplicate_threshold=0.9)
    with caplog.at_level(logging.WARNING):
        apply_filters([make_row("a")], {"a": [make_completion("red")]}, filters, SKILL, LABELS)
    assert "near_duplicate_threshold has no effect" in caplog.text
    free = Conversation(kind="conversation")
    completions = {"a": [make_completion(text), make_completion("another")], "b": [make_completion(text)]}
    result = apply_filters([make_row("a"), make_row("b")], completions, filters, free, ())
    assert [one.target for one in result.kept] == [text, "another"]
    assert result.counts == {"near_duplicate": 1}
    strict = filters.model_copy(update={"min_success_ratio": 0.75})
    with pytest.raises(QualityError, match="1 of 2 prompts"):
        apply_filters([make_row("a"), make_row("b")], completions, strict, free, ())


CALL = '<tool_call>\n{{"name": "send", "arguments": {{"text": "{}", "to": "a b c d e f g h i j"}}}}\n</tool_call>'


@pytest.mark.parametrize(
    "text",
    [
        CALL.format("Ich kann Ihnen dabei leider nicht helfen, es geht nicht und es wird nie gehen"),
        CALL.format("la la la la la la la la la la la la la la la la la la la la"),
        "[TOOL_CALLS]" + '[{"name": "send", "arguments": {"text": "' + "la la la la la la " * 4 + '"}}]',
    ],
)
def test_apply_filters_answers_that_are_only_calls_are_not_judged_as_prose(text):
    skill = Conversation(kind="conversation")
    completions = {"a": [make_completion(text)], "b": [make_completion(text.replace("send", "mail"))]}
    filters = Filters(languages=("en",), near_duplicate_threshold=0.5)
    result = apply_filters([make_row("a"), make_row("b")], completions, filters, skill, ())
    assert (len(result.kept), result.counts) == (2, {})
    assert undecided_counts(result.kept, filters) == {}


def test_apply_filters_words_beside_calls_are_judged_without_them():
    skill = Conversation(kind="conversation")
    call = CALL.format("la la la la la la la la la la la la la la la la la la la la")
    said = {
        "a": f"I will look it up for you.\n{call}",
        "b": f"I can't help with that.\n{call}",
        "c": f"Ich werde das jetzt gleich für Sie nachsehen.\n{call}",
        "d": f"one two three one two three one two three one two three\n{CALL.format('x')}",
    }
    completions = {name: [make_completion(text)] for name, text in said.items()}
    filters = Filters(languages=("en",), min_success_ratio=0.0)
    result = apply_filters([make_row(name) for name in said], completions, filters, skill, ())
    assert {drop.row["id"]: drop.reason for drop in result.dropped} == {
        "b": "refused",
        "c": "language",
        "d": "repetitive",
    }


texts = st.sampled_from(["red", "green", "Blue!", "", "mauve", "I can't help with that", "x x x x x x"])
some = st.lists(
    st.builds(
        make_completion, texts, st.sampled_from(["stop", "length", "error:x"]), cumulative_logprob=st.floats(-3, 0)
    ),
    max_size=5,
)


@given(st.lists(some, max_size=6), st.floats(0, 1), st.booleans())
def test_apply_filters_every_completion_is_kept_or_dropped_once(per_prompt, min_agreement, has_reference):
    rows = [make_row(str(i), *["red"] * has_reference) for i in range(len(per_prompt))]
    filters = Filters(min_agreement=min_agreement, min_probability=0.14, min_success_ratio=0.0)
    result = apply_filters(rows, {str(i): one for i, one in enumerate(per_prompt)}, filters, SKILL, LABELS)
    assert len(result.kept) + len(result.dropped) == sum(max(1, len(one)) for one in per_prompt)
    assert sum(result.counts.values()) == len(result.dropped)
    assert len(answers(result)) == len(result.kept)
    assert all(one.target in LABELS for one in result.kept)
