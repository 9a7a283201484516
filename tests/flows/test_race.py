"""Races between scripted teachers and prompts: who wins, what is asked, and what is never asked twice."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flows.race import race
from stillhouse.errors import DataError
from stillhouse.racing.summary import RaceReport
from tests.support.api.server import answer, serving
from tests.support.race import race_recipe, wrong_on
from tests.support.two_teachers import TwoTeachers, scripted

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server"), pytest.mark.timeout(300)]
SMALL_SLICES = {"first_prompts": 60, "prompts": 180, "filters": []}


@contextmanager
def teachers_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwoTeachers]:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    with serving(scripted(wrong_on(0.6))) as small, serving(scripted(wrong_on(0.05))) as large:
        yield TwoTeachers(folder, {"small": small, "large": large})


def test_race_of_two_teachers_finds_the_better_one_and_asks_each_prompt_once(tmp_path, monkeypatch):
    with teachers_of(tmp_path, monkeypatch) as teachers:
        recipe = race_recipe(teachers, tmp_path, SMALL_SLICES, "small", "large")
        plan = race(recipe, only_plan=True)["plan"]
        assert teachers.prompts_to("small") == teachers.prompts_to("large") == []
        found = RaceReport.model_validate(race(recipe)["report"])
        asked = {name: teachers.prompts_to(name) for name in ("small", "large")}
        race(recipe)
        later = race(recipe, only_plan=True)["plan"]
        assert {name: teachers.prompts_to(name) for name in asked} == asked
    assert found.winner == "large"
    assert "large makes the best student" in found.conclusion or "large is left" in found.conclusion
    # the first slice tells them apart, so the second is never asked
    assert len(found.rounds) == 1
    assert all(len(prompts) == len(set(prompts)) == 60 for prompts in asked.values())
    assert set(asked["small"]) == set(asked["large"])
    best, other = found.rounds[0].standings
    assert best.quality.value > 0.8 > other.quality.value
    assert other.behind is not None
    assert other.behind.high < 0
    assert (other.is_out, other.spent.requests, other.spent.asked_now) == (True, 60, 60)
    assert any("2 contestants, 60 prompts each (60 of them new), at most 120 requests" in line for line in plan)
    assert "of large's 180 requests for the last round the store holds 0" in plan
    assert "of large's 180 requests for the last round the store holds 60" in later
    pages = list((tmp_path / "places" / "store" / "races").glob("*/race.*"))
    assert sorted(page.suffix for page in pages) == [".html", ".html", ".json", ".json"]
    html = next(page for page in pages if page.suffix == ".html").read_text()
    assert found.conclusion in html


def test_race_of_two_prompts_finds_the_one_that_the_teacher_understands(tmp_path, monkeypatch):
    understands, guesses = wrong_on(0.0), wrong_on(0.7)

    def says(received):
        return answer((understands if "Answer carefully" in json.dumps(received.body) else guesses)(received.prompt))

    contestants = [
        {"name": "plain", "prompt": {"system": "Say one word."}},
        {"name": "careful", "prompt": {"system": "Answer carefully."}},
    ]
    with teachers_of(tmp_path, monkeypatch) as teachers:
        teachers.servers["large"].plan = says
        recipe = race_recipe(teachers, tmp_path, SMALL_SLICES | {"contestants": contestants}, "large")
        found = RaceReport.model_validate(race(recipe)["report"])
        assert teachers.prompts_to("small") == []
    assert found.winner == "careful"
    assert found.rounds[0].standings[0].quality.value > 0.9


def test_race_by_tokens_gives_the_costly_contestant_fewer_prompts(tmp_path, monkeypatch):
    contestants = [
        {"name": "short", "teacher": "large"},
        {"name": "long", "teacher": "large", "prompt": {"system": "Read this with care. " * 40}},
    ]
    budget = {"equal": "tokens", "tokens": 4000, "contestants": contestants}
    with teachers_of(tmp_path, monkeypatch) as teachers:
        recipe = race_recipe(teachers, tmp_path, SMALL_SLICES | budget | {"first_prompts": 180}, "small", "large")
        found = RaceReport.model_validate(race(recipe)["report"])
    spent = {one.contestant: one.spent for one in found.rounds[-1].standings}
    assert spent["long"].prompts <= spent["short"].prompts
    assert all(one.tokens <= 4000 * 1.2 or one.prompts == 32 for one in spent.values())


def test_race_without_labelled_validation_rows_is_refused(tmp_path, monkeypatch):
    with teachers_of(tmp_path, monkeypatch) as teachers:
        recipe = race_recipe(teachers, tmp_path, SMALL_SLICES, "small", "large")
        overrides = {"data.validation": None, "data.validation_fraction": 0.2}
        with pytest.raises(DataError, match=r"0 of \d+ validation rows have a reference.*data\.validation"):
            race(recipe, overrides=overrides)
        assert teachers.prompts_to("small") == []


def test_filter_that_drops_wrong_labels_earns_and_idle_ones_are_named(tmp_path, monkeypatch):
    with serving(scripted(wrong_on(0.35))) as server:
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.setenv(name, "127.0.0.1")
        teachers = TwoTeachers(tmp_path, {"only": server})
        section = {"prompts": 200, "first_prompts": 200, "filters": ["verification", "truncated"]}
        # the verifier compares the teacher's answer with the message's own label
        recipe = race_recipe(teachers, tmp_path, section, "only", gold_rows=True)
        found = RaceReport.model_validate(race(recipe)["report"])
        assert len(teachers.prompts_to("only")) == 200
    useful, idle = sorted(found.filters, key=lambda one: one.worth is None)
    assert (useful.name, useful.verdict) == ("verification", "earns")
    assert useful.worth is not None
    assert useful.worth.low > 0
    assert 40 < useful.dropped < 100
    assert (idle.name, idle.verdict) == ("truncated", "drops_nothing")
    assert found.filter_conclusion == "Earns its place: verification; earns nothing: truncated."
    assert "One contestant" in found.conclusion
