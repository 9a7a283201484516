"""The plan's table of students and teachers."""

from stillhouse.planning.compatibility import COMPATIBILITY, compatibility_rows
from stillhouse.recipe.training import Training
from stillhouse.students.compatibility import ModelFacts, compare_models


def test_compatibility_rows_differing_vocabularies_show_both_sizes_and_the_verdict():
    student = ModelFacts(name="small", parameters=1_000_000, context=2048, tokens=600, vocabulary="a", template="t")
    teacher = ModelFacts(name="large", tokens=900, vocabulary="b", template="t", logits=1024)
    (row,) = compatibility_rows([compare_models(student, teacher, Training())])
    assert dict(zip(COMPATIBILITY, row, strict=True)) == {
        "student": "small",
        "teacher": "large",
        "method": "sft",
        "vocabulary": "differ: 600 / 900",
        "chat template": "same",
        "context": "2,048 / ?",
        "parameters": "1,000,000 / ?",
        "verdict": "fits",
    }
