"""Signs a version in the store: the files of its models, and the statement of their origin."""

from stillhouse.artifacts.store import Store
from stillhouse.origin.chain import ref_of
from stillhouse.origin.claim import read_claim
from stillhouse.origin.envelope import sign_payload
from stillhouse.origin.keys import PrivateKey
from stillhouse.origin.layout import ENVELOPE, STATEMENT, home_of, signature_of
from stillhouse.origin.model_signature import sign_model
from stillhouse.origin.origin_check import OriginCheck
from stillhouse.origin.verify_version import verify_version
from stillhouse.origin.write import write_statement
from stillhouse.registry.version import ModelVersion


def sign_version(store: Store, version: ModelVersion, private: PrivateKey) -> OriginCheck:
    """Sign a version that is whole, and return what was checked before that; an earlier signature is replaced.

    If anything of it is not as its statement says, the findings are returned and nothing is signed.

    Raises:
        OriginError: the statement can't be read.
        StoreError: the store can't be read or written.
    """
    home = home_of(version.name, version.version)
    write_statement(store, version)
    checked = verify_version(store, version)
    if checked.findings:
        return checked
    statement = store.read_text(f"{home}/{STATEMENT}").encode()
    said = read_claim(statement, None, None).predicate
    for model, made_by in said.models.items():
        store.put_bytes(f"{home}/{signature_of(model)}", sign_model(store.fetch(ref_of(made_by)), private))
    # last: its presence says that the version is signed
    store.put_bytes(f"{home}/{ENVELOPE}", sign_payload(statement, private))
    return checked
