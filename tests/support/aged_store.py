"""A store with things of any age, made as stages and runs make them."""

import hashlib
import json
import os
import time
from pathlib import Path

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.artifacts.store import Store
from stillhouse.completions.store import CompletionStore
from tests.support.builders import make_completion

DAY_S = 24 * 3600.0


def fingerprint_named(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def ref_named(name: str) -> ArtifactRef:
    """Return the artifact `name`, as `train-1`; its stage is the first part."""
    return ArtifactRef(stage=name.partition("-")[0], fingerprint=fingerprint_named(name))


def add_artifact(store: Store, name: str, *inputs: str, teacher: str = "") -> ArtifactRef:
    """Store an artifact made of others, with the result that Prefect keeps of it."""
    ref = ref_named(name)
    made_of = {one: ref_named(one) for one in inputs}
    identity = {"teacher_fingerprint": teacher} if teacher else {}
    with store.workspace(ref.stage, 1, ref.fingerprint, identity, made_of) as work:
        (work.folder / "deep").mkdir()
        (work.folder / "deep" / "rows.jsonl").write_text(name)
        work.commit({})
    store.put_text(f"results/{ref.stage}-{ref.fingerprint}", "{}")
    return ref


def add_run(store: Store, run_id: str, *artifacts: str, student: str = "owner/name") -> None:
    """Store a finished run of artifacts, whose recipe makes its student of `student`."""
    named = {name: ref_named(name).model_dump() for name in artifacts}
    store.put_text(f"runs/{run_id}/report.json", json.dumps({"run_id": run_id}))
    store.put_text(f"runs/{run_id}/report.html", "<p>")
    store.put_text(f"runs/{run_id}/recipe.yaml", f"student: {{model: '{student}'}}")
    store.put_text(f"runs/{run_id}/artifacts.json", json.dumps(named))


def add_completions(store: Store, teacher: str) -> None:
    CompletionStore(store, teacher).append([make_completion(key="a", teacher=teacher)], logprobs=0)


def grow_older(store: Store, prefix: str, days: float) -> None:
    """Make all files of a local store below `prefix` as old as that."""
    then = time.time() - days * DAY_S
    for path in (Path(store.config.url) / prefix).rglob("*"):
        os.utime(path, (then, then))


def names_in(store: Store, *names: str) -> set[str]:
    """Return which of the artifacts called so the store has."""
    return {name for name in names if store.find(ref_named(name).stage, ref_named(name).fingerprint)}
