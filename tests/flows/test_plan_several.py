"""A plan of several teachers over an API, and the run after it: which prompts each gets, by the servers' own logs."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from stillhouse.costs.forecast import Range
from stillhouse.errors import BudgetSpent, DataError
from stillhouse.planning.tables import plan_markdown
from tests.support.api.server import Act, Received, serving
from tests.support.generation.engine_python import EnginePython
from tests.support.plan_runs import planned, within
from tests.support.planned_recipe import charged
from tests.support.two_teachers import Says, TwoTeachers, number_of, reference_of, small_knows, strong, weak

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server"), pytest.mark.timeout(300)]

FALLBACK = {"kind": "fallback"}


def charging(says: Says) -> Callable[[Received], Act]:
    return lambda received: charged(received, says(received.prompt))


@contextmanager
def serving_teachers(folder: Path, monkeypatch: pytest.MonkeyPatch, **says: Says) -> Iterator[TwoTeachers]:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    small, middle, large = (charging(says.get(name, strong)) for name in ("small", "middle", "large"))
    with serving(small) as one, serving(middle) as two, serving(large) as three:
        yield TwoTeachers(folder, {"small": one, "middle": two, "large": three}, num_messages=420)


def num_kept(run: dict[str, Any]) -> int:
    """How many answers of teachers a run kept."""
    return sum("teacher" in line for line in [*run["train"], *run["validation"]])


def part_of(found: Any, what: str) -> Any:
    """The part of a plan with that name."""
    return next(part for part in found.parts if part.what == what)


def charges(requests: list[Received], says: Says) -> int:
    """The tokens that a server charged for all it was asked."""
    usages = [json.loads(charged(one, says(one.prompt)).body)["usage"] for one in requests]
    return sum(usage["prompt_tokens"] + usage["completion_tokens"] for usage in usages)


def test_plan_of_a_fallback_probes_the_second_teacher_with_what_the_first_failed(tmp_path, monkeypatch):
    with serving_teachers(tmp_path, monkeypatch, small=weak) as teachers:
        recipe = teachers.recipe("small", "large", routing=FALLBACK)
        found = planned(recipe)
        probed = teachers.prompts_to("small")
        assert len(probed) == len(set(probed)) == 32
        assert sorted(teachers.prompts_to("large")) == sorted(message for message in probed if not small_knows(message))
        assert planned(recipe).parts == found.parts
        assert len(teachers.prompts_to("small")) == 32

        ran = teachers.run(recipe)
        after = planned(recipe)
        small, large = teachers.prompts_to("small"), teachers.prompts_to("large")
        charged_in_all = charges(teachers.servers["large"].requests, strong)

    assert len(small) == len(set(small)) > 300
    assert sorted(large) == sorted(message for message in small if not small_knows(message))
    first, first_tests, second, second_tests = found.parts
    assert [part.what for part in found.parts] == [
        *("small: prompts", "small: test rows"),
        *("large: prompts", "large: test rows"),
    ]
    # with none named both answer all test rows, which this run did not come to
    assert first_tests.missing == second_tests.missing > 0
    assert (first.requests, first.stored) == (len(small), 32)
    # what the first one fails is told by the 32, within Wilson's interval
    share = sum(not small_knows(message) for message in probed) / 32
    assert second.missing == round((len(small) - 32) * share)
    paid = second.usage.prompt_tokens + second.usage.completion_tokens
    assert within(second.remaining.tokens, charged_in_all - paid)
    each = (charged_in_all - paid) / (len(large) - second.stored)
    assert second.remaining.tokens.value / second.missing == pytest.approx(each, rel=0.1)
    assert within(found.survivors.kept, num_kept(ran))
    # the run's own answers: nothing is open, and nothing is to come
    assert [part.missing for part in after.parts if part.what.endswith("prompts")] == [0, 0]
    assert after.parts[2].usage.requests == len(large)
    assert after.survivors.kept == Range(value=num_kept(ran), low=num_kept(ran), high=num_kept(ran))


def test_plan_of_a_chain_of_three_expects_of_the_third_what_both_before_fail(tmp_path, monkeypatch):
    def half(message: str) -> str:
        return reference_of(message) if number_of(message) % 8 else "I have no idea."

    with serving_teachers(tmp_path, monkeypatch, small=weak, middle=half) as teachers:
        recipe = teachers.recipe("small", "middle", "large", routing=FALLBACK)
        found = planned(recipe)
        probed = teachers.prompts_to("small")
        both = [message for message in probed if number_of(message) % 8 == 0]
        assert sorted(teachers.prompts_to("middle")) == sorted(
            message for message in probed if not small_knows(message)
        )
        assert sorted(teachers.prompts_to("large")) == sorted(both)
        teachers.run(recipe)
        charged_in_all = charges(teachers.servers["large"].requests, strong)
    third = part_of(found, "large: prompts")
    assert both
    assert third.missing == round((found.parts[0].requests - 32) * len(both) / 32)
    assert within(third.remaining.tokens, charged_in_all - third.usage.prompt_tokens - third.usage.completion_tokens)
    assert "Wilson" in plan_markdown(found)


def test_plan_of_a_fallback_that_is_never_needed_expects_nothing_of_it_without_a_bound(tmp_path, monkeypatch):
    with serving_teachers(tmp_path, monkeypatch) as teachers:
        recipe = teachers.recipe("small", "large", routing=FALLBACK, evaluation={"teacher": "small"})
        found = planned(recipe)
        assert teachers.prompts_to("large") == []
    # the other is not asked about the test rows either
    assert [part.what for part in found.parts] == ["small: prompts", "small: test rows", "large: prompts"]
    second = found.parts[-1]
    assert (second.requests, second.missing, second.usage.requests) == (0, 0, 0)
    assert second.remaining.tokens == Range(value=0.0, low=0.0, high=None)
    assert found.tokens.value == pytest.approx(sum(part.remaining.tokens.value for part in found.parts[:2]))
    assert "| large: prompts | 0 | 0 | 0 | 0 [?] |" in plan_markdown(found)


def test_plan_of_mixed_teachers_sends_them_the_same_prompts_and_counts_votes(tmp_path, monkeypatch):
    with serving_teachers(tmp_path, monkeypatch, small=weak) as teachers:
        recipe = teachers.recipe("small", "large", mixing={"kind": "vote"})
        found = planned(recipe)
        probed = teachers.prompts_to("small")
        assert len(probed) == 32
        assert sorted(teachers.prompts_to("large")) == sorted(probed)
        ran = teachers.run(recipe)
        asked = {name: len(teachers.prompts_to(name)) for name in ("small", "large")}
    requests = {part.what: part.requests for part in found.parts}
    assert requests["small: prompts"] == asked["small"] == asked["large"] == requests["large: prompts"]
    assert found.survivors.judged == 64
    assert found.survivors.answers == 2 * asked["small"]
    # one answer a prompt is kept, and the probe says of each prompt that it is
    assert found.survivors.kept.value == num_kept(ran) == asked["small"]
    num_known = sum(small_knows(message) for message in probed)
    assert found.survivors.dropped == {"unparsable": 32 - num_known, "not_majority": num_known}


def test_plan_counts_a_prompt_once_all_its_teachers_have_completed_it(tmp_path, monkeypatch):
    with serving_teachers(tmp_path, monkeypatch, small=weak) as teachers:
        teachers.run(teachers.recipe("small"))
        found = planned(teachers.recipe("small", "large", mixing={"kind": "vote"}))
        small, large = teachers.prompts_to("small"), teachers.prompts_to("large")
    assert len(small) == len(set(small))
    assert len(set(large)) == 32
    assert set(large) < set(small)
    assert [part.missing for part in found.parts if part.what.endswith("prompts")] == [0, len(small) - 32]
    assert found.survivors.judged == 64
    assert found.survivors.kept.value == len(small)


def test_plan_of_an_engine_behind_a_teacher_over_an_api_probes_it_with_the_same_prompts(tmp_path, monkeypatch):
    engine = EnginePython(tmp_path / "engine", "here")
    monkeypatch.setenv("STILLHOUSE_ENGINE_PYTHON", str(engine.path))
    with serving_teachers(tmp_path, monkeypatch) as teachers:
        path = Path(teachers.recipe("small"))
        fields = yaml.safe_load(path.read_text())
        local = {"name": "local", "model": str(tmp_path / "teacher"), "prompt": {"layout": "text"}}
        fields["teachers"].append(local | {"engine": {"threads": 1, "segment_seconds": 0.01}})
        path.write_text(yaml.safe_dump(fields))
        found = planned(str(path))
        asked = teachers.prompts_to("small")
    assert len(asked) == len(engine.prompts) == len(set(engine.prompts)) == 32
    assert found.survivors.judged == 64
    assert [part.stored for part in found.parts] == [32, 0, 32]
    assert found.parts[0].requests == found.parts[2].requests
    assert "over an API in bytes" in plan_markdown(found)


def test_plan_of_routing_by_source_forecasts_each_teacher_on_its_own_rows(tmp_path, monkeypatch):
    routing = {"kind": "source", "column": "channel", "teachers": {"mail": "large"}}
    with serving_teachers(tmp_path, monkeypatch) as teachers:
        recipe = teachers.recipe("small", "large", routing=routing)
        found = planned(recipe)
        assert (len(teachers.prompts_to("small")), len(teachers.prompts_to("large"))) == (32, 32)
        assert {teachers.channels[message] for message in teachers.prompts_to("large")} == {"mail"}
        ran = teachers.run(recipe)
        asked = {name: len(teachers.prompts_to(name)) for name in ("small", "large")}
        in_all = charges(teachers.servers["large"].requests, strong)
    first, second = part_of(found, "small: prompts"), part_of(found, "large: prompts")
    assert (first.requests, second.requests) == (asked["small"], asked["large"])
    assert second.tokens.value == pytest.approx(in_all, rel=0.1)
    assert found.survivors.kept.value == pytest.approx(num_kept(ran))
    # the run finds who is asked what
    assert ran["cached"]["route small"]
    assert ran["cached"]["route large"]


def test_plan_of_first_verified_without_references_is_refused_as_the_run_is(tmp_path, monkeypatch):
    with serving_teachers(tmp_path, monkeypatch) as teachers:
        recipe = teachers.recipe("small", "large", gold_rows=True, routing={"kind": "first_verified"})
        messages = [json.loads(line) for line in (tmp_path / "messages.jsonl").read_text().splitlines()]
        (tmp_path / "messages.jsonl").write_text("".join(json.dumps(one | {"intent": None}) + "\n" for one in messages))
        with pytest.raises(DataError, match=r"shortlist large: routing\.kind: first_verified .* none of"):
            planned(recipe)
        assert teachers.prompts_to("large") == []


def test_probes_of_several_teachers_share_the_budget(tmp_path, monkeypatch):
    with serving_teachers(tmp_path, monkeypatch) as teachers:
        with pytest.raises(BudgetSpent, match="probe small"):
            planned(teachers.recipe("small", "large", budget={"tokens": 1}))
        assert teachers.prompts_to("small") == []
        # what the first probe takes, and not enough for one more answer
        bought = planned(teachers.recipe("small")).parts[0].usage
        tokens = bought.prompt_tokens + bought.completion_tokens + 10
        with pytest.raises(BudgetSpent, match="probe large"):
            planned(teachers.recipe("small", "large", budget={"tokens": tokens}))
        assert (len(teachers.prompts_to("small")), teachers.prompts_to("large")) == (32, [])
