"""A plan against the run it forecasts, by the endpoint's own log."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stillhouse.completions.table import completion_of, read_answers
from stillhouse.errors import BudgetSpent
from stillhouse.filters.pipeline import apply_filters
from stillhouse.planning.plan import Plan
from stillhouse.planning.tables import plan_lines, plan_markdown, plan_rows
from stillhouse.recipe.second_opinion import SecondOpinion
from stillhouse.skills.cases import read_cases
from tests.support.api.server import Act, FaultyServer, Received, Serve, serving_on_demand
from tests.support.planned_recipe import DATA, Planned, charged, needs_data

LABELS = ("billing", "delivery", "returns")
TEXT = "the red train leaves before noon while seven quiet engineers count apples under old bridges"
WORDS = TEXT.split()

CLASSIFICATION = {"kind": "classification", "labels": list(LABELS)}
QA = {"kind": "qa"}
MATH = {"kind": "math"}
SUMMARIZATION = {"kind": "summarization", "max_words": 60}


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    with serving_on_demand(tmp_path, monkeypatch) as start:
        yield start


def text(rng: random.Random, most: int) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(rng.randrange(4, most)))


def made_up(kind: str, number: int = 150) -> dict[str, str]:
    """Questions with an answer each, whose length varies, and for some kinds with the question's."""
    rng = random.Random(5)
    questions = {f"{index} {text(rng, 60)}": index for index in range(number)}
    answers = {
        # one in ten says something else, which the filters drop
        "classification": lambda question: rng.choice(LABELS) if rng.random() < 0.9 else "I cannot tell.",
        "qa": lambda question: text(rng, 9),
        "math": lambda question: f"{text(rng, 40)}.\n#### {rng.randrange(999)}",
        "summarization": lambda question: question[: max(20, len(question) // 3)] + ".",
    }
    return {question: answers[kind](question) for question in questions}


def real(kind: str, number: int = 400) -> dict[str, str]:
    """The same out of public data: recorded answers, with the lengths that they really have."""
    name, question, reply = {
        "classification": ("intent_banking77/train.jsonl", "text", "label"),
        "math": ("math_gsm8k/train.jsonl", "question", "answer"),
        "summarization": ("summarisation_scitldr/train.jsonl", "document", "summary"),
    }[kind]
    lines = [json.loads(line) for line in (DATA / name).read_text().split("\n") if line]
    random.Random(1).shuffle(lines)
    found = {}
    for line in lines:
        answer = line.get(reply) or line.get("target") or line.get("summaries")
        found[line[question]] = answer if isinstance(answer, str) else answer[0]
        if len(found) == number:
            return found
    return found


def answering(known: dict[str, str]) -> Callable[[Received], Act]:
    def act(received: Received) -> Act:
        asked = received.prompt.removeprefix("test: ")
        return charged(received, known.get(asked) or next(reply for q, reply in known.items() if q in asked))

    return act


def survivors_of(planned: Planned) -> int:
    """What the filters really keep, of the whole table that the run wrote."""
    lines = read_answers(planned.folder / "run" / "completions.parquet")
    completions = {row_id: [completion_of(line) for line in found] for row_id, found in lines.items()}
    filters = planned.recipe.filters.model_copy(update={"min_success_ratio": 0.0})
    rows = [read_cases(planned.folder / f"{name}.parquet", planned.recipe.skill) for name in ("train", "validation")]
    return sum(
        len(apply_filters(side, completions, filters, planned.recipe.skill, planned.labels).kept) for side in rows
    )


def check(planned: Planned, server: FaultyServer) -> dict[str, float]:
    """Plan, run, compare; return how far the forecast was off."""
    plan = planned.plan(planned.probe())
    (lessons, *_) = plan.parts
    assert len(server.requests) == 32 == lessons.stored == plan.probe["generated"]
    summary, bought = planned.run()
    assert summary["sent"] == lessons.missing
    # the answers of the probe were not bought again
    assert max(Counter(str(body["messages"]) for body in server.bodies()).values()) == 1
    usd = bought.prompt_tokens * 2e-6 + bought.completion_tokens * 8e-6
    assert lessons.tokens is not None
    assert lessons.usd is not None
    assert plan.survivors.kept is not None
    return {
        "tokens": lessons.tokens.value / (bought.prompt_tokens + bought.completion_tokens) - 1,
        "usd": lessons.usd.value / usd - 1,
        "to come": lessons.remaining.tokens.value / (summary["prompt_tokens"] + summary["completion_tokens"]) - 1,
        "kept": plan.survivors.kept.value / survivors_of(planned) - 1,
    }


@pytest.mark.parametrize("skill", [CLASSIFICATION, QA, MATH, SUMMARIZATION], ids=lambda skill: skill["kind"])
def test_make_plan_made_up_completions_is_within_a_tenth_of_the_run(tmp_path, serve, skill):
    known = made_up(skill["kind"])
    server = serve(answering(known))
    teacher = {"sampling": {"max_tokens": 200}, "output": {"kind": "free"}}
    off = check(Planned(tmp_path, skill, list(known), teacher), server)
    assert all(abs(error) < 0.1 for error in off.values()), off


@pytest.mark.slow
@needs_data
@pytest.mark.parametrize("skill", [CLASSIFICATION, MATH, SUMMARIZATION], ids=lambda skill: skill["kind"])
def test_make_plan_real_lengths_is_within_a_tenth_of_the_run(tmp_path, serve, skill):
    known = real(skill["kind"])
    if skill["kind"] == "classification":
        skill = skill | {"labels": sorted(set(known.values()))}
    server = serve(answering(known))
    teacher = {"sampling": {"max_tokens": 400}, "output": {"kind": "free"}}
    off = check(Planned(tmp_path, skill, list(known), teacher), server)
    assert all(abs(error) < 0.1 for error in (off["tokens"], off["usd"], off["to come"])), off


def planned(folder: Path, num_rows: int = 120, **more: Any) -> tuple[Planned, dict[str, str]]:
    known = made_up("qa", num_rows)
    return Planned(folder, QA, list(known), **more), known


def test_make_plan_again_sends_nothing_and_is_equal(tmp_path, serve):
    made, known = planned(tmp_path)
    server = serve(answering(known))
    summary = made.probe()
    first, again = made.plan(summary), made.plan(summary)
    assert first == again
    assert len(server.requests) == 32


def test_make_plan_after_the_run_is_exact(tmp_path, serve):
    made, known = planned(tmp_path)
    serve(answering(known))
    summary = made.probe()
    _, bought = made.run()
    plan = made.plan(summary)
    (lessons,) = plan.parts
    tokens = bought.prompt_tokens + bought.completion_tokens
    assert (plan.requests, plan.tokens.value, plan.usd.value) == (0, 0.0, 0.0)
    assert (lessons.tokens.low, lessons.tokens.value, lessons.tokens.high) == (tokens, tokens, tokens)
    assert plan.survivors.kept.low == plan.survivors.kept.high == survivors_of(made)


def test_make_plan_equal_prompts_count_once_and_every_rollout(tmp_path, serve):
    known = made_up("math", 60)
    questions = [*known, *list(known)[:10]]
    server = serve(answering(known))
    teacher = {"sampling": {"n": 3, "temperature": 0.7, "max_tokens": 200}, "output": {"kind": "free"}}
    made = Planned(tmp_path, MATH, questions, teacher)
    plan = made.plan(made.probe())
    (lessons,) = plan.parts
    assert (lessons.requests, lessons.stored, lessons.missing) == (180, 96, 84)
    assert plan.survivors.answers == 210
    summary, bought = made.run()
    assert summary["sent"] == 84
    assert lessons.tokens.value == pytest.approx(bought.prompt_tokens + bought.completion_tokens, rel=0.1)
    assert len(server.requests) == 180


def test_probe_again_chooses_the_same_random_rows(tmp_path, serve):
    made, known = planned(tmp_path, 400)
    server = serve(answering(known))
    made.probe()
    numbers = sorted(int(request.prompt.split()[0]) for request in server.requests)
    # not the first 32 rows: spread over all of them (a mean of 32 numbers below 400: 200 +- 20)
    assert 140 < sum(numbers) / 32 < 260
    other = tmp_path / "other"
    other.mkdir()
    elsewhere = Planned(other, QA, list(known))
    before = len(server.requests)
    elsewhere.probe()
    assert sorted(int(request.prompt.split()[0]) for request in server.requests[before:]) == numbers


def test_probe_few_rows_asks_all(tmp_path, serve):
    made, known = planned(tmp_path, 20)
    serve(answering(known))
    plan = made.plan(made.probe())
    assert (plan.requests, plan.parts[0].stored) == (0, 20)


def test_make_plan_api_teacher_counts_its_test_rows(tmp_path, serve):
    made, known = planned(tmp_path, num_test=50)
    server = serve(answering(known))
    plan = made.plan(made.probe())
    lessons, tests = plan.parts
    assert (tests.what, tests.requests, tests.stored, tests.missing) == ("teacher: test rows", 50, 0, 50)
    assert plan.requests == 88 + 50
    assert len(server.requests) == 32
    # 50 rows like the 88: within a fifth of as much for each
    assert tests.remaining.tokens.value / 50 == pytest.approx(lessons.remaining.tokens.value / 88, rel=0.2)
    assert plan.tokens.value == pytest.approx(lessons.remaining.tokens.value + tests.remaining.tokens.value)


def test_make_plan_budget_has_a_verdict_per_limit(tmp_path, serve):
    made, known = planned(tmp_path, parts={"budget": {"tokens": 10**7, "usd": 0.001, "hours": 1.0}})
    # the probe itself keeps to the budget
    serve(answering(known))
    with pytest.raises(BudgetSpent):
        made.probe()
    verdicts = {}
    other = tmp_path / "other"
    other.mkdir()
    for tokens in (10**7, 6000):
        made, _ = planned(other, parts={"budget": {"tokens": tokens, "hours": 1.0}})
        plan = made.plan(made.probe())
        verdicts[tokens] = {limit.name: limit.verdict for limit in plan.budget}
    assert verdicts[10**7] == {"budget.tokens": "suffices", "budget.hours": "suffices"}
    assert verdicts[6000]["budget.tokens"] == "will be passed"


def test_make_plan_without_a_price_has_no_cost(tmp_path, serve):
    made, known = planned(tmp_path, teacher={"price": None})
    serve(answering(known))
    plan = made.plan(made.probe())
    assert plan.usd is None
    assert plan.tokens is not None
    assert plan_rows(plan)[0][-2] == "not known"
    assert "price: not known" in " ".join(plan_lines(plan))


def test_plan_read_back_is_equal_and_shows_its_ranges(tmp_path, serve):
    made, known = planned(tmp_path, num_test=5)
    serve(answering(known))
    plan = made.plan(made.probe())
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
    shown = plan_markdown(plan)
    assert "| teacher: prompts | 120 | 32 | 88 |" in shown
    assert "| still to come |" in shown
    assert plan.tokens.low < plan.tokens.value < plan.tokens.high
    assert f"{plan.tokens.low:,.0f}" in shown


@pytest.mark.parametrize(
    ("skill", "wanted", "said"), [(CLASSIFICATION, True, True), (CLASSIFICATION, False, False), (QA, True, False)]
)
def test_make_plan_names_the_regressions_that_take_time_and_no_request(tmp_path, serve, skill, wanted, said):
    known = made_up(skill["kind"], 40)
    made = Planned(tmp_path, skill, list(known), parts={"evaluation": {"no_teacher_alternatives": wanted}})
    serve(answering(known))
    lines = " ".join(plan_lines(made.plan(made.probe())))
    assert ("alternatives and label_curve request nothing" in lines) == said


@pytest.mark.parametrize("asked", [True, False])
def test_make_plan_with_a_second_opinion_says_that_what_is_kept_goes_by_the_teacher(tmp_path, serve, asked):
    made, known = planned(tmp_path)
    serve(answering(known))
    summary = made.probe()
    made.recipe = made.recipe.model_copy(update={"second_opinion": SecondOpinion() if asked else None})
    assert ("by the teacher alone" in " ".join(plan_lines(made.plan(summary)))) == asked


def test_make_plan_slow_minute_limit_sets_the_time(tmp_path, serve):
    made, known = planned(tmp_path)
    serve(answering(known))
    summary = made.probe()
    quick = made.plan(summary).seconds
    limited = made.recipe.teachers[0].endpoint.model_copy(update={"requests_per_minute": 44})
    made.recipe = made.recipe.model_copy(
        update={"teachers": (made.recipe.teacher.model_copy(update={"endpoint": limited}),)}
    )
    assert quick.value < 60
    # 88 requests at 44 a minute
    assert made.plan(summary).seconds.value == pytest.approx(120.0)
