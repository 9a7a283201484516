"""What a statement and its envelope say together: which statement counts, whose it is, and what is wrong with it."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from stillhouse.errors import OriginError
from stillhouse.origin.envelope import is_signed_by, key_id, open_envelope
from stillhouse.origin.finding import DISTRUST, Finding, changed
from stillhouse.origin.keys import PublicKey
from stillhouse.origin.layout import ENVELOPE, STATEMENT
from stillhouse.origin.schema import Predicate, Statement, subjects_of
from stillhouse.origin.trees import changes

if TYPE_CHECKING:
    from securesystemslib.dsse import Envelope

_SIGN = "Have whoever vouches for the model sign it: `stillhouse models sign NAME@alias --key FILE`."
_OTHER_KEY = "Check with the public key of whoever signed it, or have it signed again."

_DELETE = "Delete it, and have the model signed again."


class Claim(NamedTuple):
    """The predicate that counts: the signed one if there is a signature."""

    predicate: Predicate
    signed_by: tuple[str, ...]  # ids of keys; empty: unsigned
    findings: tuple[Finding, ...]


def read_claim(statement: bytes, envelope: bytes | None, public: PublicKey | None) -> Claim:
    """Return what the bytes of statement.json and of the envelope (None: unsigned) say.

    Without a key it is checked only whether the envelope is about this statement.

    Raises:
        OriginError: no statement can be read.
    """
    if envelope is None:
        missing = [_unsigned(public)] if public else []
        return _claim(statement, (), missing)
    try:
        opened = open_envelope(envelope, ENVELOPE)
    except OriginError as error:
        return _claim(statement, (), [Finding(ENVELOPE, "a DSSE envelope", f"{error}", _DELETE)])
    findings = [*(_signature_faults(opened, public) if public else ())]
    if opened.payload != statement:
        findings += _differences(opened.payload, statement)
    return _claim(opened.payload, tuple(opened.signatures), findings)


def _claim(payload: bytes, signed_by: tuple[str, ...], findings: list[Finding]) -> Claim:
    try:
        statement = Statement.model_validate_json(payload)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "its JSON"
        raise OriginError(
            f"{STATEMENT} is no statement of a model's origin, or one of a newer Stillhouse: {where}: {first['msg']}."
        ) from error
    predicate = statement.predicate
    if statement.subject != subjects_of(predicate):
        findings = [*findings, Finding(STATEMENT, "the files of its models as subject", "others", DISTRUST)]
    return Claim(predicate, signed_by, tuple(findings))


def _unsigned(public: PublicKey) -> Finding:
    return Finding(ENVELOPE, f"a signature by key {key_id(public)}", "no signature", _SIGN)


def _signature_faults(envelope: "Envelope", public: PublicKey) -> Iterator[Finding]:
    wanted = key_id(public)
    if wanted not in envelope.signatures:
        yield Finding(
            ENVELOPE, f"a signature by key {wanted}", f"one by key {', '.join(envelope.signatures)}", _OTHER_KEY
        )
    elif not is_signed_by(envelope, public):
        yield Finding(ENVELOPE, f"what key {wanted} signed", "a content or signature that was changed", DISTRUST)


def _differences(signed: bytes, found: bytes) -> Iterator[Finding]:
    """Yield what statement.json has otherwise than the envelope."""
    try:
        differing = changes(json.loads(signed), json.loads(found))
    except ValueError:
        differing = []
    if not differing:
        yield Finding(STATEMENT, "the bytes that were signed", "others", DISTRUST)
    yield from changed(STATEMENT, differing, DISTRUST)
