"""Who may ask a teacher for what: of runs that want the same completion one asks, and a dead one is in nobody's way."""

import hashlib
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stillhouse.artifacts.store import Store, StoreConfig
from stillhouse.completions.claim_table import ClaimTable, Owner, this_process
from stillhouse.completions.claims import FOLDER, Claims, as_numbers
from stillhouse.errors import ClaimLost, StoreError

TEACHER = "t" * 64
TABLE = f"{FOLDER}/{TEACHER}.json"
KEYS = [hashlib.sha256(bytes([number])).hexdigest() for number in range(6)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(StoreConfig(url=str(tmp_path / "store"), cache_dir=tmp_path / "cache", patience_s=0.0))


def note(store: Store, owner: Owner, keys: list[str]) -> None:
    """Write what a process of `owner` that took `keys` has left in the store."""
    store.put_bytes(f"{FOLDER}/{TEACHER}/{owner.id}.keys", as_numbers(keys).tobytes())
    found = store.versioned(TABLE)
    table = ClaimTable.model_validate_json(found[0]) if found else ClaimTable()
    left = [one for one in table.owners if one.id != owner.id]
    store.put_text(TABLE, ClaimTable(owners=(*left, owner)).model_dump_json())


def elsewhere(**fields: object) -> Owner:
    return this_process("other", 300.0).model_copy(update={"place": "another machine", "host": "far", **fields})


def is_lost(claims: Claims) -> bool:
    try:
        claims.check()
    except ClaimLost as error:
        return "run again" in str(error)
    return False


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def files(store: Store) -> list[str]:
    return [key for key in store.list(FOLDER) if key.endswith(".keys")]


def test_take_of_other_keys_is_granted_and_of_one_that_is_held_refused_until_it_is_given_back(store):
    with Claims(store, TEACHER) as first, Claims(store, TEACHER) as second:
        assert first.take(KEYS[:3]) is None
        assert second.take(KEYS[3:5]) is None
        third = Claims(store, TEACHER)
        holder = third.take([KEYS[5], KEYS[4]])
        assert holder is not None
        assert holder.id == second._own.id
        with Claims(store, TEACHER) as fourth:
            assert fourth.take([KEYS[5]]) is None  # what was refused has taken nothing
        second.release()
        assert third.take([KEYS[5], KEYS[4]]) is None
        third.release()
    assert files(store) == []


def test_take_for_another_teacher_is_granted(store):
    with Claims(store, TEACHER) as first, Claims(store, "u" * 64) as second:
        assert first.take(KEYS) is None
        assert second.take(KEYS) is None


def test_take_by_ten_at_once_is_granted_to_one_after_the_other(store):
    together, most, granted = 0, 0, 0
    lock = threading.Lock()

    def ask() -> None:
        nonlocal together, most, granted
        with Claims(Store(store.config), TEACHER) as claims:
            while claims.take(KEYS):
                time.sleep(0.01)
            with lock:
                together, granted = together + 1, granted + 1
                most = max(most, together)
            time.sleep(0.02)
            with lock:
                together -= 1

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, granted) == (1, 10)


def test_take_after_a_process_of_this_machine_was_killed_is_granted_at_once(store):
    ended = subprocess.Popen(["true"])
    ended.wait()
    note(store, this_process("killed", 3600.0).model_copy(update={"process": ended.pid}), KEYS)
    with Claims(store, TEACHER) as claims:
        assert claims.take(KEYS) is None
        assert len(files(store)) == 1


def test_take_after_another_process_got_the_number_of_a_killed_one_is_granted(store):
    own = this_process("killed", 3600.0)
    note(store, own.model_copy(update={"started": own.started - 100.0}), KEYS)
    with Claims(store, TEACHER) as claims:
        assert claims.take(KEYS) is None


def test_take_from_another_machine_is_refused_while_it_beats_and_granted_once_it_is_silent(store):
    now = 0.0
    with Claims(store, TEACHER, clock=lambda: now) as claims:
        for beat in range(5):
            note(store, elsewhere(beat=beat), KEYS)
            assert claims.take(KEYS) is not None
            now += 299.0
            assert claims.take(KEYS) is not None
        now += 1.0
        assert claims.take(KEYS) is None


def test_owner_beats_while_it_holds_keys(store):
    with Claims(store, TEACHER, 0.6) as claims:
        assert claims.take(KEYS) is None
        until(lambda: ClaimTable.model_validate_json(store.read_text(TABLE)).owners[0].beat >= 3)


def test_check_of_an_owner_that_was_taken_for_dead_says_so(store):
    with Claims(store, TEACHER, 0.3, clock=lambda: 0.0) as claims:
        assert claims.take(KEYS) is None
        claims.check()
        store.put_text(TABLE, ClaimTable().model_dump_json())  # another has taken it out
        until(lambda: is_lost(claims))


def test_check_of_an_owner_without_a_beat_for_long_says_so_before_others_may_take_over(store):
    now = 1000.0
    with Claims(store, TEACHER, 300.0, clock=lambda: now) as claims:
        assert claims.take(KEYS) is None
        now += 239.0
        assert not is_lost(claims)
        now += 2.0
        assert is_lost(claims)


def test_take_with_a_table_that_is_none_names_it(store):
    store.put_text(TABLE, "[")
    with pytest.raises(StoreError, match="Delete it"):
        Claims(store, TEACHER).take(KEYS)
