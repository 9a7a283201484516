"""The statement: what it says, by in-toto's own library, and that it is written once."""

import hashlib
import json

from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement as InTotoStatement

from stillhouse.artifacts.store import Store
from stillhouse.origin.write import write_statement
from stillhouse.registry.version import ModelVersion
from tests.support.origin import RECIPE, RUN_ID, stored

KEY = "models/demo/versions/1/origin/statement.json"


def test_statement_is_one_by_in_totos_own_library_with_every_file_of_the_models_as_subject(
    store: Store, version: ModelVersion
) -> None:
    read = json_format.Parse(store.read_text(KEY), statement_pb2.Statement())  # type: ignore[attr-defined]
    InTotoStatement.copy_from_pb(read).validate()
    assert {one.name: one.digest["sha256"] for one in read.subject} == {
        "student/model.safetensors": hashlib.sha256(b"w" * 999).hexdigest(),
        "student/tokenizer/vocab.txt": hashlib.sha256(b"v").hexdigest(),
        "onnx-int8/model.onnx": hashlib.sha256(b"o" * 99).hexdigest(),
    }


def test_statement_holds_chain_recipe_scores_code_and_documents(store: Store, version: ModelVersion) -> None:
    said = json.loads(store.read_text(KEY))["predicate"]
    stages = [stage["stage"] for stage in said["stages"]]
    # filter is no call of the run's list here, and still part of what made the student
    assert sorted(stages) == ["evaluate", "export", "filter", "generate", "read", "train"]
    assert stages.index("read") < stages.index("generate") < stages.index("filter") < stages.index("train")
    train = said["stages"][stages.index("train")]
    assert train["inputs"]["rows"] == f"filter/{said['stages'][stages.index('filter')]['fingerprint']}"
    assert (train["calls"], said["stages"][stages.index("filter")]["calls"]) == (["train"], [])
    record = json.loads(stored(store, version.student).read_text())
    assert (train["files"], train["identity"]) == (record["files"], record["identity"])
    assert (said["recipe"], said["run_id"], said["code"]["commit"]) == (RECIPE, RUN_ID, "c" * 40)
    assert said["scores"]["models.student.quality.accuracy.value"] == 0.75
    assert said["scores"]["gate.rules.0.passed"] is True
    report = store.read_text(f"runs/{RUN_ID}/report.json").encode()
    assert said["documents"]["report.json"] == {"sha256": hashlib.sha256(report).hexdigest()}


def test_statement_that_is_there_is_not_written_again(store: Store, version: ModelVersion) -> None:
    before = store.read_text(KEY)
    store.put_text(f"runs/{RUN_ID}/report.json", "{}")
    write_statement(store, version)
    assert store.read_text(KEY) == before
