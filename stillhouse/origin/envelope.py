"""A signed statement: a DSSE envelope, by securesystemslib."""

import json
from typing import TYPE_CHECKING, Any

from stillhouse.errors import OriginError
from stillhouse.origin.keys import PrivateKey, PublicKey
from stillhouse.origin.schema import PAYLOAD_TYPE

if TYPE_CHECKING:
    from securesystemslib.dsse import Envelope


def sign_payload(payload: bytes, private: PrivateKey) -> bytes:
    """Return the JSON of an envelope with `payload` and its signature."""
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]

    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(CryptoSigner(private.key))
    return json.dumps(envelope.to_dict(), indent=1).encode()


def open_envelope(data: bytes, where: str) -> "Envelope":
    """Return the envelope that `data` is, its signatures unchecked.

    Raises:
        OriginError: it is none, or carries no in-toto statement.
    """
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import FormatError

    try:
        envelope = Envelope.from_dict(json.loads(data))
    except (ValueError, KeyError, TypeError, AttributeError, FormatError) as error:
        raise OriginError(f"{where} is no DSSE envelope: {error}.") from error
    if envelope.payload_type != PAYLOAD_TYPE or not envelope.signatures:
        raise OriginError(f"{where} carries {envelope.payload_type}; it must carry a signed {PAYLOAD_TYPE}.")
    return envelope


def is_signed_by(envelope: "Envelope", public: PublicKey) -> bool:
    """Return whether the key made a signature of the envelope, over its very payload."""
    from securesystemslib.exceptions import VerificationError

    try:
        envelope.verify([_signer_key(public)], threshold=1)
    except VerificationError:
        return False
    return True


def key_id(public: PublicKey) -> str:
    """Return the id by which an envelope names the key, hex."""
    found: str = _signer_key(public).keyid
    return found


def _signer_key(public: PublicKey) -> Any:
    from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]

    return SSlibKey.from_crypto(public.key)
