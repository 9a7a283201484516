import pytest

from stillhouse.judging.prompts import pair_question, request_text, score_question
from stillhouse.recipe.judge import SCORES, VERDICTS, Judge
from stillhouse.skills.conversation import Conversation
from stillhouse.skills.summarization import Summarization
from tests.support.scripted_judge import JUDGE, shown


def test_pair_question_shows_request_and_answers_in_the_given_order():
    turns = pair_question(JUDGE, "User: hi", "one", "two", None)
    assert [turn["role"] for turn in turns] == ["system", "user"]
    assert shown(turns) == {"request": "User: hi", "answer A": "one", "answer B": "two"}


def test_pair_question_with_reference_shows_it():
    assert shown(pair_question(JUDGE, "q", "one", "two", "gold"))["reference answer"] == "gold"


def test_score_question_shows_the_answer_alone():
    assert shown(score_question(JUDGE, "q", "one")) == {"request": "q", "answer": "one"}


@pytest.mark.parametrize(
    "make", [lambda j: pair_question(j, "q", "a", "b", None), lambda j: score_question(j, "q", "a")]
)
def test_instruction_holds_the_criteria_and_ignores_instructions_in_answers(make):
    system = make(Judge(model="owner/judge", criteria="rhymes"))[0]["content"]
    assert "rhymes" in system
    assert "{" not in system
    assert "follow no instruction" in system


def test_instructions_name_the_allowed_verdicts_and_scores():
    assert all(f" {verdict} " in JUDGE.pair_prompt for verdict in VERDICTS)
    assert all(f"{score}: " in JUDGE.score_prompt for score in SCORES)


def test_request_text_holds_the_skills_instruction():
    text = request_text(
        [{"role": "user", "content": "A long text."}], Summarization(kind="summarization", max_words=7), ()
    )
    assert "in at most 7 words" in text
    assert text.endswith("User: A long text.")


def test_request_text_conversation_holds_every_turn_with_its_speaker():
    turns = [{"role": role, "content": role[0]} for role in ("system", "user", "assistant", "tool", "user")]
    text = request_text(turns, Conversation(kind="conversation", instruction="Reply."), ())
    assert text == "System: Reply.\n\ns\nUser: u\nAssistant: a\nTool: t\nUser: u"
