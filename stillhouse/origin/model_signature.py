"""The signature of a model's folder in the OMS format, by model-signing: other tools than Stillhouse check it too."""

import tempfile
from pathlib import Path
from typing import Any

from stillhouse.origin.keys import PrivateKey, PublicKey
from stillhouse.origin.layout import ORIGIN


def sign_model(folder: Path, private: PrivateKey) -> bytes:
    """Return the Sigstore bundle that signs every file of `folder` by SHA-256.

    Raises:
        ValueError: the folder has a symbolic link.
    """
    from model_signing import signing

    config: Any = signing.Config  # without types
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / "model.sig"
        signer = config().use_elliptic_key_signer(private_key=private.path, password=private.password)
        signer.set_hashing_config(_hashing()).sign(folder, target)
        return target.read_bytes()


def model_fault(folder: Path, signature: bytes, public: PublicKey) -> str | None:
    """Return why the bundle is not the key's signature of the files in `folder`, or None if it is."""
    from cryptography.exceptions import InvalidSignature
    from model_signing import verifying

    config: Any = verifying.Config  # without types
    with tempfile.TemporaryDirectory() as scratch:
        held = Path(scratch) / "model.sig"
        held.write_bytes(signature)
        try:
            verifier = config().use_elliptic_key_verifier(public_key=public.path)
            verifier.set_hashing_config(_hashing()).verify(folder, held)
        except InvalidSignature:
            return "the signature is not this key's, or what it signs was changed"
        # what a bundle of another form raises on its way through model-signing
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            return str(error) or type(error).__name__
    return None


def _hashing() -> Any:
    from model_signing import hashing

    config: Any = hashing.Config  # without types
    # git's files are no exception: a model has none of them
    return config().set_ignored_paths(paths=[ORIGIN], ignore_git_paths=False)
