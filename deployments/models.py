"""`stillhouse models`: the registered models of the store."""

import typer

from deployments.model_origin import sign, verify

models = typer.Typer(no_args_is_help=True, help="Look after the registered models of the store.")
models.command("sign")(sign)
models.command("verify")(verify)
