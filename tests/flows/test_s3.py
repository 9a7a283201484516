"""The pipeline on an S3 store that fails a twentieth of all requests: it ends as on a folder, and shows no key."""

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from stillhouse.completions.completion import Completion
from stillhouse.completions.store import CompletionStore
from stillhouse.recipe.load import load_recipe
from stillhouse.runtime.settings import Settings, load_settings
from tasks.orchestration.run import Run
from tests.support.canary_secrets import CANARIES, Watch, found_in, traces
from tests.support.completion_segments import look_up
from tests.support.paths import ROOT
from tests.support.pipeline import DATA_STAGES, MODEL, Pipeline
from tests.support.s3.faulty_proxy import FaultyProxy
from tests.support.s3.server import S3Server
from tests.support.stages import prepare_rows

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]
needs_model = pytest.mark.skipif(not MODEL.exists(), reason="the demo's teacher is not there; run `make model`")

SHARE = 0.05
TEACHER = "t" * 64


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    folder = tmp_path_factory.mktemp("served")
    (folder / "bucket").mkdir()
    keys = {"key": CANARIES["AWS_ACCESS_KEY_ID"], "secret": CANARIES["AWS_SECRET_ACCESS_KEY"]}
    with S3Server(folder, **keys) as server:
        yield server


@pytest.fixture(scope="module")
def proxy(server: S3Server) -> Iterator[FaultyProxy]:
    with FaultyProxy(server.port, share=SHARE, seed=11, stall_s=6) as proxy:
        yield proxy


def on_s3(folder: Path, server: S3Server, endpoint_url: str, **settings: str) -> Pipeline:
    """Return a pipeline with its store under a prefix of its own, and all it writes below `folder`."""
    (folder / "tmp").mkdir(parents=True)
    places = {"STILLHOUSE_STORE": f"s3://bucket/{folder.name}", "AWS_ENDPOINT_URL": endpoint_url}
    times = {"STILLHOUSE_STORE_TIMEOUT": "5", "TMPDIR": str(folder / "tmp")}
    return Pipeline(
        folder,
        settings=server.environment | CANARIES | places | times | settings,
        served=server.folder / "bucket" / folder.name,
    )


def data_stages(pipeline: Pipeline, settings: Settings) -> dict[str, str]:
    """Run the data stages as Prefect tasks, store answers, and return the SHA-256 of every file by its place."""
    with Run(load_recipe(str(pipeline.folder / "recipe.yaml")), settings, frozenset(), id="x") as run:
        prepare_rows(run)
        store_answers(run)
        found = {}
        for built in run.built:
            for file in run.store.record(built.ref).files:
                fetched = run.store.path(built.ref, file.path)
                assert hashlib.sha256(fetched.read_bytes()).hexdigest() == file.sha256
                found[f"{built.label}/{built.ref.fingerprint}/{file.path}"] = file.sha256
        return found


def sources_to_s3(recipe: Path, server: S3Server) -> None:
    """Move the recipe's rows to the S3 server."""
    fields = yaml.safe_load(recipe.read_text())
    for source in (fields["data"][role] for role in ("train", "examples", "test")):
        server.client().put_file(str(recipe.parent / source["path"]), f"bucket/sources/{source['path']}")
        source["path"] = f"s3://bucket/sources/{source['path']}"
    recipe.write_text(yaml.safe_dump(fields))


def store_answers(run: Run) -> None:
    """Store 40 segments as generation does, and look their answers up again."""
    completions = CompletionStore(run.store, TEACHER)
    answers = [
        Completion(
            key=f"{n}",
            text=f"label {n}",
            finish_reason="stop",
            prompt_tokens=3,
            completion_tokens=2,
            seconds=0.1,
            teacher=TEACHER,
            created="2026-01-01T00:00:00+00:00",
        )
        for n in range(120)
    ]
    for first in range(0, 120, 3):
        completions.append(answers[first : first + 3], logprobs=0)
    assert look_up(completions, [answer.key for answer in answers], 0) == {answer.key: answer for answer in answers}


