"""Verifies a version in the store: every stage of its chain, its documents, and its signatures."""

from collections.abc import Iterator

from stillhouse.artifacts.store import Store
from stillhouse.errors import OriginError
from stillhouse.origin.chain import broken_links, name_of, ref_of
from stillhouse.origin.claim import read_claim
from stillhouse.origin.documents import document_faults
from stillhouse.origin.files import stage_faults
from stillhouse.origin.finding import DISTRUST, REBUILD, Finding, changed
from stillhouse.origin.keys import PublicKey
from stillhouse.origin.layout import ENVELOPE, STATEMENT, STUDENT, documents_of, home_of, signature_of
from stillhouse.origin.origin_check import OriginCheck, end, signature_faults
from stillhouse.origin.schema import Predicate
from stillhouse.origin.trees import changes
from stillhouse.registry.version import ModelVersion


def verify_version(store: Store, version: ModelVersion, public: PublicKey | None = None) -> OriginCheck:
    """Return what a version in the store, its run and every stage of it differ in from its statement.

    Every byte of every stage is read. Without a key a signature is not checked, and all else is.

    Raises:
        OriginError: the version has no statement, or it can't be read.
        StoreError: the store can't be read.
    """
    home = home_of(version.name, version.version)
    statement = _stored(store, f"{home}/{STATEMENT}")
    if statement is None:
        raise OriginError(
            f"{version.reference} has no statement of its origin: it was registered by an earlier Stillhouse. "
            "`stillhouse models sign` writes one and signs it."
        )
    claim = read_claim(statement, _stored(store, f"{home}/{ENVELOPE}"), public)
    said = claim.predicate
    keys = documents_of(version.name, version.version, version.run_id)
    findings = [
        *_foreign(said, version),
        *broken_links(said),
        *(fault for stage in said.stages for fault in stage_faults(store, stage)),
        *document_faults(said, {name: _text(store, key) for name, key in keys.items()}, REBUILD),
    ]
    # a changed file is named above, and a changed statement is no statement of this key's
    if public and claim.signed_by and not (findings or claim.findings):
        findings += _model_signature_faults(store, version, said, public)
    files = sum(len(stage.files) for stage in said.stages)
    return end(claim, findings, public, f"{len(said.stages)} stages with {files} files")


def _foreign(said: Predicate, version: ModelVersion) -> Iterator[Finding]:
    """Yield where the statement is about another model than the version."""
    models = {STUDENT: version.student, **version.exports}
    about = {"model": version.reference, "run_id": version.run_id}
    stated = {"model": said.address, "run_id": said.run_id}
    made_by = {model: name_of(ref) for model, ref in models.items()}
    yield from changed(STATEMENT, changes({**about, "models": made_by}, {**stated, "models": said.models}), DISTRUST)


def _model_signature_faults(
    store: Store, version: ModelVersion, said: Predicate, public: PublicKey
) -> Iterator[Finding]:
    home = home_of(version.name, version.version)
    for model, made_by in said.models.items():
        name = signature_of(model)
        yield from signature_faults(store.fetch(ref_of(made_by)), _stored(store, f"{home}/{name}"), name, public)


def _text(store: Store, key: str) -> str | None:
    data = _stored(store, key)
    return data.decode(errors="replace") if data is not None else None


def _stored(store: Store, key: str) -> bytes | None:
    found = store.versioned(key)
    return found[0] if found else None
