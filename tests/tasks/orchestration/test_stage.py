"""A toy stage through Prefect and the store: what is built, what is found, what is tried again."""

import base64
import dataclasses
import errno
import json
import pickle
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from prefect.utilities.math import clamped_poisson_interval

from stillhouse.artifacts.handle import ArtifactRef, StageSummary
from stillhouse.artifacts.local_backend import Folder
from stillhouse.errors import DataError, StoreError, StoreUnavailable, UnexpectedError, UserError, WorkerError
from stillhouse.runtime.settings import Settings
from tasks.orchestration.params import Execution, Params
from tasks.orchestration.results import results_block
from tasks.orchestration.stage import Stage, StageCall, stage

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server"), pytest.mark.timeout(180)]


class ToyParams(Params):
    rows: Any
    threads: Execution[int] = 0


class ToySummary(StageSummary):
    rows: int
    inputs: tuple[str, ...] = ()


class Body:
    """Writes one file and counts its calls; fails first with the errors it was given."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls: list[ToyParams] = []

    def __call__(self, call: StageCall[ToyParams]) -> ToySummary:
        self.calls.append(call.params)
        if self.errors:
            raise self.errors.pop(0)
        (call.work.folder / "rows.txt").write_text(f"rows of {call.params.rows}")
        return ToySummary(rows=call.params.rows, inputs=tuple(sorted(call.inputs)))


@pytest.fixture
def body() -> Body:
    return Body()


def toy(
    body: Callable[[StageCall[ToyParams]], ToySummary], version: int = 1, delays_s: tuple[float, float] = (0.01, 0.01)
) -> Stage[ToyParams, ToySummary]:
    def run(call: StageCall[ToyParams]) -> ToySummary:
        return body(call)

    made = stage("toy", version)(run)
    return dataclasses.replace(made, task=made.task.with_options(retry_delay_seconds=list(delays_s)))


def files_of(ref: ArtifactRef, settings: Settings) -> list[Path]:
    return list(Path(settings.store.url, "artifacts", ref.stage, ref.fingerprint).rglob("rows.txt"))


def results(settings: Settings) -> list[Path]:
    return [path for path in Path(settings.store.url, "results").rglob("*") if path.is_file()]


def test_stage_second_run_is_found_and_its_body_left_alone(settings, body):
    first = toy(body).run({}, ToyParams(rows=3), settings)
    second = toy(body).run({}, ToyParams(rows=3), settings)
    assert len(body.calls) == 1
    assert (first.is_cached, second.is_cached) == (False, True)
    assert second.ref == first.ref
    assert second.summary == first.summary == ToySummary(rows=3)


def test_stage_second_run_is_cached_in_prefects_eyes(settings, body):
    toy(body).run({}, ToyParams(rows=3), settings)
    again = toy(body).task.with_options(result_storage=results_block(settings.store))
    state = again(inputs={}, params=ToyParams(rows=3), settings=settings, label="toy", refresh=False, return_state=True)
    assert state.name == "Cached"


def test_stage_without_prefects_result_is_found_in_the_store(settings, body):
    toy(body).run({}, ToyParams(rows=3), settings)
    for path in results(settings):
        path.unlink()
    assert toy(body).run({}, ToyParams(rows=3), settings).is_cached
    assert len(body.calls) == 1


def test_stage_deleted_artifact_is_rebuilt(settings, body):
    first = toy(body).run({}, ToyParams(rows=3), settings)
    for path in files_of(first.ref, settings):
        path.unlink()
    second = toy(body).run({}, ToyParams(rows=3), settings)
    assert (len(body.calls), second.is_cached, second.ref) == (2, False, first.ref)
    assert [path.read_text() for path in files_of(first.ref, settings)] == ["rows of 3"]


def test_stage_altered_artifact_is_rebuilt(settings, body):
    first = toy(body).run({}, ToyParams(rows=3), settings)
    for path in files_of(first.ref, settings):
        path.chmod(0o644)
        path.write_text("rows of 4")  # same size
    second = toy(body).run({}, ToyParams(rows=3), settings)
    assert (len(body.calls), second.is_cached) == (2, False)
    assert [path.read_text() for path in files_of(first.ref, settings)] == ["rows of 3"]


def test_stage_another_identity_is_built(settings, body):
    first = toy(body).run({}, ToyParams(rows=3), settings)
    second = toy(body).run({}, ToyParams(rows=4), settings)
    assert (len(body.calls), second.is_cached) == (2, False)
    assert second.ref != first.ref


def test_stage_another_input_is_built(settings, body):
    first = toy(body).run({}, ToyParams(rows=3), settings)
    other = toy(body).run({"before": first.ref}, ToyParams(rows=3), settings)
    assert (len(body.calls), other.summary.inputs) == (2, ("before",))
    assert other.ref != first.ref


def test_stage_another_execution_or_label_is_found(settings, body):
    toy(body).run({}, ToyParams(rows=3, threads=1), settings)
    assert toy(body).run({}, ToyParams(rows=3, threads=2), settings, label="toy again").is_cached
    assert [call.threads for call in body.calls] == [1]


def test_stage_another_version_is_built(settings, body):
    toy(body).run({}, ToyParams(rows=3), settings)
    assert not toy(body, version=2).run({}, ToyParams(rows=3), settings).is_cached
    assert len(body.calls) == 2


def test_stage_refresh_builds_again_under_the_same_name(settings, body):
    first = toy(body).run({}, ToyParams(rows=3), settings)
    second = toy(body).run({}, ToyParams(rows=3), settings, refresh=True)
    assert (len(body.calls), second.is_cached, second.ref) == (2, False, first.ref)
    assert toy(body).run({}, ToyParams(rows=3), settings).is_cached


def test_stage_two_runs_at_once_build_it_once(settings):
    calls = []

    def slow(call: StageCall[ToyParams]) -> ToySummary:
        calls.append(call.fingerprint)
        time.sleep(3)
        return ToySummary(rows=3)

    made = toy(slow)
    with ThreadPoolExecutor(2) as both:
        found = list(both.map(lambda _: made.run({}, ToyParams(rows=3), settings), range(2)))

    assert len(calls) == 1
    assert found[0].ref == found[1].ref


def test_stage_result_is_plain_json_and_a_reference_only(settings, body):
    first = toy(body).run({}, ToyParams(rows=3), settings)
    (path,) = results(settings)
    stored = json.loads(path.read_text())
    assert stored["metadata"]["serializer"] == {
        "type": "json",
        "jsonlib": "json",
        "object_encoder": None,
        "object_decoder": None,
        "dumps_kwargs": {},
        "loads_kwargs": {},
    }
    result = stored["result"]
    assert (json.loads(result) if isinstance(result, str) else result) == first.ref.model_dump()


class Bomb:
    """Runs code when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.marker,)


