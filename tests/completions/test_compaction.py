import random
import threading
from pathlib import Path

import pytest

from stillhouse.artifacts.store import Store, StoreConfig
from stillhouse.completions.compaction import compact, teachers_of
from stillhouse.completions.completion import Completion
from stillhouse.completions.store import CompletionStore
from stillhouse.errors import StoreError
from tests.support.builders import TEACHER, make_completion
from tests.support.completion_segments import count_stored, look_up, segments_of


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(StoreConfig(url=str(tmp_path / "store")))


@pytest.fixture
def completions(store: Store) -> CompletionStore:
    """Twenty segments in which most keys come several times, with more and fewer logprobs and failures among them."""
    made = CompletionStore(store, TEACHER)
    random_number = random.Random(0)
    for segment in range(20):
        k = random_number.choice([0, 0, 2, 5])
        reasons = ["stop", "stop", "length", "error:timeout"]
        answers = [
            make_completion(f"{segment}.{n}", random_number.choice(reasons), key=f"k{random_number.randrange(60)}")
            for n in range(4)
        ]
        made.append(answers, logprobs=k)
    return made


KEYS = [f"k{n}" for n in range(61)]


def served(completions: CompletionStore) -> list[dict[str, Completion]]:
    return [look_up(completions, KEYS, k) for k in (0, 1, 2, 3, 5)]


def test_compact_serves_every_request_with_the_same_completion(store: Store, completions: CompletionStore) -> None:
    before, stored = served(completions), count_stored(store)
    assert all(before)

    done = compact(store, TEACHER)

    assert served(completions) == before
    assert (done.segments_before, done.segments_after) == (20, 1) == (20, len(segments_of(store)))
    assert stored - done.repeated == count_stored(store)
    assert done.repeated > 10
    again = compact(store, TEACHER)
    assert (again.segments_before, again.segments_after, again.repeated) == (1, 1, 0)


def test_compact_leaves_large_segments_and_the_order_around_them(store: Store, completions: CompletionStore) -> None:
    large = [make_completion("large", key=key) for key in KEYS * 40]
    completions.append(large, logprobs=0)
    completions.append([make_completion("late", key="k60")], logprobs=0)
    completions.append([make_completion("later", key="k60")], logprobs=3)
    before = served(completions)
    (name,) = [
        path for path in segments_of(store) if path.stat().st_size == max(p.stat().st_size for p in segments_of(store))
    ]

    compact(store, TEACHER, target_bytes=60_000)

    assert name.exists()
    assert 3 <= len(segments_of(store)) < 10
    assert segments_of(store).index(name) == len(segments_of(store)) - 2
    assert served(completions) == before


@pytest.mark.parametrize("call", [1, 2, 17])
def test_compact_that_is_killed_loses_nothing_and_is_finished_by_the_next(
    store: Store, completions: CompletionStore, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    before = served(completions)
    delete, calls = Store.delete, []

    def dying(self: Store, key: str) -> None:
        calls.append(key)
        if len(calls) == call:
            raise KeyboardInterrupt
        delete(self, key)

    monkeypatch.setattr(Store, "delete", dying)
    with pytest.raises(KeyboardInterrupt):
        compact(store, TEACHER)
    monkeypatch.setattr(Store, "delete", delete)

    assert served(completions) == before
    compact(store, TEACHER)
    assert len(segments_of(store)) == 1
    assert served(completions) == before


def test_compact_during_a_lookup_changes_no_result(store: Store, completions: CompletionStore) -> None:
    before = look_up(completions, KEYS, 0)
    answers = completions.stream(KEYS, 0)
    found = [next(answers)]

    compact(store, TEACHER)

    found += answers
    assert {answer.key: answer for answer in found} == before
    assert len(found) == len(before)


def test_compact_by_three_at_once_serves_every_request_as_before(store: Store, completions: CompletionStore) -> None:
    before = served(completions)
    start = threading.Barrier(3)

    def join() -> None:
        start.wait()
        compact(Store(store.config), TEACHER)

    threads = [threading.Thread(target=join) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert served(completions) == before
    compact(store, TEACHER)
    assert len(segments_of(store)) == 1
    assert served(completions) == before


def test_compact_leaves_a_damaged_segment_where_it_is(store: Store, completions: CompletionStore) -> None:
    damaged = segments_of(store)[10]
    content = bytearray(damaged.read_bytes())
    content[len(content) // 3] ^= 0xFF
    damaged.write_bytes(content)
    before = served(completions)

    done = compact(store, TEACHER)

    assert damaged.read_bytes() == content
    assert done.segments_after == len(segments_of(store)) > 1
    assert served(completions) == before


def test_compact_unwritable_store_is_an_error_and_loses_nothing(
    store: Store, completions: CompletionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = served(completions)

    def full(self: Store, key: str, data: bytes) -> None:
        raise StoreError("no space left")

    monkeypatch.setattr(Store, "put_bytes", full)
    with pytest.raises(StoreError, match="no space left"):
        compact(store, TEACHER)
    assert len(segments_of(store)) == 20
    assert served(completions) == before


def test_teachers_of_names_each_once(store: Store, completions: CompletionStore) -> None:
    other = "u" * 64
    CompletionStore(store, other).append([make_completion(key="a", teacher=other)], logprobs=0)
    assert teachers_of(store) == [TEACHER, other]
    assert teachers_of(Store(StoreConfig(url=store.config.url + "-empty"))) == []
