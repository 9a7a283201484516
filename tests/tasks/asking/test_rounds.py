"""Rounds on a scripted teacher: what it is asked by its server's own log, and what is asked once."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from stillhouse.errors import BudgetSpent, ServiceError
from tests.support.api.server import failure, serving
from tests.support.asked_rounds import asking_in_rounds
from tests.support.encoder import write_encoder
from tests.support.two_teachers import Says, TwoTeachers, scripted, small_knows, strong, weak

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

# each answer takes 13 tokens, of which 2 are written
TOKENS = 13


@contextmanager
def serving_teacher(folder: Path, monkeypatch: pytest.MonkeyPatch, says: Says) -> Iterator[TwoTeachers]:
    for name, value in {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("STILLHOUSE_STORE", str(folder / "store"))
    with serving(scripted(says)) as server:
        yield TwoTeachers(folder, {"small": server})


def recipe_of(teachers: TwoTeachers, folder: Path, rounds: dict[str, Any], **parts: Any) -> str:
    encoder = folder / "encoder"
    if not encoder.exists():
        write_encoder(encoder)
    own = {"first": 0.4, "prompts_per_round": 8, "min_gain": None, **rounds}
    evaluation = {"encoder": {"model": str(encoder)}, "no_teacher_alternatives": False}
    path = Path(teachers.recipe("small", rounds=own, evaluation=evaluation, **parts))
    fields = yaml.safe_load(path.read_text())
    fields["teachers"][0]["sampling"] = {"max_tokens": 8}
    path.write_text(yaml.safe_dump(fields))
    return str(path)


def test_rounds_ask_each_prompt_once_and_a_second_run_asks_nothing(tmp_path, monkeypatch):
    with serving_teacher(tmp_path, monkeypatch, strong) as teachers:
        recipe = recipe_of(teachers, tmp_path, {"count": 3})
        found = asking_in_rounds(recipe)
        asked = teachers.prompts_to("small")
        again = asking_in_rounds(recipe)
        assert teachers.prompts_to("small") == asked
    first, *later = found["rounds"]["rounds"]
    assert len(later) == 2, found["rounds"]["stopped"]
    assert [one["prompts"] for one in later] == [8, 8]
    assert [one["left"] for one in found["rounds"]["rounds"]] == [first["left"], first["left"] - 8, first["left"] - 16]
    assert len(asked) == len(set(asked)) == sum(one["requests"] for one in found["rounds"]["rounds"])
    assert found["tokens"] == TOKENS * len(asked)
    assert found["generation"]["generated"] == len(asked)
    assert found["rounds"]["stopped"] == "rounds.count is 3"
    # nothing is said of prompts that nobody asked about
    assert not found["dropped"]
    # beside the labelled rows
    assert len(set(found["train"]) & set(asked)) == first["prompts"] + 16
    assert all(again["cached"].values())
    assert again["fingerprints"] == found["fingerprints"]
    assert again["rounds"] == found["rounds"]
    assert again["generation"]["generated"] == 0
    for one in later:
        assert one["gain"]["low"] <= one["gain"]["value"] <= one["gain"]["high"]
        assert one["points_per_thousand_requests"] == pytest.approx(100 * one["gain"]["value"] / 0.008)


def test_rounds_ask_failed_prompts_again_with_more_samples(tmp_path, monkeypatch):
    with serving_teacher(tmp_path, monkeypatch, weak) as teachers:
        rounds = {"count": 3, "samples_where_failed": 3, "failed_temperature": 0.5}
        found = asking_in_rounds(recipe_of(teachers, tmp_path, rounds, filters={"min_success_ratio": 0.0}))
        times = Counter(teachers.prompts_to("small"))
        hot = {one.prompt for one in teachers.servers["small"].requests if one.body.get("temperature") == 0.5}
    _, second, third = found["rounds"]["rounds"]
    assert hot == {message for message, number in times.items() if number == 4}
    assert all(not small_knows(message) for message in hot)
    # once each: what failed twice is given up
    assert set(times.values()) == {1, 4}
    assert second["again"] + third["again"] == 3 * len(hot) > 0
    assert second["requests"] == 8 + second["again"]


def test_rounds_end_within_the_budget_with_what_was_answered(tmp_path, monkeypatch):
    with serving_teacher(tmp_path, monkeypatch, strong) as teachers:
        whole = asking_in_rounds(recipe_of(teachers, tmp_path, {"count": 3}))
        first, *_ = whole["rounds"]["rounds"]
        num_all = len(teachers.prompts_to("small"))

        # a few of the second round: a request is sent if it fits with all that it might take, at first about 100
        own = tmp_path / "own"
        monkeypatch.setenv("STILLHOUSE_STORE", str(own))
        enough = TOKENS * first["requests"] + 140
        limits = {"budget": {"tokens": enough * 2}}
        recipe = recipe_of(teachers, tmp_path, {"count": 3, "share_of_budget": 0.5}, **limits)
        cut = asking_in_rounds(recipe)
        num_cut = len(teachers.prompts_to("small")) - num_all
        one, last = cut["rounds"]["rounds"]
        assert one == first
        assert last["cut_by_budget"]
        assert 0 < last["prompts"] < 8
        assert cut["rounds"]["stopped"] == "the budget for rounds was spent"
        assert num_cut == first["requests"] + last["prompts"]
        assert cut["tokens"] <= enough
        assert len(whole["train"]) - len(cut["train"]) == 16 - last["prompts"]

        # a greater budget goes on, and comes to the same as if it had been there at first
        more = recipe_of(teachers, tmp_path, {"count": 3, "share_of_budget": 0.5}, budget={"tokens": 10**6})
        finished = asking_in_rounds(more)
        assert finished["rounds"] == whole["rounds"]
        assert finished["fingerprints"]["filter"] == whole["fingerprints"]["filter"]
        assert len(teachers.prompts_to("small")) == 2 * num_all


def test_rounds_with_a_budget_too_small_for_the_first_say_so(tmp_path, monkeypatch):
    with serving_teacher(tmp_path, monkeypatch, strong) as teachers:
        recipe = recipe_of(teachers, tmp_path, {"count": 2}, budget={"tokens": 200})
        with pytest.raises(BudgetSpent, match="the budget allows no further request"):
            asking_in_rounds(recipe)


def test_rounds_that_end_between_two_go_on_without_asking_again(tmp_path, monkeypatch):
    with serving_teacher(tmp_path, monkeypatch, strong) as teachers:
        recipe = recipe_of(teachers, tmp_path, {"count": 3})
        server, plan = teachers.servers["small"], teachers.servers["small"].plan
        num_first = 0

        def dies_in_the_second(received: Any) -> Any:
            nonlocal num_first
            num_first += 1
            return plan(received) if num_first <= LIMIT else failure(401, "no such key")

        LIMIT = 24
        server.plan = dies_in_the_second
        with pytest.raises(ServiceError, match="no such key"):
            asking_in_rounds(recipe)
        answered = {one.prompt for one in server.requests[:LIMIT]}
        refused = len(server.requests)
        server.plan = plan
        found = asking_in_rounds(recipe)
        assert answered.isdisjoint(one.prompt for one in server.requests[refused:])
    assert len(answered) + len(server.requests[refused:]) == sum(one["requests"] for one in found["rounds"]["rounds"])


def test_rounds_stop_after_one_that_brings_nothing(tmp_path, monkeypatch):
    with serving_teacher(tmp_path, monkeypatch, strong) as teachers:
        found = asking_in_rounds(recipe_of(teachers, tmp_path, {"count": 4, "min_gain": 99_999.0}))
        assert len(teachers.prompts_to("small")) == sum(one["requests"] for one in found["rounds"]["rounds"])
    assert len(found["rounds"]["rounds"]) == 2
    assert "no more than rounds.min_gain: 99999" in found["rounds"]["stopped"]
