"""Which local copies go if there are too many bytes of them."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stillhouse.artifacts.cache_limit import lock_of, note_use, shrink
from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.artifacts.store import Store, StoreConfig

SIZE = 1000


def make_copies(root: Path, names: str) -> dict[str, Path]:
    """Make a copy of `SIZE` bytes for each letter, used one after the other, long ago."""
    copies = {}
    for at, name in enumerate(names):
        copies[name] = root / "artifacts" / "train" / (name * 64) / ("0" * 32)
        (copies[name] / "deep").mkdir(parents=True)
        (copies[name] / "deep" / "weights").write_bytes(bytes(SIZE))
        note_use(copies[name]).close()
        os.utime(copies[name].with_name("0" * 32 + ".used"), (at, at))
    return copies


def left(copies: dict[str, Path]) -> str:
    return "".join(name for name, copy in copies.items() if copy.exists())


def test_shrink_takes_the_least_recently_used_and_no_more_than_needed(tmp_path: Path) -> None:
    copies = make_copies(tmp_path, "abcd")
    assert shrink(tmp_path, 4 * SIZE) == []
    note_use(copies["a"]).close()  # used again
    assert shrink(tmp_path, 2.5 * SIZE) == [copies["b"], copies["c"]]
    assert left(copies) == "ad"
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]


HOLD = """
import sys
from pathlib import Path
from stillhouse.artifacts.cache_limit import note_use
held = note_use(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_shrink_leaves_what_a_living_process_uses(tmp_path: Path) -> None:
    copies = make_copies(tmp_path, "ab")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(copies["a"])], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as user:
        assert user.stdout is not None
        user.stdout.readline()
        os.utime(copies["a"].with_name("0" * 32 + ".used"), (0, 0))
        assert shrink(tmp_path, 0) == [copies["b"]]
        user.kill()
    assert shrink(tmp_path, 0) == [copies["a"]]


def test_shrink_leaves_a_copy_that_is_being_made(tmp_path: Path) -> None:
    copies = make_copies(tmp_path, "a")
    with lock_of(copies["a"]):
        assert shrink(tmp_path, 0) == []
    assert shrink(tmp_path, 0) == [copies["a"]]


def test_shrink_sweeps_what_a_kill_left_and_leaves_other_files_alone(tmp_path: Path) -> None:
    copies = make_copies(tmp_path, "a")
    half = copies["a"].with_name(".evicted-1234")
    half.mkdir()
    (half / "weights").write_bytes(b"half")
    unstored = tmp_path / "unstored" / "x" / "y" / "paid.jsonl"
    unstored.parent.mkdir(parents=True)
    unstored.write_bytes(bytes(SIZE))
    shrink(tmp_path, 0)
    assert not half.exists()
    assert unstored.exists()


def fetched(config: StoreConfig, *names: str) -> None:
    """Fetch artifacts as a process of its own would, which ends then."""
    store = Store(config)
    for name in names:
        (folder,) = [store.fetch(ArtifactRef(stage="train", fingerprint=name * 64))]
        assert (folder / "weights").stat().st_size == SIZE
    del store
    gc.collect()


@pytest.mark.slow
def test_fetch_beyond_the_limit_drops_the_oldest_copies_and_gets_them_again(s3_config: StoreConfig) -> None:
    config = s3_config.model_copy(update={"cache_gb": 2.5 * SIZE / 1e9})
    maker = Store(s3_config.model_copy(update={"cache_dir": s3_config.cache_dir / "maker"}))
    for name in "abc":
        with maker.workspace("train", 1, name * 64, {}, {}) as work:
            (work.folder / "weights").write_bytes(bytes(SIZE))
            work.commit({})
    fetched(config, "a")
    fetched(config, "b")
    fetched(config, "a")
    fetched(config, "c")
    kept = {path.parents[1].name[0] for path in config.cache_dir.glob("artifacts/*/*/*/weights")}
    assert kept == {"a", "c"}
    fetched(config, "a", "b", "c")  # one process has all that it asked for, whatever the limit
    assert len(list(config.cache_dir.glob("artifacts/*/*/*/weights"))) == 3
