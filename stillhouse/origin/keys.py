"""The user's keys: elliptic curves in PEM files. A private key is read where it is used, and goes nowhere else."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from stillhouse.errors import OriginError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey

PASSWORD = "STILLHOUSE_SIGNING_KEY_PASSWORD"
# those that the OMS format knows
_CURVES = ("secp256r1", "secp384r1", "secp521r1")
_MAKE = "`openssl ecparam -name prime256v1 -genkey -noout -out key.pem` makes one"


class PublicKey(NamedTuple):
    """A public key and its file."""

    path: Path
    key: "EllipticCurvePublicKey"


class PrivateKey(NamedTuple):
    """A private key, its file, and the password that opens the file (None: it has none)."""

    path: Path
    password: bytes | None
    key: "EllipticCurvePrivateKey"

    @property
    def public(self) -> PublicKey:
        """The public half."""
        return PublicKey(self.path, self.key.public_key())

    def __repr__(self) -> str:
        """Return its path alone: what is printed or logged holds no secret."""
        return f"PrivateKey({str(self.path)!r})"


def load_private_key(path: Path, environment: Mapping[str, str] = os.environ) -> PrivateKey:
    """Return the private key in a PEM file.

    Raises:
        OriginError: there is no such file, it holds no key of a known curve, or its password is missing or wrong.
    """
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    data = _read(path)
    password = environment.get(PASSWORD, "").encode() or None if b"ENCRYPTED" in data else None
    try:
        key = load_pem_private_key(data, password)
    except TypeError as error:
        raise OriginError(f"{path}: the key is encrypted. Set {PASSWORD} to its password.") from error
    except ValueError as error:
        if password:
            raise OriginError(f"{path}: the password in {PASSWORD} does not open the key.") from error
        raise OriginError(f"{path}: it holds no private key in PEM form. {_MAKE}.") from error
    _check_curve(path, key)
    return PrivateKey(path, password, key)  # type: ignore[arg-type]


def load_public_key(path: Path) -> PublicKey:
    """Return the public key in a PEM file.

    Raises:
        OriginError: there is no such file, or it holds no public key of a known curve.
    """
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    data = _read(path)
    if b"PRIVATE KEY" in data:
        raise OriginError(
            f"{path}: that is a private key, which no verification needs. Give the public one: `openssl ec -in "
            "key.pem -pubout -out pub.pem` writes it."
        )
    try:
        key = load_pem_public_key(data)
    except ValueError as error:
        raise OriginError(f"{path}: it holds no public key in PEM form (-----BEGIN PUBLIC KEY-----).") from error
    _check_curve(path, key)
    return PublicKey(path, key)  # type: ignore[arg-type]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise OriginError(f"{path}: the key can't be read: {error.strerror}. Give the path of a PEM file.") from error


def _check_curve(path: Path, key: object) -> None:
    curve = getattr(getattr(key, "curve", None), "name", type(key).__name__)
    if curve not in _CURVES:
        raise OriginError(f"{path}: a key of kind {curve}; it must be of a curve {', '.join(_CURVES)}. {_MAKE}.")
