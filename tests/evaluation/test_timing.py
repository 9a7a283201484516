"""What each request of a timing may find cached, and in which order models are asked."""

from collections.abc import Sequence
from typing import Any

from stillhouse.evaluation.evaluated import Evaluated, Served
from stillhouse.evaluation.request_order import request_order
from stillhouse.evaluation.spec import Candidate
from stillhouse.evaluation.timing import num_timed, time_requests
from stillhouse.inference.vllm.request import Request
from stillhouse.recipe.evaluation import Evaluation

SETTINGS = Evaluation(latency_requests=50, warm_requests=10)
BLOCK = 4


class Prompter:
    """Prompts of `shared` equal tokens before a row's own."""

    decoding = None

    def __init__(self, shared: int) -> None:
        self.shared = shared

    def requests(self, rows: Sequence[int]) -> list[Request]:
        return [Request(key=str(row), token_ids=(*range(self.shared), 1000 + row)) for row in rows]

    def answer(self, reply: Any) -> str:
        return "a"


class Engine:
    """An engine that notes what it is asked, and computes nothing."""

    block_tokens = BLOCK

    def __init__(self, log: list[tuple[str, int, str]]) -> None:
        self.log, self.loaded = log, ""

    def load(self, candidate: Candidate) -> None:
        self.loaded = candidate.role

    def complete(self, requests: list[Request], decoding: Any, concurrency: int, *, cache_salt: str) -> list[Any]:
        assert concurrency == 1
        self.log.append((self.loaded, int(requests[0].key), cache_salt))
        return [None]


def served(engine: Engine, role: str, shared: int, rows: Sequence[int], path: str = "", **more: Any) -> Served:
    candidate = Candidate(role=role, path=path or role, dtype="float32", prompting="student", **more)
    prompter = Prompter(shared)
    return Served(engine, [Evaluated(candidate, prompter, prompter.requests(rows))])


def timed(num_rows: int, **shared: int) -> tuple[list[tuple[str, int, str]], dict[str, Evaluated]]:
    log: list[tuple[str, int, str]] = []
    rows = list(range(num_rows))
    groups = [served(Engine(log), role, number, rows) for role, number in shared.items()]
    time_requests(SETTINGS, groups, rows, lambda what, number: None)
    return log, {group.models[0].candidate.role: group.models[0] for group in groups}


def test_timing_models_answer_the_same_rows_in_turn():
    log, models = timed(100, teacher=0, student=0)
    assert [role for role, _, _ in log] == ["teacher", "student"] * num_timed(SETTINGS)
    assert [row for role, row, _ in log if role == "student"] == request_order(0, 60, 100)
    assert [len(model.latencies_s) for model in models.values()] == [50, 50]


def test_timing_prompts_that_share_less_than_a_block_find_nothing_cached():
    log, models = timed(100, teacher=BLOCK - 1)
    assert len({salt for _, _, salt in log}) == len(log) == 60
    assert models["teacher"].latencies_uncached_s == []


def test_timing_prompts_that_begin_alike_share_their_beginning_and_are_timed_without_it_too():
    log, models = timed(100, teacher=BLOCK)
    first, again = log[:61], log[61:]  # one request fills the cache before all others
    assert len({salt for _, _, salt in first}) == 1
    assert len({salt for _, _, salt in again} - {first[0][2]}) == 60
    assert (len(models["teacher"].latencies_s), len(models["teacher"].latencies_uncached_s)) == (50, 50)


def test_timing_row_that_comes_again_is_not_found_whole_in_the_cache():
    log, models = timed(20, teacher=BLOCK)
    for salt in {salt for _, _, salt in log}:
        asked = [row for _, row, of in log if of == salt]
        # the request that fills the cache is another row than the first that is timed
        assert asked[0] != asked[1] if len(asked) > 1 else True
        assert len(set(asked[1:])) == len(asked[1:]), "no row twice under one salt"
    assert len(models["teacher"].latencies_s) == 50


def test_timing_models_of_one_engine_take_rounds_and_keep_their_caches_apart():
    log: list[tuple[str, int, str]] = []
    rows = list(range(100))
    engine = Engine(log)
    one, two = (served(engine, role, BLOCK, rows) for role in ("student", "baseline_untrained"))
    untimed = served(engine, "student_labelled_only", 0, rows, is_timed=False)
    shared = Served(engine, [*one.models, *two.models, *untimed.models])
    time_requests(SETTINGS, [shared], rows, lambda what, number: None)
    assert [role for role, _, _ in log] == ["student"] * 121 + ["baseline_untrained"] * 121
    salts = [{salt for role, _, salt in log if role == which} for which in ("student", "baseline_untrained")]
    assert not salts[0] & salts[1], "other weights would read keys and values that are not theirs"
    assert untimed.models[0].latencies_s == []


def test_shared_tokens_is_what_all_prompts_begin_with():
    def model(*prompts: tuple[int, ...]) -> Evaluated:
        candidate = Candidate(role="teacher", path="p", dtype="float32", prompting="teacher")
        return Evaluated(candidate, None, [Request(key=str(at), token_ids=ids) for at, ids in enumerate(prompts)])

    assert model((1, 2, 3), (1, 2, 4, 5), (1, 2, 3, 9)).shared_tokens == 2
    assert model((1, 2), (1, 2, 3)).shared_tokens == 2
    assert model((5, 2), (1, 2)).shared_tokens == 0
    # one text only: a service would not be asked it twice
    assert model((1, 2), (1, 2)).shared_tokens == 0


def test_request_order_takes_distinct_rows_and_comes_back_to_them_in_laps():
    order = request_order(7, 25, 10)
    assert sorted(order[:10]) == sorted(order[10:20]) == list(range(10))
    assert order[20:] == order[:5]
    assert order != request_order(8, 25, 10)
    assert len(set(request_order(7, 10, 1000))) == 10
