"""Keeps what people set in Prefect's UI when the deployments are registered again.

Prefect's own `deploy` restores its file: `make up` would switch a schedule off, or the nightly run back to the demo.
"""

import httpx
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate, DeploymentUpdate
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import PrefectHTTPStatusError


def keep_choices(client: SyncPrefectClient, old: DeploymentResponse, new: DeploymentResponse) -> list[str]:
    """Restore parameters, pause and schedules of `old`; returns a line if Prefect refuses the parameters."""
    for schedule in old.schedules:
        _keep_schedule(client, schedule, new)
    client.update_deployment(new.id, DeploymentUpdate(paused=old.paused))
    # a parameter that the flow no longer has is left out
    known = (new.parameter_openapi_schema or {}).get("properties", {})
    parameters = new.parameters | {name: value for name, value in old.parameters.items() if name in known}
    try:
        client.update_deployment(new.id, DeploymentUpdate(parameters=parameters))
    except PrefectHTTPStatusError as error:
        if error.response.status_code != httpx.codes.CONFLICT:
            raise
        return [f"deployment {new.name}: its parameters are the file's again, since the flow refuses {old.parameters}"]
    return []


def _keep_schedule(client: SyncPrefectClient, old: DeploymentSchedule, new: DeploymentResponse) -> None:
    now = [one for one in new.schedules if one.id == old.id or (old.slug and one.slug == old.slug)]
    if not now:
        again = DeploymentScheduleCreate(
            schedule=old.schedule, active=old.active, parameters=old.parameters, slug=old.slug
        )
        client.create_deployment_schedules(new.id, [again])
    elif now[0].active != old.active:
        client.update_deployment_schedule(new.id, now[0].id, active=old.active)
