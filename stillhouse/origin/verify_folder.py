"""Verifies a folder that was pulled, without the store: its files, its documents, and its signature."""

from collections.abc import Iterator
from pathlib import Path

from stillhouse.errors import OriginError
from stillhouse.origin.chain import broken_links
from stillhouse.origin.claim import read_claim
from stillhouse.origin.documents import document_faults
from stillhouse.origin.files import file_faults, scan
from stillhouse.origin.finding import PULL, Finding
from stillhouse.origin.keys import PublicKey
from stillhouse.origin.layout import ENVELOPE, MODEL_SIGNATURE, ORIGIN, STATEMENT
from stillhouse.origin.origin_check import OriginCheck, end, signature_faults
from stillhouse.origin.schema import Predicate


def verify_folder(folder: Path, public: PublicKey | None = None) -> OriginCheck:
    """Return what a folder that `stillhouse models pull` made differs in from the statement in it.

    Raises:
        OriginError: there is no statement in it, or a file can't be read.
    """
    try:
        return _verify(folder, public)
    except OSError as error:
        raise OriginError(f"{error.filename or folder} can't be read: {error.strerror}.") from error


def _verify(folder: Path, public: PublicKey | None) -> OriginCheck:
    origin = folder / ORIGIN
    statement = _read(origin / STATEMENT)
    if statement is None:
        raise OriginError(
            f"{folder} has no {ORIGIN}/{STATEMENT}: it must be a folder that `stillhouse models pull` made. A model in "
            "the store is named NAME@alias."
        )
    claim = read_claim(statement, _read(origin / ENVELOPE), public)
    said = claim.predicate
    model, faults = _nearest(folder, said)
    texts = {name: _text(origin / name) for name in said.documents}
    findings = [
        *broken_links(said),
        *faults,
        *document_faults(said, texts, PULL),
        *_additional(origin, said),
    ]
    if public and claim.signed_by and not (findings or claim.findings):
        findings += signature_faults(folder, _read(origin / MODEL_SIGNATURE), f"{ORIGIN}/{MODEL_SIGNATURE}", public)
    stage = said.stage_of(model)
    return end(
        claim, findings, public, f"{model} with {len(stage.files) if stage else 0} files, {len(said.stages)} stages"
    )


def _nearest(folder: Path, said: Predicate) -> tuple[str, list[Finding]]:
    """Return which model of the statement the folder holds, and what differs: the one that differs least."""
    found = scan(folder)
    stages = {model: said.stage_of(model) for model in said.models}
    faults = {model: file_faults(found, stage.files if stage else ()) for model, stage in stages.items()}
    if not faults:
        raise OriginError(f"{folder}/{ORIGIN}/{STATEMENT} names no model. {PULL}")
    nearest = min(faults, key=lambda model: len(faults[model]))
    return nearest, faults[nearest]


def _additional(origin: Path, said: Predicate) -> Iterator[Finding]:
    known = {STATEMENT, ENVELOPE, MODEL_SIGNATURE, *said.documents}
    for path in sorted(origin.rglob("*")):
        name = path.relative_to(origin).as_posix()
        if name not in known:
            yield Finding(
                f"{ORIGIN}/{name}", "no such file", "an additional file", "Move it away: nobody vouches for it."
            )


def _text(path: Path) -> str | None:
    data = _read(path)
    return data.decode(errors="replace") if data is not None else None


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
