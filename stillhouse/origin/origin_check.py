"""What a verification says at its end, and the parts that versions and folders share."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from stillhouse.origin.claim import Claim
from stillhouse.origin.finding import Finding
from stillhouse.origin.keys import PublicKey
from stillhouse.origin.model_signature import model_fault

_SIGN_AGAIN = "Have the model signed again: `stillhouse models sign NAME@alias --key FILE`."


class OriginCheck(NamedTuple):
    """The end of a verification."""

    model: str  # NAME/3
    findings: tuple[Finding, ...]
    checked: str  # what was compared with the statement
    signed_by: tuple[str, ...]  # ids of keys; empty: unsigned
    is_signature_checked: bool


def end(claim: Claim, findings: Iterable[Finding], public: PublicKey | None, what: str) -> OriginCheck:
    """Return the end of a verification of `what`, whose findings come after those of the claim."""
    said = claim.predicate
    files = f"{what}, {len(said.scores)} scores, recipe and report"
    is_checked = public is not None and bool(claim.signed_by)
    return OriginCheck(said.address, (*claim.findings, *findings), files, claim.signed_by, is_checked)


def signature_faults(folder: Path, signature: bytes | None, name: str, public: PublicKey) -> list[Finding]:
    """Return why the signature called `name` is not the key's of the files in `folder`; nothing if it is."""
    wanted = f"a signature of the model's files by the key of {public.path}"
    if signature is None:
        return [Finding(name, wanted, "no signature", _SIGN_AGAIN)]
    fault = model_fault(folder, signature, public)
    return [Finding(name, wanted, fault, _SIGN_AGAIN)] if fault else []
