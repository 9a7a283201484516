"""The roles that models play in a comparison."""

from stillhouse.evaluation.roles import ALTERNATIVES, BASELINES, STUDENTS, ModelRole
from stillhouse.reports.schema.models import Models


def test_model_role_every_role_is_an_entry_of_the_report():
    assert set(ModelRole) == set(Models.model_fields)


def test_model_role_every_role_has_labels_of_its_own():
    assert len({role.label for role in ModelRole}) == len({role.short_label for role in ModelRole}) == len(ModelRole)


def test_model_role_comparison_covers_each_measured_model_once():
    single = (ModelRole.CHAMPION, ModelRole.TEACHER, ModelRole.TEACHER_WITH_OPINION, ModelRole.BASELINE)
    grouped = [*STUDENTS, *single, *BASELINES, *ALTERNATIVES]
    assert sorted(grouped) == sorted(ModelRole)