@pytest.mark.usefixtures("prefect_server")
def test_data_stages_and_completions_among_faults_end_as_on_a_folder(
    server: S3Server, proxy: FaultyProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Pipeline(tmp_path / "folder")
    folder.write()
    expected = data_stages(folder, load_settings(folder.environment))
    faulty = on_s3(tmp_path / "data-stages", server, proxy.address)
    sources_to_s3(faulty.write(), server)
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    before = proxy.faults.total()

    assert data_stages(faulty, load_settings(faulty.environment)) == expected

    assert len(expected) > 8
    assert proxy.faults.total() - before > 10
    assert {path.name for path in faulty.served.iterdir()} == {"artifacts", "completions", "results"}  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def among_faults(
    tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, server: S3Server, proxy: FaultyProxy
) -> Pipeline:
    """The whole small pipeline, run once among faults and watched for canaries."""
    pipeline = on_s3(tmp_path_factory.mktemp("among") / "faults", server, proxy.address)
    pipeline = replace(pipeline, model=tiny_model, threads=1)
    pipeline.write()
    flow = pipeline.start()
    with Watch(flow.pid, pipeline.folder / "tmp") as watch:
        code = flow.wait(timeout=1200)
    assert code == 0, (pipeline.folder / "log.txt").read_text()[-4000:]
    assert watch.looked, "no worker's spec was seen, so nothing was shown of them"
    assert not watch.seen
    return pipeline


@pytest.mark.long
@needs_model
def test_distill_among_faults_ends_with_the_same_artifacts(
    whole: Pipeline, among_faults: Pipeline, proxy: FaultyProxy
) -> None:
    for stage in DATA_STAGES:
        files = among_faults.files(stage)
        assert files, stage
        assert files == {name: sha256 for name, sha256 in whole.files(stage).items() if name in files}, stage
    keys = among_faults.stored_keys()
    assert len(keys) == len(set(keys))
    assert set(keys) <= set(whole.stored_keys())
    assert list(among_faults.store.glob("runs/*/report.html"))
    assert not (among_faults.folder / "store").exists()
    assert set(proxy.faults) == {"500", "503", "reset", "lost answer", "cut answer", "stall"}


@pytest.mark.long
@needs_model
def test_distill_model_made_here_is_not_downloaded(among_faults: Pipeline, proxy: FaultyProxy) -> None:
    weights = list(among_faults.store.glob("artifacts/*/*/*/*.safetensors"))
    assert len(weights) == 4  # converted, untrained, trained twice; each is used by a later stage
    assert [one for one in proxy.downloads(".safetensors") if f"/{among_faults.folder.name}/" in one.path] == []


@pytest.mark.long
@needs_model
def test_distill_leaves_no_secret_in_any_file(among_faults: Pipeline, server: S3Server) -> None:
    assert traces(among_faults.folder) == []
    assert traces(server.folder) == []
    # the search does see into each place: the recipe's name stands in all of them
    control = {"control": load_recipe(str(among_faults.folder / "recipe.yaml")).name}
    seen = " ".join(traces(among_faults.folder, control) + traces(among_faults.store, control))
    for place in ("prefect.db", "log.txt", "report.html", "report.json", "recipe.yaml"):
        assert place in seen, place


def test_distill_wrong_keys_through_prefect_leave_no_secret(
    tmp_path: Path, server: S3Server, proxy: FaultyProxy
) -> None:
    wrong = {"AWS_SECRET_ACCESS_KEY": "canary/wrong+key09"}
    patient = {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120"}
    pipeline = on_s3(tmp_path / "wrong-keys", server, proxy.address, **wrong, **patient)
    pipeline.write()
    script = f"from flows.distill import distill; distill(recipe={str(pipeline.folder / 'recipe.yaml')!r})"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=pipeline.environment, capture_output=True, check=False
    )
    assert done.returncode == 1
    seen = done.stdout + done.stderr
    assert b"set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in seen
    assert found_in(seen, CANARIES | wrong) == []
    assert traces(pipeline.folder, CANARIES | wrong) == []
    control = {"control": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"}
    assert any("prefect.db" in trace for trace in traces(pipeline.folder, control))


def test_distill_s3_gone_for_good_ends_in_the_stated_time(tmp_path: Path, prefect_server: str) -> None:
    (tmp_path / "served" / "bucket").mkdir(parents=True)
    with S3Server(tmp_path / "served") as server:
        times = {"STILLHOUSE_STORE_TIMEOUT": "1", "STILLHOUSE_STORE_PATIENCE": "1"}
        pipeline = Pipeline(
            tmp_path / "gone",
            settings=server.environment | times | {"STILLHOUSE_STORE": "s3://bucket/p"},
            served=server.folder / "bucket" / "p",
        ).reporting_to(prefect_server)
        pipeline.write()
        flow = pipeline.start()
        deadline = time.monotonic() + 120
        while not list(pipeline.store.glob("artifacts/validate/*/record.json")):
            assert flow.poll() is None, (pipeline.folder / "log.txt").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        server.kill()
        # the README's bound, and Prefect's own time to end
        assert flow.wait(timeout=3 * 1 + 10 * 1 + 40 + 20) == 2
    seen = (pipeline.folder / "log.txt").read_text()
    assert server.endpoint_url in seen
    assert "fix AWS_ENDPOINT_URL" in seen
    assert "Traceback" not in seen
    records = list(pipeline.store.glob("artifacts/*/*/record.json"))
    assert records
    for path in records:
        body = json.loads(path.read_bytes())
        for file in body["files"]:
            stored = path.parent / body["attempt"] / file["path"]
            assert hashlib.sha256(stored.read_bytes()).hexdigest() == file["sha256"]
