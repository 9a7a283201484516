"""A plan of a recipe whose judge chooses the training examples, and the run after it, by the server's own log."""

import json
import zlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from stillhouse.costs.forecast import Range
from stillhouse.errors import BudgetSpent
from stillhouse.planning.tables import plan_markdown
from tests.support.api.requests import KEY
from tests.support.api.server import Act, FaultyServer, Received, serving
from tests.support.generation.engine_python import EnginePython
from tests.support.judged_recipe import prompts_to, scoring, write_judged_recipe, write_local_model
from tests.support.paths import ROOT
from tests.support.plan_runs import planned, within
from tests.support.planned_recipe import charged
from tests.support.scripted_judge import shown

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server"), pytest.mark.timeout(300)]

GOOD = {"min_success_ratio": 0.0, "min_judge_score": 3}
PLACES = ("pool", "ferry", "north car park", "tourist office", "gym", "museum of the sea", "hotel", "night train")


@pytest.fixture(autouse=True)
def _environment(tmp_path, monkeypatch):
    for name, value in {"OPENAI_API_KEY": KEY, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("STILLHOUSE_STORE", str(tmp_path / "store"))


def number_of(text: str) -> int:
    return zlib.crc32(text.encode())


def good_and_poor(received: Received) -> Act:
    """A teacher of whose answers two in three are good, the longer the prompt the longer; and a judge that knows."""
    if received.body["model"] == "the-judge":
        return charged(
            received, '{"answer": "1"}' if "poor" in shown(received.body["messages"])["answer"] else '{"answer": "4"}'
        )
    asked = received.prompt
    number = number_of(asked)
    words = " ".join(f"word{(number + at) % 977}" for at in range(len(asked) // 8 + number % 5))
    return charged(received, f"A {'good' if number % 3 else 'poor'} answer to {number}: {words}.")


def written(
    folder: Path, address: str, num_rows: int = 150, judge: dict[str, Any] | None = None, **changes: Any
) -> str:
    """Write a recipe with that many dialogues; return its path."""
    rows = [
        {
            "id": f"d{at}",
            "messages": [
                {"role": "user", "content": f"Tell me about the {PLACES[at % 8]} {'please ' * (at % 23)}{at}"}
            ],
        }
        for at in range(num_rows)
    ]
    (folder / "train.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    path = Path(
        write_judged_recipe(
            folder, address, {"against": [], "accept_terms": "openai", **(judge or {})}, **{"filters": GOOD, **changes}
        )
    )
    fields = yaml.safe_load(path.read_text())
    fields["data"]["train"]["path"] = str(folder / "train.jsonl")
    fields["data"]["validation_fraction"] = 0.1
    path.write_text(yaml.safe_dump(fields))
    return str(path)


def charges(server: FaultyServer, model: str) -> int:
    """The tokens that the server charged for all that this model was asked."""
    usages = [json.loads(good_and_poor(one).body)["usage"] for one in server.requests if one.body["model"] == model]
    return sum(usage["prompt_tokens"] + usage["completion_tokens"] for usage in usages)


def test_plan_scores_the_probes_completions_and_forecasts_cost_and_kept_of_all_scores(tmp_path):
    with serving(good_and_poor) as server:
        recipe = written(tmp_path, server.address)
        found = planned(recipe)
        taught, judged = prompts_to(server, "the-teacher"), prompts_to(server, "the-judge")
        assert len(taught) == len(set(taught)) == len(judged) == len(set(judged)) == 32
        assert planned(recipe).parts == found.parts
        assert len(server.requests) == 64

        ran = scoring(recipe)
        after = planned(recipe)
        judged = prompts_to(server, "the-judge")
        in_all = charges(server, "the-judge")
    # the probe's questions are not sent again, and none is after the run
    assert len(judged) == len(set(judged)) == ran["judge"]["requests"] == len(set(prompts_to(server, "the-teacher")))
    part = found.parts[-1]
    assert [one.what for one in found.parts] == ["teacher: prompts", "teacher: test rows", "judge: scores"]
    assert (part.requests, part.stored, part.missing) == (len(judged), 32, len(judged) - 32)
    assert part.tokens.value == pytest.approx(in_all, rel=0.1)
    assert within(part.tokens, in_all)
    assert found.survivors.judged == 32
    assert set(found.survivors.dropped) == {"judge"}
    assert within(found.survivors.kept, ran["filter"]["kept"])
    assert found.requests == sum(one.missing for one in found.parts)
    assert after.parts[-1].missing == 0
    assert after.parts[-1].usage.requests == len(judged)
    assert after.survivors.kept == Range(**dict.fromkeys(("value", "low", "high"), ran["filter"]["kept"]))


def test_plan_of_a_judge_added_after_generation_scores_a_few_completions(tmp_path):
    with serving(good_and_poor) as server:
        scoring(written(tmp_path, server.address, filters={"min_success_ratio": 0.0}, judge={"against": ["teacher"]}))
        assert prompts_to(server, "the-judge") == []
        num_taught = len(prompts_to(server, "the-teacher"))
        recipe = written(tmp_path, server.address)
        found = planned(recipe)
        assert (len(prompts_to(server, "the-teacher")), len(prompts_to(server, "the-judge"))) == (num_taught, 32)
        ran = scoring(recipe)
        judged = prompts_to(server, "the-judge")
        in_all = charges(server, "the-judge")
    assert len(judged) == len(set(judged)) == num_taught
    part = found.parts[-1]
    assert (part.stored, part.missing) == (32, num_taught - 32)
    assert part.tokens.value == pytest.approx(in_all, rel=0.1)
    assert (found.survivors.judged, found.survivors.answers) == (32, num_taught)
    assert within(found.survivors.kept, ran["filter"]["kept"])


def test_plan_of_a_fallback_expects_a_score_for_each_completion_of_both_teachers(tmp_path):
    def refusing(received: Received) -> Act:
        if received.body["model"] == "the-teacher" and number_of(received.prompt) % 2:
            return charged(received, "I'm sorry, but I can't help with that.")
        return good_and_poor(received)

    with serving(refusing) as server:
        path = Path(written(tmp_path, server.address, routing={"kind": "fallback"}))
        fields = yaml.safe_load(path.read_text())
        first = fields["teachers"][0] | {"name": "first"}
        fields["teachers"] = [first, first | {"name": "second", "model": "another-teacher"}]
        path.write_text(yaml.safe_dump(fields))
        found = planned(str(path))
        num_first, num_second = (len(prompts_to(server, name)) for name in ("the-teacher", "another-teacher"))
        assert num_first == 32
        assert 0 < num_second < 32
        judged = prompts_to(server, "the-judge")
        assert len(judged) == len(set(judged)) == num_first + num_second

        ran = scoring(str(path))
        judged = prompts_to(server, "the-judge")
        in_all = charges(server, "the-judge")
    assert len(judged) == len(set(judged)) == ran["judge"]["requests"]
    parts = {one.what: one for one in found.parts}
    scores = parts["judge: scores"]
    assert scores.stored == num_first + num_second
    assert scores.requests == parts["first: prompts"].requests + parts["second: prompts"].requests
    assert within(scores.tokens, in_all)
    assert within(found.survivors.kept, ran["filter"]["kept"])


def test_plan_expects_no_score_of_completions_that_an_endpoints_content_filter_cut_off(tmp_path):
    def cautious(received: Received) -> Act:
        said = good_and_poor(received)
        if received.body["model"] == "the-judge" or number_of(received.prompt) % 4:
            return said
        body = json.loads(said.body)
        body["choices"][0]["finish_reason"] = "content_filter"
        return Act(body=json.dumps(body).encode())

    with serving(cautious) as server:
        recipe = written(tmp_path, server.address)
        found = planned(recipe)
        num_asked = len(prompts_to(server, "the-judge"))
        ran = scoring(recipe)
    lessons, _, scores = found.parts
    assert 16 < num_asked < 32
    assert (scores.stored, scores.missing) == (num_asked, round(lessons.missing * num_asked / 32))
    assert scores.requests == pytest.approx(ran["judge"]["requests"], rel=0.2)
    assert found.survivors.kept.value == pytest.approx(ran["filter"]["kept"], rel=0.3)


def test_plan_of_the_best_by_the_judge_keeps_the_better_completion_of_each_prompt(tmp_path):
    def rivals(received: Received) -> Act:
        if received.body["model"] == "another-teacher":
            return charged(received, f"A good answer of another kind to {number_of(received.prompt)}.")
        return good_and_poor(received)

    with serving(rivals) as server:
        path = Path(written(tmp_path, server.address, filters={**GOOD, "near_duplicate_threshold": 1.0}))
        fields = yaml.safe_load(path.read_text())
        fields["mixing"] = {"kind": "best", "by": "judge"}
        first = fields["teachers"][0] | {"name": "first"}
        fields["teachers"] = [first, first | {"name": "second", "model": "another-teacher"}]
        path.write_text(yaml.safe_dump(fields))
        found = planned(str(path))
        assert len(prompts_to(server, "the-judge")) == 64
        probed = [one.prompt for one in server.requests if one.body["model"] == "the-teacher"]
        num_taught = found.parts[0].requests
    num_poor = sum(number_of(message) % 3 == 0 for message in probed)
    assert found.survivors.dropped == {"judge": num_poor, "not_best": 32 - num_poor}
    assert found.survivors.kept.value == num_taught
    assert found.survivors.judged == 64


def test_plan_of_rows_that_all_have_a_reply_sends_no_request(tmp_path):
    with serving(good_and_poor) as server:
        recipe = written(tmp_path, server.address)
        rows = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().splitlines()]
        replies = [{"role": "assistant", "content": f"As recorded, number {at}."} for at in range(len(rows))]
        said = [one | {"messages": [*one["messages"], reply]} for one, reply in zip(rows, replies, strict=True)]
        (tmp_path / "train.jsonl").write_text("".join(json.dumps(one) + "\n" for one in said))
        found = planned(recipe)
        assert server.requests == []
    scores = found.parts[-1]
    assert (scores.what, scores.requests) == ("judge: scores", 0)
    assert scores.remaining.tokens == Range(value=0.0, low=0.0, high=0.0)
    assert found.survivors.answers == 0


def test_plan_of_a_judge_that_only_evaluates_sends_it_nothing_and_says_so(tmp_path):
    with serving(good_and_poor) as server:
        found = planned(
            written(tmp_path, server.address, judge={"against": ["teacher"]}, filters={"min_success_ratio": 0.0})
        )
        assert prompts_to(server, "the-judge") == []
    assert [one.what for one in found.parts] == ["teacher: prompts", "teacher: test rows"]
    assert "Questions to the judge about test rows are not forecast" in plan_markdown(found)


def test_probe_of_a_judge_shares_the_budget_with_the_teachers(tmp_path):
    with serving(good_and_poor) as server:
        measures = {"judge": {"against": ["teacher"]}, "filters": {"min_success_ratio": 0.0}}
        bought = planned(written(tmp_path, server.address, **measures)).parts[0].usage
        tokens = bought.prompt_tokens + bought.completion_tokens + 10
        with pytest.raises(BudgetSpent, match="probe judge"):
            planned(written(tmp_path, server.address, budget={"tokens": tokens}))
        assert prompts_to(server, "the-judge") == []


def test_plan_of_a_judge_on_a_local_engine_counts_its_prompts_in_tokens(tmp_path, monkeypatch):
    engine = EnginePython(tmp_path / "engine", "engine")
    monkeypatch.setenv("STILLHOUSE_ENGINE_PYTHON", str(engine.path))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with serving(good_and_poor) as server:
        recipe = written(tmp_path, server.address, judge={"model": write_local_model(tmp_path), "endpoint": None})
        found = planned(recipe)
        assert len(engine.prompts) == len(set(engine.prompts)) == 32
        ran = scoring(recipe)
    part = found.parts[-1]
    assert len(engine.prompts) == len(set(engine.prompts)) == ran["judge"]["requests"] == part.requests
    took = ran["judge"]["bought"]
    assert part.tokens.value == pytest.approx(took["prompt_tokens"] + took["completion_tokens"], rel=0.1)
    assert within(found.survivors.kept, ran["filter"]["kept"])
