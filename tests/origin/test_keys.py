"""The user's keys: which are taken, and one line for each that is not."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from stillhouse.errors import OriginError
from stillhouse.origin.keys import PASSWORD as VARIABLE
from stillhouse.origin.keys import load_private_key, load_public_key
from tests.support.origin import PASSWORD, write_keys


def test_private_key_encrypted_is_opened_by_the_password_in_the_environment(tmp_path: Path) -> None:
    private, public = write_keys(tmp_path, password=PASSWORD)
    opened = load_private_key(private, {VARIABLE: PASSWORD})
    assert opened.public.key.public_numbers() == load_public_key(public).key.public_numbers()
    assert PASSWORD not in repr(opened)
    for environment, rule in (({}, f"Set {VARIABLE}"), ({VARIABLE: "another"}, "does not open the key")):
        with pytest.raises(OriginError, match=rule):
            load_private_key(private, environment)


def test_private_key_in_the_clear_needs_no_password_though_one_is_set(tmp_path: Path) -> None:
    assert load_private_key(write_keys(tmp_path)[0], {VARIABLE: PASSWORD}).password is None


@pytest.mark.parametrize(
    ("key", "named"),
    [(ed25519.Ed25519PrivateKey.generate(), "Ed25519"), (ec.generate_private_key(ec.SECP256K1()), "k1")],
)
def test_keys_of_a_kind_that_oms_does_not_know_are_refused_by_its_name(tmp_path: Path, key, named: str) -> None:
    private, public = tmp_path / "key.pem", tmp_path / "pub.pem"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(OriginError, match=f"kind .*{named}.*openssl"):
        load_private_key(private)
    with pytest.raises(OriginError, match=f"kind .*{named}"):
        load_public_key(public)


def test_keys_that_are_missing_no_keys_or_the_wrong_half_are_named_with_the_remedy(tmp_path: Path) -> None:
    private, public = write_keys(tmp_path)
    (tmp_path / "note.pem").write_text("not a key")
    with pytest.raises(OriginError, match="no private key in PEM form"):
        load_private_key(tmp_path / "note.pem")
    with pytest.raises(OriginError, match="no private key in PEM form"):
        load_private_key(public)
    with pytest.raises(OriginError, match="no public key in PEM form"):
        load_public_key(tmp_path / "note.pem")
    with pytest.raises(OriginError, match=r"private key, which no verification needs.*-pubout"):
        load_public_key(private)
    with pytest.raises(OriginError, match=r"none\.pem: the key can't be read: No such file"):
        load_private_key(tmp_path / "none.pem")
