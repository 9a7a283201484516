"""No parser ever sees reasoning: what the filters keep is the answer behind it."""

import pytest

from stillhouse.completions.completion import without_reasoning
from stillhouse.completions.table import FREE_TEXT, completion_of, line_of
from stillhouse.filters.pipeline import apply_filters
from stillhouse.filters.settings import Filters
from stillhouse.skills.classification import Classification
from stillhouse.skills.conversation import Conversation
from stillhouse.skills.math import Math
from stillhouse.skills.nli import Nli
from stillhouse.skills.qa import Qa
from stillhouse.skills.summarization import Summarization
from tests.support.builders import make_completion, make_row

SKILLS = {
    "qa": (Qa(kind="qa"), "Paris"),
    "summarization": (Summarization(kind="summarization"), "Paris is the capital."),
    "conversation": (Conversation(kind="conversation"), "It is Paris."),
    "classification": (Classification(labels=("Paris", "Rome")), "Paris"),
    "nli": (Nli(kind="nli"), "entailment"),
    "math": (Math(kind="math"), "#### 7"),
}
FORMS = {
    "block": "<think>\nRome? Lyon? Answer: Rome\n#### 3\n</think>\n\n{}",
    "empty block": "<think>\n\n</think>\n\n{}",
    "closing mark alone": "Rome? So it must be that.\n#### 3\n</think>\n\n{}",
    "channels": "<|channel|>analysis<|message|>Rome?<|end|><|start|>assistant<|channel|>final<|message|>{}<|return|>",
    "bare channels": "analysisRome?assistantfinal{}",
    "Magistral": "[THINK]Rome? #### 3[/THINK]{}",
}


def kept(skill, text, reason="stop"):
    made = make_completion(text, reason)
    # as a generation passes it on: out of the store, into the table, to the filters
    line = line_of(without_reasoning(made), FREE_TEXT) | {"teacher": "t"}
    labels = getattr(skill, "labels", ()) or skill.known_labels
    result = apply_filters([make_row("r")], {"r": [completion_of(line)]}, Filters(min_success_ratio=0.0), skill, labels)
    return [one.target for one in result.kept], result


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", SKILLS)
def test_apply_filters_answer_behind_reasoning_is_kept_as_the_answer_alone_would_be(kind, form):
    skill, answer = SKILLS[kind]
    alone, _ = kept(skill, answer)
    found, _ = kept(skill, FORMS[form].format(answer))
    assert found == alone
    assert len(found) == 1


@pytest.mark.parametrize("reason", ["length", "stop"])
@pytest.mark.parametrize("kind", SKILLS)
def test_apply_filters_reasoning_that_never_ended_is_no_answer(kind, reason):
    found, _ = kept(SKILLS[kind][0], "<think>\nParis? entailment? #### 7 Paris", reason)
    assert found == []
