"""The command `stillhouse`, in this process."""

from typer.testing import CliRunner

from deployments.cli import app


def shown(*arguments: str) -> str:
    """Return what the command prints; what it raises is raised."""
    done = CliRunner().invoke(app, arguments)
    if done.exception:
        raise done.exception
    return done.stdout
