import datetime

import pytest
from pydantic import ValidationError

from stillhouse.config import identity
from stillhouse.recipe.student import Student
from stillhouse.recipe.teacher import Teacher


@pytest.mark.parametrize("given", ["2026-11-27", datetime.date(2026, 11, 27)])
def test_template_date_with_and_without_quotes_is_the_same_day(given):
    assert Teacher(model="./t", template_date=given).template_date == "2026-11-27"


@pytest.mark.parametrize("given", ["27.11.2026", "2026-02-30", "today", 20261127, None])
def test_template_date_that_is_no_day_is_refused_with_the_form_to_write(given):
    with pytest.raises(ValidationError, match="is no date: write YYYY-MM-DD"):
        Student(model="./s", template_date=given)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"messages": []}, "messages is what each request sets itself"),
        ({"enable-thinking": False}, "'enable-thinking' can't be the name"),
        ({"today": datetime.date(2026, 11, 27)}, "an argument is text, a number"),
    ],
)
def test_chat_template_kwargs_that_no_template_can_take_are_refused(kwargs, message):
    with pytest.raises(ValidationError, match=message):
        Teacher(model="./t", chat_template_kwargs=kwargs)


def test_template_settings_enter_an_identity_only_if_set():
    assert "chat_template_kwargs" not in identity(Teacher(model="./t"))
    assert Student(model="./s").initial_identity == {"layers": 0, "chat_template": None}
    told = Student(model="./s", chat_template_kwargs={"enable_thinking": False}, template_date="2026-11-27")
    assert told.initial_identity["chat_template_kwargs"] == {"enable_thinking": False}
    assert told.initial_identity["template_date"] == "2026-11-27"
