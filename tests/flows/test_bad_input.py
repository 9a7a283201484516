"""What a user does wrong comes back as one message that says how to mend it: no traceback, nothing half done."""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from deployments.foreground import run_flow
from flows.distill import distill
from stillhouse.errors import UserError
from tests.support.pipeline import MODEL, Pipeline

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not MODEL.exists(), reason="the demo's teacher is not there; run `make model`"),
]


def broken_gzip(pipeline: Pipeline) -> None:
    pipeline.write()
    (pipeline.folder / "messages.jsonl.gz").write_bytes(b"\x1f\x8b\x08\x00 this is no gzip")
    edit(pipeline, lambda fields: fields["data"]["train"].update(path="messages.jsonl.gz"))


def no_rows(pipeline: Pipeline) -> None:
    pipeline.write()
    (pipeline.folder / "messages.jsonl").write_text("")


def one_class(pipeline: Pipeline) -> None:
    pipeline.write()
    for name in ("labelled", "test"):
        path = pipeline.folder / f"{name}.jsonl"
        kept = [line for line in path.read_text().split("\n") if '"intent": "pet"' in line]
        path.write_text("\n".join(kept) + "\n")
    edit(pipeline, lambda fields: fields["skill"].update(labels=[]))


def unknown_column(pipeline: Pipeline) -> None:
    pipeline.write()
    edit(pipeline, lambda fields: fields["data"]["train"]["columns"].update(text="mesage"))


def same_rows_as_train(pipeline: Pipeline) -> None:
    pipeline.write()
    for name in ("messages", "test"):
        shutil.copy(pipeline.folder / "labelled.jsonl", pipeline.folder / f"{name}.jsonl")
    edit(pipeline, lambda fields: fields["data"]["train"]["columns"].update(label="intent"))


def no_model(pipeline: Pipeline) -> None:
    pipeline.write()
    edit(pipeline, lambda fields: fields["teachers"][0].update(model="./nowhere/model"))


def edit(pipeline: Pipeline, change: Callable[[dict], None]) -> None:  # type: ignore[type-arg]
    path = pipeline.folder / "recipe.yaml"
    fields = yaml.safe_load(path.read_text())
    change(fields)
    path.write_text(yaml.safe_dump(fields))


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (broken_gzip, ["messages.jsonl.gz"]),
        (no_rows, ["train", "row"]),
        (one_class, ["one class only"]),
        (unknown_column, ["mesage", "'message'"]),
        (same_rows_as_train, ["test"]),
        (no_model, ["nowhere/model", "does not exist"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_run_user_mistake_is_one_clear_message(
    spoil: Callable[[Pipeline], None], expected: list[str], tmp_path: Path, prefect_server: str
) -> None:
    pipeline = Pipeline(tmp_path / "mine")
    spoil(pipeline)

    with pytest.raises(UserError) as caught:
        run_flow(distill, recipe=str(pipeline.folder / "recipe.yaml"))

    for words in expected:
        assert words in str(caught.value)
    assert not list(Path(os.environ["STILLHOUSE_STORE"]).glob("runs/*"))


def test_run_unreadable_lines_stop_it_and_are_kept_where_the_message_says(tmp_path: Path, prefect_server: str) -> None:
    pipeline = Pipeline(tmp_path / "mine")
    pipeline.write()
    path = pipeline.folder / "messages.jsonl"
    good = path.read_text()
    path.write_text(good + "broken\n" * len(good.splitlines()))

    with pytest.raises(UserError, match=r"lines are no rows \(not_json: \d+\), such as .*'broken'") as caught:
        run_flow(distill, recipe=str(pipeline.folder / "recipe.yaml"))

    kept_at = Path(str(caught.value).rpartition("with their bytes: ")[2])
    assert len(kept_at.read_text().splitlines()) == len(good.splitlines())


def obey_permissions() -> None:
    """Take from root what no permission stops it for; for others this changes nothing."""
    drop, dac_override, dac_read_search = 24, 1, 2  # <linux/prctl.h>, <linux/capability.h>
    for capability in (dac_override, dac_read_search):
        ctypes.CDLL(None).prctl(drop, capability)


def test_run_file_that_may_not_be_read_is_named_with_the_reason(tmp_path: Path, prefect_server: str) -> None:
    pipeline = Pipeline(tmp_path / "mine").reporting_to(prefect_server)
    pipeline.write()
    (pipeline.folder / "messages.jsonl").chmod(0o000)

    seen = pipeline.refuse(prepare=obey_permissions)

    assert "messages.jsonl may not be read (permission denied)" in seen, seen


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=96k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode or os.geteuid():
        pytest.skip("needs the right to mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_run_full_disk_names_the_store_and_leaves_no_artifact(
    tmp_path: Path, small_disk: Path, prefect_server: str
) -> None:
    pipeline = Pipeline(tmp_path / "mine").reporting_to(prefect_server)
    pipeline.write(num_messages=700)
    store = pipeline.folder / "store"
    store.symlink_to(small_disk, target_is_directory=True)

    seen = pipeline.refuse()

    assert "STILLHOUSE_STORE" in seen or "disk" in seen, seen
    for record in small_disk.glob("artifacts/*/*/record.json"):
        assert record.read_text().endswith("}\n") or record.read_text().endswith("}"), record
