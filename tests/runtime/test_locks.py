import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from stillhouse.errors import WorkerError
from stillhouse.runtime.locks import device_lock


def is_free(lock: Path, gpus: Sequence[str] = ()) -> bool:
    waits: list[bool] = []
    told_to_stop = threading.Event()
    told_to_stop.set()
    try:
        with device_lock(lock, lambda: waits.append(True), gpus=gpus, stop=told_to_stop):
            return not waits
    except WorkerError:
        return False


def test_device_lock_some_gpus_leaves_the_others_free(tmp_path: Path):
    lock = tmp_path / "device.lock"
    with device_lock(lock, gpus=["0", "2"]):
        assert is_free(lock, ["1"])
        assert is_free(lock, ["1", "3"])
        assert not is_free(lock, ["2"])
        assert not is_free(lock, ["1", "0"])
    assert is_free(lock, ["0", "2"])


def test_device_lock_whole_device_and_its_gpus_exclude_each_other(tmp_path: Path):
    lock = tmp_path / "device.lock"
    with device_lock(lock):
        assert not is_free(lock, ["0"])
    with device_lock(lock, gpus=["0"]):
        assert not is_free(lock)
    assert is_free(lock)


def test_device_lock_stopped_raises_and_holds_nothing(tmp_path: Path):
    lock = tmp_path / "device.lock"
    stop = threading.Event()
    with device_lock(lock, gpus=["1"]):
        # it has GPU 0 already when it begins to wait for GPU 1
        with pytest.raises(WorkerError, match="cancelled"), device_lock(lock, stop.set, gpus=["0", "1"], stop=stop):
            pass
        assert is_free(lock, ["0"])
