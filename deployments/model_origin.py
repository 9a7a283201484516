"""`stillhouse models sign` and `verify`: who vouches for a model, and whether it is what they vouched for."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from stillhouse.origin.finding import Finding
    from stillhouse.origin.keys import PublicKey
    from stillhouse.origin.origin_check import OriginCheck

_SHOWN = 20  # findings; more are counted

Model = Annotated[str, typer.Argument(help="A version in the store: NAME@alias or NAME/3.", show_default=False)]
Verified = Annotated[str, typer.Argument(help="NAME@alias, NAME/3, or a folder that was pulled.", show_default=False)]


def sign(
    model: Model,
    key: Annotated[
        Path,
        typer.Option(
            envvar="STILLHOUSE_SIGNING_KEY",
            help="PEM file of a private key on the curve P-256, P-384 or P-521. The password of an encrypted one is "
            "STILLHOUSE_SIGNING_KEY_PASSWORD in the environment.",
        ),
    ],
) -> None:
    """Check a version as `verify` does, then sign its files (OMS) and the statement of its origin (DSSE).

    The key is read here, and stored nowhere. Example: stillhouse models sign demo@champion --key key.pem
    """
    from stillhouse.artifacts.store import open_store
    from stillhouse.origin.envelope import key_id
    from stillhouse.origin.keys import load_private_key
    from stillhouse.origin.sign import sign_version
    from stillhouse.registry.registry import ModelRegistry
    from stillhouse.runtime.settings import load_settings

    private = load_private_key(key)
    store = open_store(load_settings().store)
    checked = sign_version(store, ModelRegistry(store).find(model), private)
    if checked.findings:
        _show(checked.findings)
        typer.echo(f"{checked.model}: not signed.", err=True)
        raise typer.Exit(1)
    typer.echo(f"{checked.model}: signed by key {key_id(private.public)}, {checked.checked}.")


def verify(
    model: Verified,
    key: Annotated[
        Path | None,
        typer.Option(
            envvar="STILLHOUSE_VERIFY_KEY",
            help="PEM file of the public key that must have signed it. Without it all but the signature is checked.",
        ),
    ] = None,
) -> None:
    """Check a model against the statement of its origin, and name whatever differs; exit code 1 if anything does.

    Nothing is asked over a network but the store. Example: stillhouse models verify ./demo --key pub.pem
    """
    from stillhouse.origin.keys import load_public_key

    done = _verify(model, load_public_key(key) if key else None)
    if done.findings:
        _show(done.findings)
        typer.echo(f"{done.model}: not as its statement says, in {len(done.findings)} places.", err=True)
        raise typer.Exit(1)
    typer.echo(f"{done.model}: {done.checked} are as its statement says.")
    typer.echo(_signature_line(done))


def _verify(model: str, public: "PublicKey | None") -> "OriginCheck":
    if Path(model).is_dir():
        from stillhouse.origin.verify_folder import verify_folder

        return verify_folder(Path(model), public)
    from stillhouse.artifacts.store import open_store
    from stillhouse.origin.verify_version import verify_version
    from stillhouse.registry.registry import ModelRegistry
    from stillhouse.runtime.settings import load_settings

    store = open_store(load_settings().store)
    return verify_version(store, ModelRegistry(store).find(model), public)


def _signature_line(done: "OriginCheck") -> str:
    if not done.signed_by:
        return "Unsigned: nothing proves who made it. `stillhouse models sign` signs it."
    keys = ", ".join(done.signed_by)
    if done.is_signature_checked:
        return f"Signed by key {keys}, which is the one given."
    return f"Signed by key {keys}, not checked: --key FILE with the signer's public key checks it."


def _show(findings: "tuple[Finding, ...]") -> None:
    for one in findings[:_SHOWN]:
        typer.echo(f"{one.where}\n  expected: {one.expected}\n  found:    {one.found}\n  {one.advice}", err=True)
    if len(findings) > _SHOWN:
        typer.echo(f"... and {len(findings) - _SHOWN} more.", err=True)