@pytest.mark.parametrize("serializer", ["pickle", "json"])
def test_stage_result_that_would_run_code_is_a_miss_and_runs_none(settings, body, tmp_path, serializer):
    first = toy(body).run({}, ToyParams(rows=3), settings)
    marker = tmp_path / "owned"
    (path,) = results(settings)
    stored = json.loads(path.read_text())
    if serializer == "pickle":
        stored["metadata"]["serializer"] = {"type": "pickle", "picklelib": "pickle", "picklelib_version": None}
        stored["result"] = base64.encodebytes(pickle.dumps(Bomb(marker))).decode()
    else:
        decoder = "prefect.serializers.prefect_json_object_decoder"
        stored["metadata"]["serializer"]["object_decoder"] = decoder
        stored["result"] = json.dumps({"__class__": "subprocess.getoutput", "data": {"cmd": f"touch {marker}"}})
    path.write_text(json.dumps(stored))
    second = toy(body).run({}, ToyParams(rows=3), settings)
    assert not marker.exists()
    assert second.ref == first.ref
    assert len(body.calls) == 1
    assert "pickle" not in path.read_text()
    assert "getoutput" not in path.read_text()


@pytest.mark.parametrize("forged", [{"stage": "toy", "fingerprint": "0" * 64}, {}, 3])
def test_stage_result_that_names_another_artifact_is_not_believed(settings, body, forged):
    first = toy(body).run({}, ToyParams(rows=3), settings)
    (path,) = results(settings)
    stored = json.loads(path.read_text())
    path.write_text(json.dumps(stored | {"result": json.dumps(forged)}))
    second = toy(body).run({}, ToyParams(rows=3), settings)
    assert (second.ref, second.summary, len(body.calls)) == (first.ref, first.summary, 1)


def test_stage_result_that_is_no_json_is_a_miss(settings, body):
    first = toy(body).run({}, ToyParams(rows=3), settings)
    (path,) = results(settings)
    path.write_bytes(b"\x80half a record")
    assert toy(body).run({}, ToyParams(rows=3), settings).ref == first.ref


