from stillhouse.recipe.teacher import Teacher
from stillhouse.teachers.probe_result import ListedPrompt, ProbeResult
from tasks.probe_judge import stored_lines
from tests.support.builders import make_completion


def make_probe(texts: dict[str, str | None]) -> ProbeResult:
    """A probe that lists one prompt for each row, with the completion that is stored of it, if any."""
    prompts = [
        ListedPrompt((row_id,), 10, {row_id: 1}, [make_completion(text)] if text else [], is_probed=False)
        for row_id, text in texts.items()
    ]
    return ProbeResult(Teacher(model="teacher"), prompts)


def test_stored_lines_are_teacher_by_teacher_in_the_order_of_their_rows():
    # the order of the questions is that of asked.parquet, whose fingerprint stays
    lines = stored_lines([make_probe({"b": "1", "a": "2", "c": None}), make_probe({"a": "3", "b": "4", "c": "5"})])
    assert [(line["teacher_number"], line["row_id"], line["text"]) for line in lines] == [
        (1, "b", "1"),
        (1, "a", "2"),
        (2, "a", "3"),
        (2, "b", "4"),
        (2, "c", "5"),
    ]
