import hashlib

import pytest

from stillhouse.artifacts.fingerprint import describe_inputs, fingerprint, sha256_file
from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.recipe.engine import Engine
from stillhouse.recipe.teacher import Sampling, Teacher

REF = ArtifactRef(stage="read", fingerprint="a" * 64)
OTHER = ArtifactRef(stage="read", fingerprint="b" * 64)
BASE = fingerprint("split", 1, {"seed": 0, "by": "hash"}, {"rows": REF})


def test_fingerprint_same_arguments_in_another_order_is_equal() -> None:
    assert fingerprint("split", 1, {"by": "hash", "seed": 0}, {"rows": REF}) == BASE
    two = {"rows": REF, "test": OTHER}
    assert fingerprint("s", 1, {}, two) == fingerprint("s", 1, {}, dict(reversed(two.items())))


@pytest.mark.parametrize(
    "other",
    [
        fingerprint("balance", 1, {"seed": 0, "by": "hash"}, {"rows": REF}),
        fingerprint("split", 2, {"seed": 0, "by": "hash"}, {"rows": REF}),
        fingerprint("split", 1, {"seed": 1, "by": "hash"}, {"rows": REF}),
        fingerprint("split", 1, {"seed": 0}, {"rows": REF}),
        fingerprint("split", 1, {"seed": 0, "by": "hash"}, {"rows": OTHER}),
        fingerprint("split", 1, {"seed": 0, "by": "hash"}, {"other_name": REF}),
        fingerprint("split", 1, {"seed": 0, "by": "hash"}, {"rows": None}),
        fingerprint("split", 1, {"seed": 0, "by": "hash"}, {"rows": [REF]}),
    ],
)
def test_fingerprint_any_identity_changed_differs(other: str) -> None:
    assert other != BASE
    assert len(other) == 64


def test_fingerprint_order_of_a_list_of_inputs_matters() -> None:
    assert fingerprint("s", 1, {}, {"x": [REF, OTHER]}) != fingerprint("s", 1, {}, {"x": [OTHER, REF]})


def test_fingerprint_execution_and_provenance_fields_do_not_matter() -> None:
    plain = Teacher(model="m")
    moved = Teacher(model="m", licence="mit", engine=Engine(threads=7, mode="eager"))
    assert fingerprint("generate", 1, plain, {}) == fingerprint("generate", 1, moved, {})
    hotter = Teacher(model="m", sampling=Sampling(temperature=0.5))
    assert fingerprint("generate", 1, plain, {}) != fingerprint("generate", 1, hotter, {})


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", lambda: 0])
def test_fingerprint_unstable_value_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="no stable serialisation"):
        fingerprint("s", 1, {"value": value}, {})


def test_fingerprint_input_without_reference_is_refused() -> None:
    with pytest.raises(TypeError, match="`rows` is a str"):
        fingerprint("s", 1, {}, {"rows": "a" * 64})  # type: ignore[dict-item]


def test_describe_inputs_lists_and_none_are_flattened() -> None:
    assert describe_inputs({"a": REF, "b": [REF, OTHER], "c": None}) == {
        "a": f"read/{'a' * 64}",
        "b[0]": f"read/{'a' * 64}",
        "b[1]": f"read/{'b' * 64}",
    }


def test_sha256_file_is_the_digest_of_its_bytes(tmp_path: object) -> None:
    path = f"{tmp_path}/file"
    with open(path, "wb") as stream:
        stream.write(b"abc" * 1_000_000)
    assert sha256_file(path) == hashlib.sha256(b"abc" * 1_000_000).hexdigest()
