import copy
from typing import Any

import pytest

from stillhouse.errors import ModelError
from stillhouse.evaluation.roles import ModelRole
from stillhouse.recipe.engine import Engine
from stillhouse.reports.schema.report import Report
from stillhouse.serving.record import RECORD, read_record, serving_record, write_record
from tests.support.served import record
from tests.support.served_report import LABELS, report_fields


def report(**changes: Any) -> Report:
    return Report.model_validate(report_fields() | changes)


def test_record_says_how_the_compared_student_was_asked_and_how_sure_it_is():
    found = serving_record(report())
    assert (found.model, found.role, found.kind) == ("tickets", ModelRole.STUDENT, "causal_lm")
    assert (found.labels, found.skill.student_instruction) == (LABELS, "Sort it.")
    assert (found.temperature, found.threshold) == (1.7, 0.42)
    assert (found.max_prompt_chars, found.max_tokens, found.dtype) == (900, 24, "float32")
    assert found.engine == Engine(kv_cache_gib=0.5)
    assert found.teacher.model == "second"


def test_record_of_another_student_has_its_own_kind_and_certainty():
    found = serving_record(report(), ModelRole.STUDENT_2)
    assert (found.kind, found.temperature, found.threshold) == ("encoder", 0.8, None)


def test_record_takes_the_labels_of_the_rows_where_the_recipe_names_none():
    fields = report_fields()
    fields["recipe"]["skill"]["labels"] = []
    size = len(LABELS)
    square = [[1] * size + [1] for _ in LABELS] + [[0] * (size + 1)]
    fields["confusion"] = {"labels": [*LABELS, "unparsable"], "matrix": square}
    assert serving_record(Report.model_validate(fields)).labels == LABELS
    # a label of that name has rows of its own
    named = copy.deepcopy(fields)
    named["confusion"]["matrix"][-1] = [1] * (size + 1)
    assert serving_record(Report.model_validate(named)).labels == (*LABELS, "unparsable")


def test_record_of_a_student_that_was_not_measured_is_refused():
    with pytest.raises(ModelError, match="measured no student_4"):
        serving_record(report(), ModelRole.STUDENT_4)


def test_record_of_a_report_of_another_version_is_refused_with_what_to_do():
    fields = report_fields()
    del fields["recipe"]["evaluation"]
    with pytest.raises(ModelError, match=r"does not say how its student is asked \(KeyError.*Run its recipe again"):
        serving_record(Report.model_validate(fields))


def test_record_travels_with_a_folder(tmp_path):
    write_record(tmp_path, record())
    assert read_record(tmp_path) == record()


def test_record_of_a_pulled_folder_is_made_of_its_runs_report(tmp_path):
    (tmp_path / "origin").mkdir()
    (tmp_path / "origin" / "report.json").write_text(report().model_dump_json(by_alias=True))
    assert read_record(tmp_path) == serving_record(report())


def test_folder_without_a_record_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(ModelError, match="stillhouse models pull"):
        read_record(tmp_path)
    (tmp_path / RECORD).write_text('{"schema_version": 9}')
    with pytest.raises(ModelError, match="can't be read by this version"):
        read_record(tmp_path)