@pytest.mark.parametrize("error", [StoreError("wrong keys"), FileNotFoundError("no such file"), PermissionError("no")])
def test_stage_what_can_not_pass_is_not_tried_again(settings, error):
    body = Body(error)
    with pytest.raises(UserError, match=f"^toy: .*{error}"):
        toy(body).run({}, ToyParams(rows=3), settings)
    assert len(body.calls) == 1


def test_stage_waits_its_own_delays_before_it_tries_again(settings):
    body = Body(StoreUnavailable("no answer"), StoreUnavailable("no answer"))
    made = toy(body, delays_s=(0.6, 1.2))
    started = time.monotonic()
    made.run({}, ToyParams(rows=3), settings)
    assert time.monotonic() - started > 0.5 * (0.6 + 1.2)


def test_stage_runs_that_fail_together_wait_for_different_times():
    made = stage("toy", version=1)(Body().__call__)
    task = made.task
    assert task.retry_delay_seconds == [5.0, 20.0]
    for mean in (5.0, 20.0):
        # Prefect draws the wait of each run so
        drawn = [clamped_poisson_interval(mean, task.retry_jitter_factor or 0.0) for _ in range(200)]
        assert len(set(drawn)) > 100
        assert 0.5 * mean <= min(drawn) < 0.7 * mean
        assert 1.3 * mean < max(drawn) <= 1.5 * mean


def test_stage_users_mistake_is_raised_as_it_is_and_not_tried_again(settings):
    body = Body(DataError("column 'text' is not there"))
    with pytest.raises(DataError, match=r"^second toy: column 'text' is not there"):
        toy(body).run({}, ToyParams(rows=3), settings, label="second toy")
    assert len(body.calls) == 1


def test_stage_fault_of_the_code_is_not_tried_again(settings):
    body = Body(ZeroDivisionError("a fault"))
    with pytest.raises(UnexpectedError, match=r"^toy: ZeroDivisionError: a fault .* The whole trace is in \S+/toy-"):
        toy(body).run({}, ToyParams(rows=3), settings)
    assert len(body.calls) == 1


def test_stage_passing_trouble_is_tried_again(settings):
    body = Body(StoreUnavailable("the network hiccuped"), OSError("again"))
    assert toy(body).run({}, ToyParams(rows=3), settings).summary.rows == 3
    assert len(body.calls) == 3


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_stage_whose_store_fails_before_its_task_is_tried_again_as_its_task_is(settings, monkeypatch, body, failures):
    toy(body).run({}, ToyParams(rows=3), settings)
    left, read = [OSError(errno.ESTALE, "Stale file handle")] * failures, Folder.read

    def stale(self: Folder, key: str) -> bytes | None:
        if left:
            raise left.pop()
        return read(self, key)

    monkeypatch.setattr(Folder, "read", stale)
    if failures < 3:
        assert toy(body).run({}, ToyParams(rows=3), settings).is_cached
    else:
        with pytest.raises(StoreUnavailable):
            toy(body).run({}, ToyParams(rows=3), settings)
    assert (len(body.calls), left) == (1, [])


@pytest.mark.timeout(120, method="thread")  # the other method takes the alarm that Prefect needs
def test_stage_beyond_its_time_is_ended_with_the_setting_to_raise(settings):
    short = settings.model_copy(update={"stage_timeout_s": 1.0})
    started = time.monotonic()
    with pytest.raises(WorkerError, match=r"^toy: not done after 1 s .* STILLHOUSE_STAGE_TIMEOUT"):
        toy(lambda call: time.sleep(30) or ToySummary(rows=0)).run({}, ToyParams(rows=3), short)
    assert time.monotonic() - started < 15, "it was tried again"


def test_stage_lasting_trouble_ends_after_three_calls(settings):
    body = Body(*[OSError("disk on fire")] * 5)
    with pytest.raises(UnexpectedError, match="OSError: disk on fire"):
        toy(body).run({}, ToyParams(rows=3), settings)
    assert len(body.calls) == 3


def test_stage_failed_body_leaves_no_artifact_and_no_result(settings):
    body = Body(DataError("no"))
    with pytest.raises(DataError):
        toy(body).run({}, ToyParams(rows=3), settings)
    assert results(settings) == []
    assert not toy(body).run({}, ToyParams(rows=3), settings).is_cached


def test_stage_identity_without_stable_serialisation_is_refused(settings, body):
    with pytest.raises(TypeError, match="no stable serialisation"):
        toy(body).run({}, ToyParams(rows=object()), settings)
    assert body.calls == []
