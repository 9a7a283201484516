import json

import pytest

from stillhouse.artifacts.config import StoreConfig
from stillhouse.artifacts.store import open_store
from stillhouse.errors import ModelError, StoreError
from stillhouse.registry.registry import ModelRegistry
from stillhouse.serving.find import find_model
from tests.support.registry import content
from tests.support.served import write_student
from tests.support.served_report import report_fields

RUN = "tickets-20261128-100000-aaaaaaaa"


@pytest.fixture
def store(tmp_path):
    """A store with one run, whose second student is the encoder."""
    opened = open_store(StoreConfig(url=str(tmp_path / "store"), cache_dir=str(tmp_path / "cache")))
    artifacts = {}
    for label, stage, mark in (("train", "train", "a"), ("train quick", "train_encoder", "b"), ("split", "split", "c")):
        with opened.workspace(stage, 1, mark * 64, {}, {}) as work:
            (work.folder / f"{mark}.txt").write_text(mark)
            (work.folder / "examples.parquet").write_text("rows")
            work.commit({})
        artifacts[label] = {"stage": stage, "fingerprint": mark * 64}
    opened.put_text(f"runs/{RUN}/report.json", json.dumps(report_fields(RUN)))
    opened.put_text(f"runs/{RUN}/artifacts.json", json.dumps(artifacts))
    return opened


def files(folder: str) -> set[str]:
    from pathlib import Path

    return {path.name for path in Path(folder).iterdir()}


@pytest.mark.parametrize("named", [f"runs:/{RUN}", "runs:/last", "runs:/tickets-2026"])
def test_run_is_served_by_its_compared_student(store, named):
    found = find_model(named, store)
    assert (found.name, found.version, found.served) == ("tickets", RUN, f"runs:/{RUN}")
    assert "a.txt" in files(found.folder)
    assert found.record.kind == "causal_lm"
    # the teacher's prompt shows no labelled rows
    assert found.examples is None


def test_run_whose_teacher_is_shown_examples_brings_them(store):
    fields = report_fields(RUN)
    fields["recipe"]["teachers"][1]["prompt"] = {"examples": 4}
    store.put_text(f"runs/{RUN}/report.json", json.dumps(fields))
    assert str(find_model("runs:/last", store).examples).endswith("examples.parquet")


@pytest.mark.parametrize("named", ["tickets@champion", "tickets/1", "models:/tickets@champion"])
def test_registered_model_is_served_by_the_student_of_its_version(store, named):
    registry = ModelRegistry(store)
    student = {"stage": "train_encoder", "fingerprint": "b" * 64}
    fields = {"run_id": RUN, "role": "student_2", "kind": "encoder", "student": student}
    version = registry.register(content("b", "tickets", **fields), who="test")
    registry.promote("tickets", version.version, who="test", why="it is good")
    found = find_model(named, store)
    assert (found.name, found.version, found.served) == ("tickets", "1", named.removeprefix("models:/"))
    assert "b.txt" in files(found.folder)
    assert (found.record.kind, found.record.temperature) == ("encoder", 0.8)


def test_folder_with_a_record_needs_no_run(store, tmp_path):
    folder = write_student(tmp_path / "pulled")
    found = find_model(str(folder), store)
    assert (found.name, found.version, found.served, found.folder) == ("tickets", "", "tickets", str(folder))


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ("tickets@champion", "tickets"),
        ("runs:/none", "holds no run 'none'"),
        ("./nowhere", "There is no folder ./nowhere"),
        ("not a model", "must be NAME@alias or NAME/3"),
    ],
)
def test_unknown_model_is_refused_in_one_line(store, named, says):
    with pytest.raises((ModelError, StoreError), match=says) as refused:
        find_model(named, store)
    assert "\n" not in str(refused.value)


def test_run_of_another_version_is_refused_with_what_to_do(store):
    store.put_text(f"runs/{RUN}/report.json", json.dumps(report_fields(RUN) | {"skill": 5}))
    with pytest.raises(ModelError, match=r"another version of Stillhouse .* Run its recipe again"):
        find_model(f"runs:/{RUN}", store)


def exported(store) -> None:
    """Register a version with two exports whose folders hold a manifest."""
    from stillhouse.exports.manifest import Manifest, write_manifest

    refs = {}
    for key, kind, mark in (("gguf-q8_0", "gguf", "d"), ("gguf-f16", "gguf", "e"), ("safetensors", "safetensors", "f")):
        student = {"stage": "train", "fingerprint": "a" * 64}
        with store.workspace("export", 1, mark * 64, {}, {}) as work:
            manifest = Manifest(
                format=kind, precision="any", kind="causal_lm", student=student, tools={}, files={}, weights=()
            )
            write_manifest(work.folder, manifest)
            work.commit({})
        refs[key] = {"stage": "export", "fingerprint": mark * 64}
    fields = {"run_id": RUN, "student": {"stage": "train", "fingerprint": "a" * 64}, "exports": refs}
    version = ModelRegistry(store).register(content("a", "tickets", **fields), who="test")
    ModelRegistry(store).promote("tickets", version.version, who="test", why="it is good")


@pytest.mark.parametrize(("named", "engine"), [("gguf-q8_0", "export"), ("safetensors", "vllm")])
def test_export_is_served_by_the_engine_of_its_format(store, named, engine):
    exported(store)
    found = find_model("tickets@champion", store, named)
    assert found.engine == engine
    assert "export.json" in files(found.folder)
    assert bool(found.engine_name) is (engine == "export")


@pytest.mark.parametrize(
    ("model", "named", "says"),
    [
        ("tickets@champion", "gguf", "--format gguf means gguf-f16, gguf-q8_0"),
        ("tickets@champion", "onnx", "--format onnx is none of its exports. It has gguf-f16, gguf-q8_0, safetensors"),
        ("runs:/last", "gguf", "exports are served by a model's version"),
    ],
)
def test_export_that_a_model_lacks_is_refused_in_one_line(store, model, named, says):
    exported(store)
    with pytest.raises(ModelError, match=says):
        find_model(model, store, named)
