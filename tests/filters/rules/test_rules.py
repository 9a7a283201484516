import pytest

from stillhouse.completions.completion import Completion
from stillhouse.errors import RecipeError
from stillhouse.filters.candidate import Candidate
from stillhouse.filters.rules import (
    agreement,
    confidence,
    empty,
    failed,
    language,
    near_duplicate,
    refusal,
    repetitive,
    truncated,
    unparsable,
    verification,
)
from stillhouse.recipe.filters import Filters

DEFAULT = Filters()


def sample(
    text: str = "some text",
    finish_reason: str = "stop",
    logprob: float | None = None,
    answer: str | None = None,
    agrees: bool | None = None,
    is_prose: bool = True,
) -> Candidate:
    completion = Completion(
        key="k",
        text=text,
        finish_reason=finish_reason,
        prompt_tokens=3,
        completion_tokens=2,
        cumulative_logprob=logprob,
        seconds=0.1,
        teacher="t",
        created="2026-01-01T00:00:00Z",
    )
    return Candidate({"id": "1", "references": ["gold", "au"]}, completion, answer, agrees, is_prose)


def test_failed_error_is_dropped_whatever_the_filters_say():
    off = Filters(truncated=False, empty=False, refused=False, repetitive=False, unparsable=False, verification=False)
    assert failed.rule(sample(finish_reason="error:timeout"), off) == "error:timeout"
    assert failed.rule(sample(), off) is None


def test_truncated_drops_length_only_and_only_when_on():
    assert truncated.rule(sample(finish_reason="length"), DEFAULT) == "cut off after 2 tokens"
    assert truncated.rule(sample(finish_reason="stop"), DEFAULT) is None
    assert truncated.rule(sample(finish_reason="length"), Filters(truncated=False)) is None


@pytest.mark.parametrize(("text", "dropped"), [("", True), (" \n\t", True), ("0", False), ("?", False)])
def test_empty_drops_blank_text(text, dropped):
    assert (empty.rule(sample(text), DEFAULT) is not None) == dropped
    assert empty.rule(sample(text), Filters(empty=False)) is None


@pytest.mark.parametrize(
    "text",
    [
        "I can't help with that.",
        "I’m sorry, but I can’t assist with this request.",
        "Sorry. I cannot provide that information.",
        "As an AI language model, I do not have opinions; I am not a person.",
        "I'm unable to answer.",
        "Unfortunately, I must decline.",
        "I apologize, but I am not able to discuss this.",
    ],
)
def test_refused_drops_a_refusing_opening(text):
    assert refusal.rule(sample(text), DEFAULT)
    assert refusal.rule(sample(text), Filters(refused=False)) is None
    assert refusal.rule(sample(text, is_prose=False), DEFAULT) is None


@pytest.mark.parametrize(
    "text",
    [
        "The customer says: I can't help but wonder where my card is.",
        "Sorry to hear that. Your card is on its way.",
        "I can help with that.",
        "Press the button. If it fails, write that you cannot complete the form.",
        "I am happy to assist.",
    ],
)
def test_refused_keeps_answers_that_only_speak_of_it(text):
    assert refusal.rule(sample(text), DEFAULT) is None


def test_repetitive_share_is_that_of_repeated_three_word_sequences():
    # a b c a b c: abc bca cab abc -> 1 of 4 stands earlier
    assert repetitive.repeated_share("a b c A, b c.") == pytest.approx(1 / 4)
    assert repetitive.repeated_share("no no") == 0.0
    assert repetitive.repeated_share("one two three four") == 0.0


def test_repetitive_bound_is_the_recipes():
    assert repetitive.rule(sample("go on " * 20), DEFAULT) == "95% of its 3-word sequences are repeats"
    assert repetitive.rule(sample("a b c a b c"), DEFAULT) is None
    assert repetitive.rule(sample("a b c a b c"), Filters(max_repetition=0.2)) is not None
    assert repetitive.rule(sample("go on " * 20), Filters(repetitive=False)) is None


def test_language_drops_other_languages_and_keeps_short_or_unnamed_ones():
    english = Filters(languages=("en",))
    german = "Ich möchte bitte meine verlorene Karte sperren lassen."
    assert language.rule(sample(german), english) == "language is de"
    assert language.rule(sample(german), Filters(languages=("en", "de"))) is None
    assert language.rule(sample(german), DEFAULT) is None
    assert language.rule(sample("I would like to block my lost card, please."), english) is None
    assert language.rule(sample("Karte bitte sperren"), english) is None
    assert language.rule(sample("1 2 3 4 5"), english) is None
    assert language.rule(sample(german, is_prose=False), english) is None


def test_language_unknown_code_is_refused_by_name():
    with pytest.raises(RecipeError, match=r"filters\.languages holds english; known"):
        language.rule(sample("four words are enough"), Filters(languages=("english",)))


def test_unparsable_drops_where_no_answer_was_read():
    assert unparsable.rule(sample(answer=None), DEFAULT)
    assert unparsable.rule(sample(answer="gold"), DEFAULT) is None
    assert unparsable.rule(sample(answer=None), Filters(unparsable=False)) is None


def test_verification_drops_contradiction_only():
    assert verification.rule(sample(answer="x", agrees=False), DEFAULT) == "answered x, the reference is gold or au"
    assert verification.rule(sample(answer="gold", agrees=True), DEFAULT) is None
    assert verification.rule(sample(answer="x", agrees=None), DEFAULT) is None
    assert verification.rule(sample(answer="x", agrees=False), Filters(verification=False)) is None


def test_confidence_bound_is_on_the_mean_a_token():
    bound = Filters(min_mean_logprob=-0.5)
    assert confidence.rule(sample(logprob=-1.0), bound) is None  # 2 tokens: -0.5 each
    assert confidence.rule(sample(logprob=-1.2), bound) == "mean log-probability -0.600 is below -0.5"
    assert confidence.rule(sample(logprob=None), bound) == "its log-probability is not known"
    assert confidence.rule(sample(logprob=-99.0), DEFAULT) is None


def test_agreement_counts_votes_among_all_answered_samples():
    half = Filters(min_agreement=0.5)
    assert agreement.rule(["a", "a", "b"], 4, half) is None
    assert agreement.rule(["a", "a", "b"], 5, half) == "2 of 5 samples agree, 50% must"
    assert agreement.rule(["a", "b"], 9, DEFAULT) is None
    assert agreement.rule([], 3, half) is None


def test_agreement_majority_tie_goes_to_the_first_given():
    assert agreement.majority(["b", "a", "a", "b"]) == "b"
    assert agreement.majority(["b", "a", "a"]) == "a"


def test_near_duplicate_drops_the_later_of_two_long_near_equal_answers():
    first = "the card is on its way and will arrive by monday"
    near = "The card is on its way, and will arrive by friday!"  # 10 of 12 words shared
    far = "we have sent the refund to the account you paid from"
    assert near_duplicate.rules([first, near, far, first], Filters(near_duplicate_threshold=0.8)) == [
        None,
        "word-set Jaccard 0.83 with an earlier answer",
        None,
        "word-set Jaccard 1.00 with an earlier answer",
    ]
    assert near_duplicate.rules([first, near], Filters(near_duplicate_threshold=0.9)) == [None, None]
    assert near_duplicate.rules([first, first], DEFAULT) == [None, None]


def test_near_duplicate_short_answers_may_be_alike():
    assert near_duplicate.rules(["yes it is"] * 3, Filters(near_duplicate_threshold=0.5)) == [None] * 3
