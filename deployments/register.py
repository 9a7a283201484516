"""Brings work pool, deployments and automations to a Prefect server: `stillhouse register`, at any time again."""

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName
from prefect.client.schemas.responses import DeploymentResponse
from prefect.settings import get_current_settings

from deployments.automations import register_automations
from deployments.notifications import register_targets
from deployments.pool import register_pools
from deployments.prefect_server import prefect_server
from deployments.ui_settings import keep_choices
from stillhouse.errors import ServiceError
from stillhouse.repository import ROOT

FILE = Path(__file__).with_name("prefect.yaml")


def register() -> list[str]:
    """Register everything and return a line for each thing that is registered.

    Raises:
        ServiceError: the server can't be used, an address of notifications is wrong, or Prefect refuses a deployment.
    """
    definitions: list[dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["deployments"]
    with prefect_server() as client:
        # first, since it may refuse an address
        targets = register_targets(client)
        return [
            *register_pools(client, definitions),
            *_register_deployments(client, definitions),
            *register_automations(client, targets),
        ]


def _register_deployments(client: SyncPrefectClient, definitions: list[dict[str, Any]]) -> list[str]:
    before = _read(client, definitions)
    _deploy()
    after = _read(client, definitions)
    # Prefect skips a deployment that it can't read, without an error
    missing = [
        one["name"] for one in definitions if _updated_at(after, one["name"]) == _updated_at(before, one["name"])
    ]
    if missing:
        raise ServiceError(f"Prefect left out {', '.join(missing)} of {FILE}; it names fields that Prefect refuses.")
    lines = [f"deployment {one['name']} of {one['entrypoint']}" for one in definitions]
    for name, old in before.items():
        lines += keep_choices(client, old, after[name])
    return lines


def _updated_at(deployments: dict[str, DeploymentResponse], name: str) -> datetime | None:
    return deployments[name].updated if name in deployments else None


def _deploy() -> None:
    """Have Prefect read its file in another process, which imports the flows from this checkout."""
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(FILE)]
    settings = get_current_settings().to_environment_variables(exclude_unset=True)
    environment = {**os.environ, **settings, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServiceError(f"Prefect could not register {FILE}:\n{(done.stdout + done.stderr).strip()[-3000:]}")


def _read(client: SyncPrefectClient, definitions: list[dict[str, Any]]) -> dict[str, DeploymentResponse]:
    names = [one["name"] for one in definitions]
    found = client.read_deployments(deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=names)))
    ours = {one["name"]: one["entrypoint"] for one in definitions}
    return {one.name: one for one in found if one.entrypoint == ours[one.name]}
