import threading

import pytest

from stillhouse.artifacts.store import Store, StoreConfig
from stillhouse.errors import StoreError
from stillhouse.gate.looks import FOLDER, count_look, look_of, next_look
from stillhouse.gate.looks import test_set_of as fingerprint_of
from stillhouse.gate.spending import level_of_look

ROWS = [
    {"id": str(place), "messages": [{"role": "user", "content": text}], "references": ["a"], "source": "test"}
    for place, text in enumerate(["one", "two", "three"])
]


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(StoreConfig(url=str(tmp_path / "store"), cache_dir=tmp_path / "cache"))


def test_levels_of_all_looks_are_the_whole_chance_and_no_more():
    spent = sum(level_of_look(look, 0.05) for look in range(1, 100_001))
    assert 0.0499 < spent < 0.05
    assert level_of_look(1, 0.05) == pytest.approx(0.025)
    with pytest.raises(ValueError, match="counted from 1"):
        level_of_look(0, 0.05)


def test_looks_each_student_is_one_and_a_repeated_run_keeps_its_own(store):
    test_set = fingerprint_of(ROWS)
    assert next_look(store, test_set) == 1
    counted = [
        count_look(store, test_set, look_of(ROWS, answers), "run", 0.05)
        for answers in (["a", "a", "a"], ["a", "b", "a"], ["a", "a", "a"])
    ]
    assert [(one.look, one.used) for one in counted] == [(1, 1), (2, 2), (1, 2)]
    assert counted[1].level == pytest.approx(0.05 / 6)
    assert next_look(store, test_set) == 3


def test_look_is_of_the_student_s_answers_whatever_the_order_of_the_rows():
    turned = look_of(list(reversed(ROWS)), ["c", None, "a"])
    assert turned == look_of(ROWS, ["a", None, "c"])
    assert turned != look_of(ROWS, ["c", None, "a"])


def test_test_set_is_its_content_whatever_order_and_ids():
    renamed = [{**row, "id": f"x{row['id']}", "source": "train"} for row in reversed(ROWS)]
    assert fingerprint_of(renamed) == fingerprint_of(ROWS)
    assert fingerprint_of([{**ROWS[0], "references": ["b"]}, *ROWS[1:]]) != fingerprint_of(ROWS)
    assert fingerprint_of(ROWS[:2]) != fingerprint_of(ROWS)


def test_looks_of_runs_at_once_all_count(store):
    found = []
    threads = [
        threading.Thread(target=lambda name=name: found.append(count_look(store, "1" * 64, name, name, 0.05).look))
        for name in map(str, range(8))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(1, 9))


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"looks": [{"look": 3}]}', b"[1]"])
def test_looks_damaged_file_is_refused_and_not_counted_anew(store, damage):
    store.put_bytes(f"{FOLDER}/{'2' * 64}.json", damage)
    with pytest.raises(StoreError, match=r"is damaged .* Restore it, or delete it"):
        count_look(store, "2" * 64, "a", "run", 0.05)
