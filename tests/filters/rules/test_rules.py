import math

import pytest

from stillhouse.errors import RecipeError
from stillhouse.filters.candidate import Candidate
from stillhouse.filters.rules.agreement import Agreement, majority
from stillhouse.filters.rules.confidence import Confidence
from stillhouse.filters.rules.empty import Empty
from stillhouse.filters.rules.failed import Failed
from stillhouse.filters.rules.language import Language
from stillhouse.filters.rules.near_duplicate import NearDuplicate
from stillhouse.filters.rules.refusal import Refusal
from stillhouse.filters.rules.repetitive import Repetitive, repeated_share
from stillhouse.filters.rules.truncated import Truncated
from stillhouse.filters.rules.unparsable import Unparsable
from stillhouse.filters.rules.verification import Verification
from tests.support.builders import make_candidate, make_completion, make_row


def test_failed_error_is_dropped_and_has_no_setting():
    assert Failed().objection(make_candidate(finish_reason="error:timeout")) == "error:timeout"
    assert Failed().objection(make_candidate()) is None
    assert not Failed.model_fields


def test_truncated_drops_length_only_and_only_when_on():
    assert Truncated().objection(make_candidate(finish_reason="length")) == "cut off after 2 tokens"
    assert Truncated().objection(make_candidate(finish_reason="stop")) is None
    assert Truncated(truncated=False).objection(make_candidate(finish_reason="length")) is None


@pytest.mark.parametrize(("text", "dropped"), [("", True), (" \n\t", True), ("0", False), ("?", False)])
def test_empty_drops_blank_text(text, dropped):
    assert (Empty().objection(make_candidate(text)) is not None) == dropped
    assert Empty(empty=False).objection(make_candidate(text)) is None


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
def test_refusal_drops_a_refusing_opening(text):
    assert Refusal().objection(make_candidate(text))
    assert Refusal(refused=False).objection(make_candidate(text)) is None
    assert Refusal().objection(make_candidate(text, is_prose=False)) is None


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
def test_refusal_keeps_completions_that_only_mention_refusing(text):
    assert Refusal().objection(make_candidate(text)) is None


def test_repetitive_share_is_that_of_repeated_three_word_sequences():
    # a b c a b c: abc bca cab abc -> 1 of 4 stands earlier
    assert repeated_share("a b c A, b c.") == pytest.approx(1 / 4)
    assert repeated_share("no no") == 0.0
    assert repeated_share("one two three four") == 0.0


def test_repetitive_bound_is_the_recipes():
    assert Repetitive().objection(make_candidate("go on " * 20)) == "95% of its 3-word sequences are repeats"
    assert Repetitive().objection(make_candidate("a b c a b c")) is None
    assert Repetitive(max_repetition=0.2).objection(make_candidate("a b c a b c")) is not None
    assert Repetitive(repetitive=False).objection(make_candidate("go on " * 20)) is None


def test_language_drops_other_languages_and_keeps_short_or_unnamed_ones():
    german = "Ich möchte bitte meine verlorene Karte sperren lassen."
    assert Language(languages=("en",)).objection(make_candidate(german)) == "language is de"
    assert Language(languages=("en", "de")).objection(make_candidate(german)) is None
    assert Language().objection(make_candidate(german)) is None
    assert Language(languages=("en",)).objection(make_candidate("I would like to block my lost card, please.")) is None
    assert Language(languages=("en",)).objection(make_candidate("Karte bitte sperren")) is None
    assert Language(languages=("en",)).objection(make_candidate("1 2 3 4 5")) is None
    assert Language(languages=("en",)).objection(make_candidate(german, is_prose=False)) is None


def test_language_unknown_code_is_refused_by_name():
    with pytest.raises(RecipeError, match=r"filters\.languages holds english; known"):
        Language(languages=("english",)).objection(make_candidate("four words are enough"))


def test_unparsable_drops_text_without_a_readable_answer():
    assert Unparsable().objection(make_candidate(answer=None))
    assert Unparsable().objection(make_candidate(answer="gold")) is None
    assert Unparsable(unparsable=False).objection(make_candidate(answer=None)) is None


def test_verification_drops_contradiction_only():
    assert (
        Verification().objection(make_candidate(answer="x", agrees=False)) == "answered x, the reference is gold or au"
    )
    assert Verification().objection(make_candidate(answer="gold", agrees=True)) is None
    assert Verification().objection(make_candidate(answer="x", agrees=None)) is None
    assert Verification(verification=False).objection(make_candidate(answer="x", agrees=False)) is None


def test_confidence_bound_is_on_the_mean_a_token():
    rule = Confidence(min_mean_logprob=-0.5)
    assert rule.objection(make_candidate(logprob=-1.0)) is None  # 2 tokens: -0.5 each
    assert rule.objection(make_candidate(logprob=-1.2)) == "mean log-probability -0.600 is below -0.5"
    assert rule.objection(make_candidate(logprob=None)) == "its log-probability is not known"
    assert Confidence().objection(make_candidate(logprob=-99.0)) is None


def test_confidence_bound_of_a_closed_answer_is_on_the_probability_of_all_its_tokens():
    rule = Confidence(min_probability=0.5, min_mean_logprob=-0.01)
    one, five = make_completion("pet", completion_tokens=1), make_completion("car insurance", completion_tokens=5)
    for completion in (one, five):
        for probability, objection in ((0.5, None), (0.499, "probability 0.499 is below 0.5")):
            scored = completion.model_copy(update={"cumulative_logprob": math.log(probability) + 1e-12})
            assert rule.objection(Candidate(make_row("1"), scored, "x", None, False, is_closed=True)) == objection
    assert rule.objection(make_candidate(is_closed=True)) == "its log-probability is not known"
    assert Confidence(min_mean_logprob=-0.1).objection(make_candidate(logprob=-9.0, is_closed=True)) is None
    assert Confidence(min_probability=0.9).objection(make_candidate(logprob=-9.0)) is None


def test_agreement_share_is_of_all_answered_rollouts():
    half = Agreement(min_agreement=0.5)
    assert half.objection(["a", "a", "b"], 4) is None
    assert half.objection(["a", "a", "b"], 5) == "2 of 5 samples agree, 50% must"
    assert Agreement().objection(["a", "b"], 9) is None
    assert half.objection([], 3) is None


def test_agreement_majority_tie_goes_to_the_first_given():
    assert majority(["b", "a", "a", "b"]) == "b"
    assert majority(["b", "a", "a"]) == "a"


def test_near_duplicate_drops_the_later_of_two_long_near_equal_answers():
    first = "the card is on its way and will arrive by monday"
    near = "The card is on its way, and will arrive by friday!"  # 10 of 12 words shared
    far = "we have sent the refund to the account you paid from"
    assert NearDuplicate(near_duplicate_threshold=0.8).objections([first, near, far, first]) == [
        None,
        "word-set Jaccard 0.83 with an earlier answer",
        None,
        "word-set Jaccard 1.00 with an earlier answer",
    ]
    assert NearDuplicate(near_duplicate_threshold=0.9).objections([first, near]) == [None, None]
    assert NearDuplicate().objections([first, first]) == [None, None]


def test_near_duplicate_short_equal_answers_are_kept():
    assert NearDuplicate(near_duplicate_threshold=0.5).objections(["yes it is"] * 3) == [None] * 3
